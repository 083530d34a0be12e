/** Writes a corpus of any size with planted, known truth: row i is a function of the seed, i and the options alone. */
import { createReadStream, createWriteStream, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Piscina } from 'piscina'
import { UserError } from './errors.ts'
import { makeFolder } from './make-folder.ts'
import { configText, readmeText } from './synth/documents.ts'
import type { Shares } from './synth/layout.ts'
import { OutFile } from './synth/out-file.ts'
import { makerOf, type PartDone, type PartOptions, type PartOrder, truthPart, writePart } from './synth/part.ts'
import type { Recipe, RowMaker } from './synth/row-maker.ts'
import { type Figures, Tally } from './synth/tally.ts'
import { benchmarkId } from './synth/truth.ts'
import { compiled } from './version.ts'

export interface SynthOptions extends Omit<Recipe, 'isReadable'>, PartOptions {}

/** What was written; `bytes` of all lines before compression, for Parquet of the texts. */
export interface Synthesised extends Figures {
  readonly bytes: number
}

/** Writes the corpus, its truth, its benchmark and a config into a new or empty folder. */
export async function synthesise(options: SynthOptions): Promise<Synthesised> {
  refuseCrowded(options.shares)
  if (options.withScores && options.format === 'parquet')
    throw new UserError('--scores: {model: [number, number]} has no column in --format parquet; use jsonl or jsonl.gz')
  refuseFilled(options.out)
  try {
    return await write(options)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    throw new UserError(`--out ${options.out}: no space left on the device; remove the folder and write fewer pairs, or elsewhere`)
  }
}

async function write(options: SynthOptions): Promise<Synthesised> {
  const { out, format, from, withScores } = options
  const recipe = recipeOf(options)
  const { maker, digest } = makerOf({ recipe, from })
  makeFolder(join(out, 'benchmarks'))
  await writeBenchmark(maker, recipe.benchmarkItems, join(out, 'benchmarks', 'synth.jsonl'))
  const { figures, bytes } = await writeRows(options, recipe)
  const glob = `pairs-*.${format}`
  writeFileSync(join(out, 'config.yaml'), configText({ recipe, glob }))
  writeFileSync(join(out, 'README.txt'), readmeText({ recipe, figures, glob, poolDigest: digest, withScores }))
  return { ...figures, bytes }
}

function recipeOf({ seed, shares, flipped, meanBytes, chinese, slopes, benchmarkItems, format }: SynthOptions): Recipe {
  return { seed, shares, flipped, meanBytes, chinese, slopes, benchmarkItems, isReadable: format === 'parquet' }
}

/** Copies need plain rows to be made from. */
const LEAST_PLAIN = 0.1

function refuseCrowded(shares: Shares): void {
  const planted = Object.values(shares).reduce((sum, share) => sum + share, 0)
  if (planted > 1 - LEAST_PLAIN)
    throw new UserError(
      `synth: the shares of planted rows come to ${planted.toFixed(3)}, expected at most ${1 - LEAST_PLAIN}; lower some of them`,
    )
}

function refuseFilled(out: string): void {
  if (!existsSync(out)) return
  if (!statSync(out).isDirectory()) throw new UserError(`--out ${out}: expected a folder, got a file`)
  if (readdirSync(out).length > 0) throw new UserError(`--out ${out}: the folder is not empty; name a new one`)
}

/** Files side by side, a worker thread a core; each leaves its part of the truth, which are then laid end to end. */
async function writeRows(options: SynthOptions, recipe: Recipe): Promise<{ figures: Figures; bytes: number }> {
  const { pairs, out, format, shardPairs, from, withScores } = options
  const orders = Array.from({ length: Math.ceil(pairs / shardPairs) }, (_, index): PartOrder => {
    return { recipe, pairs, out, format, shardPairs, from, withScores, index }
  })
  const tally = new Tally()
  let bytes = 0
  for (const done of await writeParts(orders)) {
    if ('message' in done) throw Object.assign(new Error(done.message), { code: done.code })
    tally.addAll(done.counts)
    bytes += done.bytes
  }
  const truth = join(out, 'truth.jsonl')
  writeFileSync(truth, '')
  for (const { index } of orders) {
    await pipeline(createReadStream(truthPart(out, index)), createWriteStream(truth, { flags: 'a' }))
    rmSync(truthPart(out, index))
  }
  return { figures: tally.figures(), bytes }
}

async function writeParts(orders: readonly PartOrder[]): Promise<PartDone[]> {
  if (orders.length === 1) return [await writePart(orders[0])]
  const pool = new Piscina({ filename: compiled('synth/part.js'), maxThreads: Math.min(availableParallelism(), orders.length) })
  try {
    return await Promise.all(orders.map(order => pool.run(order, { name: 'writePart' }) as Promise<PartDone>))
  } finally {
    await pool.destroy()
  }
}

async function writeBenchmark(maker: RowMaker, items: number, path: string): Promise<void> {
  const file = new OutFile(path)
  for (let item = 0; item < items; item++) {
    file.line({ benchmark: 'synth', id: benchmarkId(item), text: Buffer.from(maker.item(item)).toString() })
    await file.flush()
  }
  await file.close()
}
