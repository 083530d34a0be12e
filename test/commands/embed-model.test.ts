/** bt-embed: trained by one build, exported and used by another through the real command line, with the real encoder. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Batch, columnsOf } from '../../pipeline/batch.ts'
import { Build } from '../../pipeline/build.ts'
import type { BuiltIn } from '../../pipeline/kernels/built-in.ts'
import { unit } from '../../pipeline/kernels/random.ts'
import type { Manifest } from '../../pipeline/manifest.ts'
import { embeddingColumns, responseEmbedding } from '../../pipeline/measures/response-embedding.ts'
import { summaryOf } from '../../pipeline/pass.ts'
import { openEmbedder } from '../../pipeline/scorers/open.ts'
import { freshDir, goldpan, rowsOf } from '../cli.ts'
import { pairsOf } from '../drive.ts'

const dir = freshDir('embed-model')
const pick = (words: readonly string[], i: number, k: number): string => words[Math.floor(unit(k, i, 0) * words.length)]
const ANIMALS = ['dog', 'cat', 'horse', 'rabbit', 'cow', 'sheep', 'goat', 'duck']
const FOODS = ['bread', 'soup', 'cheese', 'rice', 'cake', 'salad', 'butter', 'pasta']
const ACTS = ['saw', 'found', 'liked', 'bought', 'wanted', 'missed']
const WHEN = ['today', 'last week', 'in May', 'at noon', 'this morning']

/** Right answers are of animals, wrong ones of food, seldom in the words of another pair; the first is longer than the encoder's window. */
const pairs = (from: number, count: number) =>
  Array.from({ length: count }, (_, k) => {
    const i = from + k
    const say = (things: readonly string[], n: number): string =>
      `We ${pick(ACTS, i, n)} a ${pick(things, i, n + 1)} and some ${pick(things, i, n + 2)} ${pick(WHEN, i, n + 3)}.`
    const chosen = say(ANIMALS, 10)
    return {
      id: `${i}`,
      prompt: `What happened on day ${i}?`,
      chosen: k === 0 ? `${chosen} `.repeat(30) : chosen,
      rejected: say(FOODS, 20),
    }
  })
const write = (name: string, rows: readonly object[]) => writeFileSync(join(dir, name), rows.map(row => JSON.stringify(row)).join('\n'))
const run = (config: string, out: string, threads: number) => {
  const folders = ['--out', join(dir, out), '--store', join(dir, `store-${threads}`)]
  return goldpan(['run', join(dir, config), ...folders, '--threads', `${threads}`, '--progress', 'none'])
}
const manifest = (out: string) => JSON.parse(readFileSync(join(dir, out, 'manifest.json'), 'utf8')) as Manifest & { plan_key: string }

beforeAll(() => {
  mkdirSync(dir, { recursive: true })
  write('learnt.jsonl', pairs(0, 150))
  write('judged.jsonl', pairs(1000, 40))
  const tail = 'output: { publish_without_review: true }\n'
  const first = `sources: [{ path: learnt.jsonl }]\nsteps: [{ score: { builtin: [bt-text, bt-quality, bt-embed, bt-graph] } }, disagreement]`
  writeFileSync(join(dir, 'first.yaml'), `name: first\nseed: 1\n${first}\n${tail}`)
  const second = `sources: [{ path: judged.jsonl }]\nmodels: { embed: { onnx: models/bt-embed } }\nsteps: [score]`
  writeFileSync(join(dir, 'second.yaml'), `name: second\nseed: 1\n${second}\n${tail}`)
  const built = run('first.yaml', 'first', 1)
  if (built.code !== 0) throw new Error(built.stderr)
}, 60_000)

describe('bt-embed', () => {
  it('learns what right answers mean, on pairs that its fold has not seen', async () => {
    const ledger = await rowsOf(join(dir, 'first'), `SELECT margin_bt_embed, p_bt_embed FROM '{dir}/ledger/*.parquet'`)
    expect(ledger.filter(row => (row.margin_bt_embed as number) > 0).length).toBeGreaterThan(140)
    const { summary } = manifest('first').steps.find(step => step.stage === 'score')!
    expect((summary as unknown as { 'bt-embed': { auc: number } })['bt-embed'].auc).toBeGreaterThan(0.98)
  })

  it('is the same for any number of threads', () => {
    expect(run('first.yaml', 'again', 2).code).toBe(0)
    expect(readFileSync(join(dir, 'again/manifest.json')).equals(readFileSync(join(dir, 'first/manifest.json')))).toBe(true)
  }, 60_000)

  it('says in another build what it says here, of texts of any length', async () => {
    const exported = goldpan(['models', 'export', join(dir, 'first'), '--out', join(dir, 'models'), '--store', join(dir, 'store-1')])
    expect(exported.stderr).toBe('')
    expect(run('second.yaml', 'second', 1)).toMatchObject({ code: 0 })
    const ledger = await rowsOf(join(dir, 'second'), `SELECT margin_embed FROM '{dir}/ledger/*.parquet' ORDER BY row`)
    const wanted = await expected(pairs(1000, 40))
    expect(ledger).toHaveLength(40)
    for (const [i, row] of ledger.entries()) expect(row.margin_embed as number, `${i}`).toBeCloseTo(wanted[i], 4)
  }, 60_000)
})

/** Margins by the weights in the store and vectors of the encoder. */
async function expected(inputs: ReturnType<typeof pairs>): Promise<number[]> {
  const build = await Build.open(join(dir, 'store-1/plans', `${manifest('first').plan_key}.json`), join(dir, 'store-1'))
  const { state } = summaryOf(build, build.steps().find(step => step.stage === 'score')!, 0)
  const weights = (state as unknown as BuiltIn).embed!.map(fold => fold.own[0])
  const embedder = (folder: string) => openEmbedder(folder, undefined)
  const opened = new Set<{ close(): Promise<void> }>()
  const context = {
    seed: 1,
    file: async () => new Uint8Array(0),
    embedder: async (folder: string) => {
      const model = await embedder(folder)
      opened.add(model)
      return model
    },
  }
  const batch = pairsOf(inputs.map(({ prompt, chosen, rejected }) => ({ prompt, chosen, rejected }))) as unknown as Batch
  const columns = await (await responseEmbedding.open({}, context))(batch)
  for (const model of opened) await model.close()
  const { values } = columnsOf({ schema: embeddingColumns, rows: inputs.length, columns } as never, embeddingColumns).embedding
  const width = values.length / inputs.length
  return inputs.map((_, i) => weights.reduce((sum, w) => sum + w.reduce((n, v, k) => n + v * values[i * width + k], 0), 0) / weights.length)
}
