import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { batchOf, type Ids, listOf, roles, slice, type Turns, turnsOf, utf8Of } from '../pipeline/batch.ts'
import { type OutBatch, type OutColumn, openTableWriter } from '../pipeline/codecs/table-writer.ts'
import {
  flippedColumns,
  humanOf,
  type Layout,
  layouts,
  ledgerColumns,
  quarantineBatch,
  quarantineColumns,
  rejectsColumns,
  reviewColumns,
  trainBatch,
  trainColumns,
} from '../pipeline/layouts.ts'
import { pairTexts, votes } from '../pipeline/pair.ts'
import { turnedTexts } from '../pipeline/turned.ts'

const dir = mkdtempSync(join(tmpdir(), 'layouts-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

type Said = readonly (readonly [(typeof roles)[number], string])[]
const user = (text: string): Said => [['user', text]]
const assistant = (text: string): Said => [['assistant', text]]

function turns(rows: readonly Said[]): Turns {
  const all = rows.flat()
  const role = Uint8Array.from(all, ([name]) => roles.indexOf(name))
  return listOf(
    rows.map(row => row.length),
    batchOf(turnsOf.list, all.length, { role: { values: role }, content: utf8Of(all.map(([, text]) => text)) }),
  )
}

const textsOf = (rows: readonly { prompt: Said; chosen: Said; rejected: Said }[]) =>
  batchOf(pairTexts, rows.length, {
    prompt: turns(rows.map(r => r.prompt)),
    chosen: turns(rows.map(r => r.chosen)),
    rejected: turns(rows.map(r => r.rejected)),
  })

const ids = (rows: number): Ids => ({ bytes: Uint8Array.from({ length: rows * 16 }, (_, i) => i >> 4) })

/** All columns beside the texts. */
const facts = (rows: number): OutBatch['columns'] => ({
  pair_id: ids(rows),
  prompt_id: ids(rows),
  source: utf8Of(Array(rows).fill('hh')),
  label_kind: { values: new Uint8Array(rows) },
  source_id: utf8Of(Array(rows).fill(null)),
  license: utf8Of(Array(rows).fill('MIT')),
  lang: utf8Of(Array(rows).fill(null)),
  cluster_id: { ...ids(rows), valid: new Uint8Array(rows) },
  weight: { values: new Float32Array(rows).fill(1) },
})

async function written(columns: readonly OutColumn[], batch: OutBatch): Promise<Record<string, unknown>[]> {
  const path = join(dir, 'table.jsonl')
  const writer = await openTableWriter('jsonl', columns, path)
  await writer.write(batch)
  await writer.close()
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  return lines.map(line => JSON.parse(line) as Record<string, unknown>)
}

const names = (columns: readonly OutColumn[]): string[] => columns.map(c => c.name)
const message = ([[role, content]]: Said) => ({ role, content })
const messages = (said: Said) => said.map(([role, content]) => ({ role, content }))

describe('columns', () => {
  const rest = ['pair_id', 'prompt_id', 'source', 'label_kind', 'source_id', 'license', 'lang', 'cluster_id', 'flipped', 'weight']

  test('train: texts, facts, then the signals asked for, then margin', () => {
    expect(names(trainColumns('prompt', { signals: [] }))).toEqual(['prompt', 'chosen', 'rejected', ...rest])
    expect(names(trainColumns('message', { signals: [] }))).toEqual(['prompt', 'chosen', 'rejected', ...rest])
    expect(names(trainColumns('conversations', { signals: [] }))).toEqual(['chosen', 'rejected', ...rest])
    const asked = trainColumns('prompt', { signals: ['p_mean', 'margin_rm', 'human', 'p_mean'], margin: true })
    expect(names(asked)).toEqual(['prompt', 'chosen', 'rejected', ...rest, 'p_mean', 'margin_rm', 'human', 'margin'])
  })

  test('only these may be null', () => {
    const columns = trainColumns('prompt', { signals: ['p_mean', 'human'], margin: true })
    expect(names(columns.filter(c => !c.required))).toEqual(['source_id', 'license', 'lang', 'cluster_id', 'p_mean', 'human'])
  })

  test('signals that trainers reserve, or that nobody knows, are refused', () => {
    for (const name of ['messages', 'completion', 'label', 'margin', 'tools'])
      expect(() => trainColumns('prompt', { signals: [name] })).toThrow(`output.signals: ${name}: trainers read`)
    expect(() => trainColumns('prompt', { signals: ['jacard'] })).toThrow(
      'output.signals: jacard: no such column of the ledger; did you mean "jaccard"?',
    )
  })

  test('the ledger in its documented order, models side by side', () => {
    expect(names(ledgerColumns(['jaccard', 'p_b', 'margin_b', 'margin_a', 'p_mean']))).toEqual(
      (
        'pair_id source source_id file row outcome split step reason duplicate_of relation jaccard prompt_id cluster_id cluster_size contamination ' +
        'style_p weight margin_b p_b margin_a p_mean disagreement against draw inclusion_probability human'
      ).split(' '),
    )
  })

  test('the other tables', () => {
    const train = names(trainColumns('prompt', { signals: ['against'] }))
    expect(names(flippedColumns('prompt', { signals: ['against'] }, ['margin_a', 'p_a', 'margin_b']))).toEqual([
      ...train,
      'p_mean',
      'margin_a',
      'margin_b',
    ])
    expect(names(quarantineColumns('message', { signals: [], margin: true }))).toEqual([
      ...names(trainColumns('prompt', { signals: [] })),
      'contamination',
      'step',
      'reason',
    ])
    expect(names(reviewColumns())).toEqual([
      'pair_id',
      'source',
      'source_id',
      'draw',
      'inclusion_probability',
      'stratum',
      'reason',
      'models_outcome',
      'prompt',
      'chosen',
      'rejected',
    ])
    expect(names(rejectsColumns())).toEqual(['file', 'row', 'field', 'error', 'excerpt'])
  })
})

describe('texts', () => {
  const rows = [
    { prompt: user('one'), chosen: assistant('good'), rejected: assistant('bad') },
    {
      prompt: [
        ['system', 'be brief'],
        ['user', '二'],
        ['assistant', 'ok'],
        ['user', '\ufeffthree'],
      ] as Said,
      chosen: assistant(''),
      rejected: assistant('x'),
    },
    { prompt: user('four'), chosen: assistant('right'), rejected: assistant('wrong') },
  ]
  const flipped = Uint8Array.of(0, 1, 1)
  const turned = rows.map((row, i) => (flipped[i] ? { ...row, chosen: row.rejected, rejected: row.chosen } : row))

  const write = (layout: Layout, texts = textsOf(rows), flips = flipped) =>
    written(trainColumns(layout, { signals: [] }), trainBatch(layout, turnedTexts(texts, flips), flips, facts(texts.rows)))

  test('prompt: sides change places where flipped', async () => {
    const read = await write('prompt')
    expect(read.map(r => [r.prompt, r.chosen, r.rejected, r.flipped])).toEqual(
      turned.map((r, i) => [messages(r.prompt), messages(r.chosen), messages(r.rejected), flipped[i] === 1]),
    )
  })

  test('conversations: the prompt before each side', async () => {
    const read = await write('conversations')
    expect(read.map(r => [r.prompt, r.chosen, r.rejected])).toEqual(
      turned.map(r => [undefined, messages([...r.prompt, ...r.chosen]), messages([...r.prompt, ...r.rejected])]),
    )
  })

  test('message: a side is one struct', async () => {
    const read = await write('message')
    expect(read.map(r => [r.prompt, r.chosen, r.rejected])).toEqual(
      turned.map(r => [messages(r.prompt), message(r.chosen), message(r.rejected)]),
    )
  })

  test.each(layouts)('%s: a slice is written like the rows it holds', async layout => {
    const whole = await write(layout)
    const part = await write(layout, slice(textsOf(rows), 1, 3), flipped.subarray(1))
    const withoutIds = (all: Record<string, unknown>[]) => all.map(({ pair_id: _, prompt_id: __, ...row }) => row)
    expect(withoutIds(part)).toEqual(withoutIds(whole.slice(1)))
  })

  const several = [
    ...rows.slice(0, 1),
    { prompt: user('a'), chosen: [...assistant('b'), ...user('c'), ...assistant('d')], rejected: assistant('e') },
  ]

  test('a side of several turns goes into conversations and quarantine only', async () => {
    const texts = textsOf(several)
    expect((await write('conversations', texts, new Uint8Array(2)))[1].chosen).toHaveLength(4)
    for (const layout of ['prompt', 'message'] as const)
      expect(() => trainBatch(layout, texts, new Uint8Array(2), facts(2))).toThrow(
        `output.layout ${layout}: pair ${'01'.repeat(16)} has a side of several turns`,
      )
    const why = {
      contamination: {
        ...listOf(
          [0, 0],
          batchOf({ benchmark: 'utf8', item: 'utf8', span: 'utf8', coverage: 'f32' }, 0, {
            benchmark: utf8Of([]),
            item: utf8Of([]),
            span: utf8Of([]),
            coverage: { values: new Float32Array(0) },
          }),
        ),
      },
    }
    const columns = { ...facts(2), ...why, step: utf8Of(['s', 's']), reason: utf8Of(['r', 'r']) }
    const read = await written(quarantineColumns('message', { signals: [] }), quarantineBatch('message', texts, columns))
    expect(read.map(r => [r.chosen, r.step, r.flipped])).toEqual(several.map(r => [messages(r.chosen), 's', false]))
  })

  test('a pair without prompt is refused by the layouts that need one', () => {
    const texts = textsOf([{ ...rows[0], prompt: [] }])
    expect(() => trainBatch('prompt', texts, new Uint8Array(1), facts(1))).toThrow(`pair ${'00'.repeat(16)} has no prompt`)
  })
})

describe('margin', () => {
  const texts = textsOf([1, 2, 3].map(n => ({ prompt: user(`${n}`), chosen: assistant('a'), rejected: assistant('b') })))
  const flipped = Uint8Array.of(0, 1, 1)

  test('speaks of the sides as written', async () => {
    const margin = { values: Float32Array.of(1.5, -2, 0) }
    const read = await written(
      trainColumns('prompt', { signals: [], margin: true }),
      trainBatch('prompt', texts, flipped, { ...facts(3), margin }),
    )
    expect(read.map(r => r.margin)).toEqual([1.5, 2, 0])
  })

  test.each([
    { values: Float32Array.of(1, 2, Number.NaN) },
    { values: Float32Array.of(1, 2, Number.POSITIVE_INFINITY) },
    { values: Float32Array.of(1, 2, 3), valid: Uint8Array.of(1, 1, 0) },
  ])('is refused where it is not finite: %o', margin => {
    expect(() => trainBatch('prompt', texts, flipped, { ...facts(3), margin })).toThrow(
      `output.margin: pair ${'02'.repeat(16)} has no finite margin`,
    )
  })
})

test('what people said: majority, number, share; a draw is a tie', () => {
  const said = [
    ['chosen', 'chosen', 'rejected'],
    [],
    ['rejected'],
    ['chosen', 'rejected'],
    ['tie', 'tie', 'chosen'],
    ['chosen', 'chosen', 'tie', 'tie', 'rejected'],
  ] as const
  const cast = said.flat()
  const items = batchOf({ annotator: 'utf8', vote: { labels: votes } }, cast.length, {
    annotator: utf8Of(cast.map(() => null)),
    vote: { values: Uint8Array.from(cast, vote => votes.indexOf(vote)) },
  })
  const { items: human, valid } = humanOf(
    listOf(
      said.map(s => s.length),
      items,
    ),
    said.length,
  )
  const { outcome, n, agreement } = human.columns as {
    outcome: { values: Uint8Array }
    n: { values: Int32Array }
    agreement: { values: Float32Array }
  }
  expect([...valid!]).toEqual([1, 0, 1, 1, 1, 1])
  expect([...n.values]).toEqual([3, 0, 1, 2, 3, 5])
  expect([...outcome.values].map(o => votes[o]).filter((_, i) => valid![i])).toEqual(['chosen', 'rejected', 'tie', 'tie', 'chosen'])
  expect([...agreement.values].map(a => Number(a.toFixed(3)))).toEqual([0.667, 0, 1, 0, 0.667, 0.4])
})
