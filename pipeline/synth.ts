/** Writes a corpus of any size with planted, known truth: row i is a function of the seed, i and the options alone. */
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from './errors.ts'
import { configText, readmeText } from './synth/documents.ts'
import type { Shares } from './synth/layout.ts'
import { OutFile } from './synth/out-file.ts'
import { readPool } from './synth/pool.ts'
import { type Recipe, RowMaker } from './synth/row-maker.ts'
import { openShards, type ShardFormat } from './synth/shards.ts'
import { type Figures, Tally } from './synth/tally.ts'
import { benchmarkId, truthOf } from './synth/truth.ts'

export interface SynthOptions extends Omit<Recipe, 'isReadable'> {
  readonly pairs: number
  readonly out: string
  readonly format: ShardFormat
  readonly shardPairs: number
  /** JSONL files to take sentences from; none = the sample corpus. */
  readonly from: readonly string[]
  readonly withScores: boolean
}

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
  const pool = readPool(from)
  mkdirSync(join(out, 'benchmarks'), { recursive: true })
  const maker = new RowMaker(recipe, pool.lexicons)
  await writeBenchmark(maker, recipe.benchmarkItems, join(out, 'benchmarks', 'synth.jsonl'))
  const { figures, bytes } = await writeRows(options, maker)
  const glob = `pairs-*.${format}`
  writeFileSync(join(out, 'config.yaml'), configText({ recipe, glob }))
  writeFileSync(join(out, 'README.txt'), readmeText({ recipe, figures, glob, poolDigest: pool.digest, withScores }))
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

async function writeRows(options: SynthOptions, maker: RowMaker): Promise<{ figures: Figures; bytes: number }> {
  const { seed, pairs } = options
  const shards = openShards(options, maker)
  const truth = new OutFile(join(options.out, 'truth.jsonl'))
  const tally = new Tally()
  for (let number = 0; number < pairs; number++) {
    const made = maker.make(number)
    tally.add(made)
    const place = await shards.write(made)
    for (const fact of truthOf(seed, made, place)) appendLine(truth, fact)
    await truth.flush()
  }
  const bytes = await shards.close()
  await truth.close()
  return { figures: tally.figures(), bytes }
}

async function writeBenchmark(maker: RowMaker, items: number, path: string): Promise<void> {
  const file = new OutFile(path)
  for (let item = 0; item < items; item++) {
    appendLine(file, { benchmark: 'synth', id: benchmarkId(item), text: Buffer.from(maker.item(item)).toString() })
    await file.flush()
  }
  await file.close()
}

function appendLine(file: OutFile, value: object): void {
  file.pending.all(Buffer.from(`${JSON.stringify(value)}\n`))
}
