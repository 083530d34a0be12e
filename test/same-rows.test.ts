/** Files whose rows a change leaves as they were are linked, and every build is the one that an empty store would give. */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { build } from '../pipeline/index.ts'
import type { Manifest } from '../pipeline/manifest.ts'
import { Store } from '../pipeline/store.ts'
import { checksOf } from '../pipeline/verify/verify.ts'
import { Bench } from './built.ts'
import { rowsOf } from './cli.ts'

const bench = new Bench('same-rows')
const rows = Array.from({ length: 120 }, (_, i) => ({
  id: `r${i}`,
  prompt: `What is ${i} and ${i % 7}?`,
  chosen: `It is ${i * 3}, as everybody knows.`,
  rejected: `It may be ${i * 5}.`,
  scores: { a: [i % 11, 4], b: [i % 9, 5] },
}))
const config = bench.config(
  { 'a.jsonl': rows },
  'judgements: [answers.jsonl]\nsteps: [structure, { score: { builtin: [] } }, disagreement, { verification-sample: { budget: 10 } }, { decide: { flip_models: 1 } }]\n' +
    'output: { splits: { validation: 0.2 }, publish_without_review: true }\n',
)
const store = join(bench.dir, 'store')
let runs = 0
async function run(set: readonly string[], into = store): Promise<{ out: string; manifest: Manifest }> {
  const out = join(bench.dir, `out-${runs++}`)
  return { out, manifest: await build(config, { out, store: into, threads: 0, set: [...set] }) }
}
const inodes = (out: string): number[] => ['train', 'validation'].map(folder => statSync(join(out, folder, 'part-00000.parquet')).ino)
/** Keys of the entries of the store that are this file. */
function entriesOf(ino: number): string[] {
  const all = readdirSync(join(store, 'objects'), { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  const same = all.filter(({ parentPath, name }) => statSync(join(parentPath, name)).ino === ino)
  return same.map(({ parentPath, name }) => basename(parentPath) + name)
}
const sample = (budget: number): string[] => [`steps.verification-sample.budget=${budget}`]
const answers = join(dirname(config), 'answers.jsonl')

let first: Awaited<ReturnType<typeof run>>
beforeAll(async () => {
  writeFileSync(answers, '')
  first = await run([])
})

it('links the shards where only the sample for people is another', async () => {
  const larger = await run(sample(20))
  expect(inodes(larger.out)).toEqual(inodes(first.out))
  expect(larger.manifest.outputs).not.toEqual(first.manifest.outputs)
})

it.each([
  { what: 'a larger sample', set: sample(30) },
  { what: 'a threshold that moves pairs', set: ['steps.decide.review_below=0.45'] },
  { what: 'labels that are turned', set: ['steps.decide.min_flip_precision=0'] },
  { what: 'a signal more', set: ['output.signals=[p_mean, human]'] },
  { what: 'a margin', set: ['output.margin=a'] },
  { what: 'the margin of another model', set: ['output.margin=b'] },
  { what: 'another layout', set: ['output.layout=conversations'] },
  { what: 'another format', set: ['output.format=jsonl'] },
  { what: 'an answer', set: ['output.signals=[p_mean, human]'], answered: true },
])('writes what an empty store would give: $what', async ({ set, answered = false }) => {
  if (answered) {
    const [{ pair_id }] = await rowsOf(first.out, "SELECT pair_id FROM '{dir}/ledger/*.parquet' WHERE split = 'train' ORDER BY row LIMIT 1")
    const answer = {
      id: 'answer-1',
      pair_id,
      annotator: 'ann',
      at: '2026-01-01T10:00:00Z',
      left: 'chosen',
      outcome: 'left',
      protocol: 'p1',
    }
    writeFileSync(answers, `${JSON.stringify(answer)}\n`)
  }
  const [here, fresh] = [await run(set), await run(set, join(bench.dir, `fresh-${runs}`))]
  expect(here.manifest).toEqual(fresh.manifest)
})

it('writes again what a crash left without its record and a power loss emptied', async () => {
  const set = sample(35)
  const { out, manifest } = await run(set)
  for (const folder of ['train', 'review']) {
    const file = join(out, folder, 'part-00000.parquet')
    for (const key of entriesOf(statSync(file).ino)) rmSync(new Store(store).path(`${key}.record`), { force: true })
    writeFileSync(file, Buffer.alloc(statSync(file).size))
  }
  const again = await run(set)
  expect(again.manifest).toEqual(manifest)
  expect((await checksOf(again.out)).flatMap(({ wrong }) => wrong)).toEqual([])
})

it('never links a file that is not what was written', async () => {
  const path = join(first.out, 'train', 'part-00000.parquet')
  const bytes = readFileSync(path)
  bytes[bytes.length >> 1] ^= 1
  writeFileSync(path, bytes)
  writeFileSync(answers, '')
  const again = await run(sample(40))
  expect(inodes(again.out)[0]).not.toBe(inodes(first.out)[0])
  expect(again.manifest).toEqual((await run(sample(40), join(bench.dir, 'fresh-damage'))).manifest)
})

it('writes a file that begins like one before and goes on otherwise', async () => {
  const pairs = (unsure: string) =>
    Array.from({ length: 8500 }, (_, i) => ({
      id: `r${i}`,
      prompt: `What is ${i}?`,
      chosen: `It is ${i}.`,
      rejected: 'No.',
      scores: `r${i}` === unsure ? { a: [5, 5.1] } : { a: [9, 1] },
    }))
  const more =
    'steps: [structure, { score: { builtin: [] } }, disagreement, decide]\noutput: { splits: { validation: 0 }, publish_without_review: true }\n'
  const idsOf = async (out: string): Promise<string[]> =>
    (await rowsOf(out, "SELECT source_id FROM '{dir}/train/*.parquet'")).map(({ source_id }) => source_id as string)
  const groups = new Bench('same-beginning')
  const all = await idsOf((await groups.build({ 'a.jsonl': pairs('none') }, more)).out)
  const last = groups.config({ 'a.jsonl': pairs(all.at(-1)!) }, more)
  const [kept, without] = [await groups.run(last), await groups.run(last, ['steps.decide.review_below=0.6'])]
  expect(await idsOf(kept.out)).toEqual(all)
  expect(await idsOf(without.out)).toEqual(all.slice(0, -1))
  const fresh = join(groups.dir, 'fresh')
  const set = ['steps.decide.review_below=0.6']
  expect(without.manifest).toEqual(await build(last, { out: fresh, store: join(groups.dir, 'fresh-store'), threads: 0, set }))
})
