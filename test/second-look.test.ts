/** The second look of decontaminate: items said again in other words. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Turns } from '../pipeline/batch.ts'
import { textsOf } from '../pipeline/batch.ts'
import type { Embedder } from '../pipeline/scorer.ts'
import { decontaminate } from '../stages/decontaminate.ts'
import { freshDir, goldpan, rowsOf } from './cli.ts'
import { type DriveOptions, driveStage, type PairInput, type Text } from './drive.ts'
import { embeddingFolder } from './onnx-folder.ts'

const line = (benchmark: string, id: string, text: string | string[]): string => `${JSON.stringify({ benchmark, id, text })}\n`
const BENCHMARK =
  line(
    'sums',
    '1',
    'Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. How many did she sell altogether?',
  ) +
  line('sums', '2', 'A robe takes two bolts of blue fiber and half that much white fiber. How many bolts in total does it take?') +
  line('towns', 'x', ['Which river runs through the old town of Prague?', 'And which bridges cross it?'])
const SAID_AGAIN =
  'In April, Natalia sold 48 clips to her friends; in May she sold half as many clips. Altogether, how many clips did Natalia sell?'

interface Facts {
  readonly second_look?: { readonly found: readonly object[] }
}

async function look(prompts: readonly Text[], params: object = {}, options: DriveOptions = {}) {
  const pairs = prompts.map((prompt, i): PairInput => ({ prompt, chosen: `c${i}`, source: i % 2 === 0 ? 'even' : 'odd' }))
  const all = { benchmarks: ['b.jsonl'], second_look: { threshold: 0.6, ...params } }
  const { verdicts, summary, adds } = await driveStage(decontaminate, all, pairs, { files: { 'b.jsonl': BENCHMARK }, ...options })
  const items = verdicts.map(v => (v.add.second_look as { benchmark: string; item: string; cosine: number }[] | null)?.[0] ?? null)
  return { verdicts, items, adds, facts: summary.facts as Facts }
}

describe('by hashed words', () => {
  it('marks a paraphrase that n-grams miss, and takes nobody out for it', async () => {
    const { items, verdicts, facts } = await look([SAID_AGAIN, 'Write a poem about the sea at night.', BENCHMARK.slice(37, 160)])
    expect(items[0]).toMatchObject({ benchmark: 'sums', item: '1' })
    expect(items[0]!.cosine).toBeGreaterThan(0.6)
    expect(items[1]).toBeNull()
    expect(items[2]).toMatchObject({ item: '1' })
    expect(verdicts.map(v => [v.reason, v.add.contamination === null])).toEqual([
      [null, true],
      [null, true],
      ['contaminated', false],
    ])
    expect(facts.second_look).toMatchObject({ threshold: 0.6, found: [{ benchmark: 'sums', source: 'even', pairs: 2, unflagged: 1 }] })
  })

  it('looks at every turn of the user and none of others', async () => {
    const turns = (role: 'user' | 'assistant'): Text => [
      { role: 'user', content: 'Good day to you.' },
      { role, content: SAID_AGAIN },
      { role: 'user', content: 'Thanks, now tell me of your dog.' },
    ]
    const { items } = await look([turns('user'), turns('assistant')])
    expect(items.map(item => item?.item)).toEqual(['1', undefined])
  })

  it('adds and says nothing where it is not asked for', async () => {
    const { adds, summary } = await driveStage(decontaminate, { benchmarks: ['b.jsonl'] }, [{ prompt: SAID_AGAIN }], {
      files: { 'b.jsonl': BENCHMARK },
    })
    expect(Object.keys(adds.schema)).toEqual(['contamination'])
    expect(summary.facts).not.toHaveProperty('second_look')
  })

  it('is the same for any cut into batches and any order of the exchange', async () => {
    const prompts = Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? `${SAID_AGAIN} ${i}` : `Tell me ${i} things about Prague`))
    const whole = await look(prompts)
    for (const options of [{ batch_rows: 1 }, { batch_rows: 7, shuffle_seed: 3 }]) expect(await look(prompts, {}, options)).toEqual(whole)
  })

  it('takes prompts and items without words', async () => {
    const files = { 'b.jsonl': line('n', '1', '?!') }
    expect((await look(['', '...', 'Hello'], {}, { files })).items).toEqual([null, null, null])
  })
})

describe('by a model', () => {
  /** Two meanings: of rivers, and of anything else. */
  const riversOf = (dims: number): Embedder => ({
    dims,
    embed: async (prompts: Turns, rows: number) => {
      const { bytes, offsets } = textsOf(prompts, rows)
      const vectors = new Float32Array(rows * dims)
      for (let i = 0; i < rows; i++)
        vectors[i * dims + (/river|Vltava|stream/.test(Buffer.from(bytes.subarray(offsets[i], offsets[i + 1])).toString()) ? 0 : 1)] = 3
      return vectors
    },
    close: async () => {},
  })
  const rivers = riversOf(16)

  it('may be the built-in one, with as many numbers as that gives', async () => {
    const options = { embedders: { 'use-lite': riversOf(512) } }
    const { items } = await look(['Where does the Vltava flow?'], { embedder: 'use-lite', threshold: 0.99 }, options)
    expect(items[0]).toEqual({ benchmark: 'towns', item: 'x', cosine: 1 })
  })

  it('finds what shares no word', async () => {
    const params = { onnx: 'models/rivers', dims: 16, threshold: 0.99 }
    const { items } = await look(['Where does the Vltava flow?', 'Sing.'], params, { embedders: { 'models/rivers': rivers } })
    expect(items[0]).toEqual({ benchmark: 'towns', item: 'x', cosine: 1 })
    await expect(look(['a'], { ...params, dims: 32 }, { embedders: { 'models/rivers': rivers } })).rejects.toThrow(
      'decontaminate: second_look.dims: expected 16, as models/rivers gives, got 32',
    )
  })
})

it('is a column of the ledger, by a model in a folder that is part of the plan', async () => {
  const dir = freshDir('second-look')
  const folder = embeddingFolder(
    [
      ['river', 'stream', 'brook'],
      ['town', 'city'],
    ],
    16,
  )
  writeFileSync(join(dir, 'b.jsonl'), line('towns', 'x', 'which river town'))
  writeFileSync(
    join(dir, 'a.jsonl'),
    ['stream city', 'sing'].map(prompt => `${JSON.stringify({ prompt, chosen: 'a', rejected: 'b' })}\n`).join(''),
  )
  const step = `decontaminate: { second_look: { onnx: ${folder}, dims: 16, threshold: 0.7 } }`
  writeFileSync(join(dir, 'c.yaml'), `name: look\nsources: [{ path: a.jsonl }]\nbenchmarks: [b.jsonl]\nsteps: [${step}]\n`)
  const out = join(dir, 'out')
  const { code, stderr } = goldpan(['run', join(dir, 'c.yaml'), '--out', out, '--store', join(dir, 'store'), '--threads', '0'])
  expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
  const rows = await rowsOf(out, `select outcome, second_look from '{dir}/ledger/*.parquet' order by row`)
  expect(rows).toMatchObject([
    { outcome: 'keep', second_look: [{ benchmark: 'towns', item: 'x' }] },
    { outcome: 'keep', second_look: null },
  ])
  const keyOf = (): string =>
    (JSON.parse(goldpan(['plan', join(dir, 'c.yaml'), '--json']).stdout) as { steps: { key: string }[] }).steps[0].key
  const before = keyOf()
  writeFileSync(join(folder, 'config.json'), `${readFileSync(join(folder, 'config.json'), 'utf8')}\n`)
  expect(keyOf()).not.toBe(before)
})
