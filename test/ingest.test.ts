import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { Field, Float64, Int32, Int64, List, Table, tableToIPC, Utf8, type Vector, vectorFromArray } from 'apache-arrow'
import fc from 'fast-check'
import { readParquet, Table as WasmTable, writeParquet } from 'parquet-wasm'
import { describe, expect, it } from 'vitest'
import { type Batch, hexAt } from '../pipeline/batch.ts'
import { type IngestResult, ingestFile, probe, type SourceFile } from '../pipeline/ingest.ts'
import { pairsOf, rowAt } from './drive.ts'

const dir = mkdtempSync(join(tmpdir(), 'goldpan-ingest-'))
let files = 0

function source(content: string | Uint8Array, options: Partial<SourceFile> = {}): SourceFile {
  const path = join(dir, `${files++}.jsonl`)
  writeFileSync(path, content)
  const none = { format: 'auto', source: 'x', priority: 0, scores: true, pairs: 'all', min_gap: 0, shown_first: 'shown_first' } as const
  return { path, shown: 'x.jsonl', ...none, ...options }
}

interface Read extends IngestResult {
  readonly texts: Record<string, unknown>[]
  readonly facts: Record<string, unknown>[]
  readonly refused: Record<string, unknown>[]
  readonly shards: number
}

async function read(file: SourceFile, limits?: { shard_bytes: number; shard_rows: number }): Promise<Read> {
  const rows = (batch: Batch): Record<string, unknown>[] => Array.from({ length: batch.rows }, (_, i) => rowAt(batch, i))
  const texts: Record<string, unknown>[] = []
  const facts: Record<string, unknown>[] = []
  let shards = 0
  const sink = {
    shard: async (t: Batch, f: Batch): Promise<void> => {
      shards++
      texts.push(...rows(t))
      facts.push(...rows(f))
    },
  }
  const result = await ingestFile(file, sink, limits)
  return { ...result, texts, facts, refused: rows(result.rejects), shards }
}

const lines = (...rows: unknown[]): string => rows.map(row => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n')
const user = (content: string) => ({ role: 'user', content })
const assistant = (content: string) => ({ role: 'assistant', content })
const brief = (row: Record<string, unknown>): unknown[] =>
  ['prompt', 'chosen', 'rejected'].map(name =>
    (row[name] as { role: string; content: string }[]).map(t => `${t.role[0]}:${t.content}`).join(' | '),
  )

describe('formats', () => {
  it.each<[string, string, unknown[], unknown[][]]>([
    ['pair', 'a prompt as text', [{ prompt: 'Q', chosen: 'A', rejected: 'B' }], [['u:Q', 'a:A', 'a:B']]],
    [
      'pair',
      'turns, text parts and a system turn',
      [
        {
          prompt: [{ role: 'system', content: 'S' }, user('Q')],
          chosen: [assistant('A')],
          rejected: [
            {
              role: 'assistant',
              content: [
                { type: 'text', text: 'B' },
                { type: 'text', text: 'C' },
              ],
            },
          ],
        },
      ],
      [['s:S | u:Q', 'a:A', 'a:BC']],
    ],
    ['pair', 'null and empty sides, an empty prompt', [{ prompt: '', chosen: null, rejected: [] }], [['', 'a:', 'a:']]],
    [
      'hh',
      'transcripts with a common beginning',
      [
        {
          chosen: '\n\nHuman: Q1\n\nAssistant: A1\n\nHuman: Q2\n\nAssistant: good',
          rejected: '\n\nHuman: Q1\n\nAssistant: A1\n\nHuman: Q2\n\nAssistant: bad',
        },
      ],
      [['u:Q1 | a:A1 | u:Q2', 'a:good', 'a:bad']],
    ],
    [
      'hh',
      'transcripts that part before the last turn',
      [{ chosen: '\n\nHuman: Q\n\nAssistant: a\n\nHuman: R\n\nAssistant: good', rejected: '\n\nHuman: Q\n\nAssistant: b' }],
      [['u:Q', 'a:a | u:R | a:good', 'a:b']],
    ],
    ['dpo', 'question', [{ question: 'Q', system: 'S', chosen: 'A', rejected: 'B' }], [['s:S | u:Q', 'a:A', 'a:B']]],
    ['dpo', 'instruction with input', [{ instruction: 'I', input: 'X', chosen: 'A', rejected: 'B' }], [['u:I\n\nX', 'a:A', 'a:B']]],
    ['chat', 'messages', [{ chosen: [user('Q'), assistant('A')], rejected: [user('Q'), assistant('B')] }], [['u:Q', 'a:A', 'a:B']]],
    [
      'chat',
      'ShareGPT turns',
      [
        {
          chosen: [
            { from: 'human', value: 'Q' },
            { from: 'gpt', value: 'A' },
          ],
          rejected: [
            { from: 'human', value: 'Q' },
            { from: 'gpt', value: 'B' },
          ],
        },
      ],
      [['u:Q', 'a:A', 'a:B']],
    ],
    [
      'chat',
      'one message a side after a conversation',
      [{ conversations: [{ from: 'human', value: 'Q' }], chosen: { from: 'gpt', value: 'A' }, rejected: { from: 'gpt', value: 'B' } }],
      [['u:Q', 'a:A', 'a:B']],
    ],
    ['pair', 'one message a side', [{ prompt: [user('Q')], chosen: assistant('A'), rejected: assistant('B') }], [['u:Q', 'a:A', 'a:B']]],
    [
      'chat',
      'a prompt that the conversations repeat',
      [{ prompt: 'Q', chosen: [user('Q'), assistant('A')], rejected: [user('Q'), assistant('B')] }],
      [['u:Q', 'a:A', 'a:B']],
    ],
    [
      'scored',
      'every two of three, one without a score left out',
      [{ prompt: 'Q', responses: ['a', 'b', 'c', 'd'], scores: [1, 3, null, 2] }],
      [
        ['u:Q', 'a:b', 'a:a'],
        ['u:Q', 'a:d', 'a:a'],
        ['u:Q', 'a:b', 'a:d'],
      ],
    ],
    ['scored', 'ranks: lower is better', [{ prompt: 'Q', responses: ['a', 'b'], ranks: [2, 1] }], [['u:Q', 'a:b', 'a:a']]],
    [
      'scored',
      'objects',
      [
        {
          prompt: 'Q',
          completions: [
            { text: 'a', rating: 1 },
            { text: 'b', rating: 5 },
          ],
        },
      ],
      [['u:Q', 'a:b', 'a:a']],
    ],
    [
      'arena',
      'conversations',
      [{ conversation_a: [user('Q'), assistant('A')], conversation_b: [user('Q'), assistant('B')], winner: 'model_b' }],
      [['u:Q', 'a:B', 'a:A']],
    ],
    [
      'arena',
      'two responses and three annotators',
      [{ instruction: 'I', input: '', response1: 'A', response2: 'B', annotator1: 2, annotator2: 2, annotator3: 1 }],
      [['u:I', 'a:B', 'a:A']],
    ],
  ])('%s: %s', async (format, _, rows, pairs) => {
    const result = await read(source(lines(...rows)))
    expect([result.format, result.rejected]).toEqual([format, 0])
    expect(result.texts.map(brief)).toEqual(pairs)
  })

  it('keeps what a row says of itself, and the config where it says nothing', async () => {
    const rows = [
      {
        id: 7,
        prompt: 'Q',
        chosen: 'A',
        rejected: 'B',
        license: 'MIT',
        label_kind: 'human',
        lang: 'en',
        votes: [{ annotator: 'x', vote: 'tie' }],
        scores: { rm: [2, 1], other: [1], text: 'x' },
      },
      { prompt: 'Q', chosen: 'A', rejected: 'B', tie: true, source: 'own' },
    ]
    const { facts, recorded } = await read(source(lines(...rows), { source: undefined, license: 'CC0', label_kind: 'ai', priority: 3 }))
    expect(facts[0]).toMatchObject({ source_id: '7', license: 'MIT', label_kind: 'human', lang: 'en', tie: 0, row: 0, priority: 3 })
    expect(facts[0].votes).toEqual([{ annotator: 'x', vote: 'tie' }])
    expect(facts[0].scores).toEqual([{ model: 'rm', chosen: 2, rejected: 1 }])
    expect(facts[1]).toMatchObject({ source: 'own', source_id: null, license: 'CC0', label_kind: 'ai', tie: 1, row: 1 })
    expect(recorded).toEqual(['rm'])
  })

  it('tells which response was shown first, by the field that the source names or by the order of an arena row', async () => {
    const duel = { prompt: 'Q', response_a: 'a', response_b: 'b' }
    const said = async (rows: object[], options = {}) => (await read(source(lines(...rows), options))).facts.map(f => f.shown_first)
    const good = { prompt: 'Q', chosen: 'A', rejected: 'B' }
    const named = [good, { ...good, left: 'rejected' }, { ...good, shown_first: 'chosen' }]
    expect(await said(named)).toEqual(['unknown', 'unknown', 'chosen'])
    expect(await said(named, { shown_first: 'left' })).toEqual(['unknown', 'rejected', 'unknown'])
    expect(await said(['model_a', 'model_b'].map(winner => ({ ...duel, winner })))).toEqual(['chosen', 'rejected'])
  })

  it('marks ties of scored and arena rows and keeps their order', async () => {
    const scored = await read(source(lines({ prompt: 'Q', responses: ['a', 'b'], scores: [1, 1.5] }), { min_gap: 0.5 }))
    expect([scored.facts[0].tie, ...brief(scored.texts[0])]).toEqual([1, 'u:Q', 'a:a', 'a:b'])
    const arena = await read(source(lines({ prompt: 'Q', response_a: 'a', response_b: 'b', winner: 'both_bad' })))
    expect([arena.facts[0].tie, ...brief(arena.texts[0])]).toEqual([1, 'u:Q', 'a:a', 'a:b'])
  })

  it('pairs the best with each other one on request', async () => {
    const row = { id: 'r', prompt: 'Q', responses: ['a', 'b', 'c'], scores: [1, 3, 2] }
    const { texts, facts } = await read(source(lines(row), { pairs: 'best' }))
    expect(texts.map(t => brief(t).slice(1))).toEqual([
      ['a:b', 'a:a'],
      ['a:b', 'a:c'],
    ])
    expect(facts.map(f => f.source_id)).toEqual(['r#1-0', 'r#1-2'])
  })
})

describe('bad rows', () => {
  const good = { prompt: 'Q', chosen: 'A', rejected: 'B' }
  it.each<[string, unknown, string, RegExp]>([
    ['broken JSON', '{"prompt": "Q", ', '', /expected/],
    ['NaN', '{"prompt": "Q", "chosen": "A", "rejected": "B", "x": NaN}', '', /NaN/],
    ['a list', [1, 2], '', /expected an object/],
    ['a number for text', { ...good, chosen: 3 }, 'chosen', /expected text or a list of messages, got number 3/],
    ['a missing field', { prompt: 'Q', chosen: 'A' }, 'rejected', /is missing/],
    ['a null prompt', { ...good, prompt: null }, 'prompt', /got null/],
    [
      'an unknown role',
      { ...good, prompt: [{ role: 'narrator', content: 'Q' }] },
      'prompt.0.role',
      /expected a role \(system, user, assistant, tool/,
    ],
    ['content that is no text', { ...good, chosen: [{ role: 'assistant', content: { a: 1 } }] }, 'chosen.0.content', /got an object/],
    [
      'a part that is no text',
      { ...good, chosen: [{ role: 'assistant', content: [{ type: 'image_url' }] }] },
      'chosen.0.content.0',
      /expected a text part/,
    ],
    ['a label kind that is none', { ...good, label_kind: 'alien' }, 'label_kind', /expected one of human, human_derived, ai, implicit/],
    ['an order that is none', { ...good, shown_first: 'left' }, 'shown_first', /expected chosen or rejected/],
    ['a vote that is none', { ...good, votes: [{ annotator: 'x', vote: 'left' }] }, 'votes.0', /chosen \| rejected \| tie/],
  ])('%s is a reject with its row, field and reason, and the rest is read', async (_, bad, field, error) => {
    const { refused, rows, pairs } = await read(source(lines(good, bad, good)))
    expect([rows, pairs]).toEqual([3, 2])
    expect(refused).toEqual([
      {
        row: 1,
        field,
        error: expect.stringMatching(error),
        excerpt: expect.stringContaining((typeof bad === 'string' ? bad : JSON.stringify(bad)).slice(0, 20)),
      },
    ])
  })

  it('rejects a scored row of which no pair can be made', async () => {
    const { refused } = await read(
      source(lines({ prompt: 'Q', responses: ['a', 'b'], scores: [1, null] }, { prompt: 'Q', responses: ['a', 'b'], scores: [1] })),
    )
    expect(refused.map(r => r.error)).toEqual([
      'expected at least two responses with a score, got 1 of 2',
      'expected 2 numbers, one a response, got 1',
    ])
  })

  it('replaces lone surrogates and tells of them', async () => {
    const { texts, notes } = await read(source('{"prompt":"Q\\ud800","chosen":"A","rejected":"B"}\n'))
    expect(brief(texts[0])[0]).toBe('u:Q\ufffd')
    expect(notes).toEqual(['1 texts held lone surrogates; each was replaced by U+FFFD'])
  })

  it('keeps a text that begins with U+FEFF, drops the mark at the start of the file, takes CRLF and U+2028', async () => {
    const { texts, rejected } = await read(source(`\ufeff${lines({ ...good, chosen: '\ufeffA\u2028x' })}\r\n${lines(good)}`))
    expect([texts.length, rejected, brief(texts[0])[1]]).toEqual([2, 0, 'a:\ufeffA\u2028x'])
  })

  it('rejects a row that would become hundreds of thousands of pairs, unless only the best is paired', async () => {
    const row = { prompt: 'Q', responses: Array.from({ length: 300 }, (_, i) => `${i}`), scores: Array.from({ length: 300 }, (_, i) => i) }
    expect((await read(source(lines(row)))).refused[0].error).toBe(
      'expected at most 256 responses for `pairs: all`, got 300; set `pairs: best`',
    )
    expect((await read(source(lines(row), { pairs: 'best' }))).pairs).toBe(299)
  })

  it('takes the last of duplicate keys', async () => {
    const { texts } = await read(source('{"prompt":"Q","chosen":"first","chosen":"last","rejected":"B"}'))
    expect(brief(texts[0])[1]).toBe('a:last')
  })
})

describe('bad files', () => {
  it.each<[string, string | Uint8Array, RegExp]>([
    [
      'no known format',
      lines({ prompt: 'Q', answer: 'A' }),
      /^x\.jsonl: no known format fits its first rows: found columns prompt, answer; expected one of pair: prompt/,
    ],
    ['zero bytes', '', /x\.jsonl.*(empty|no bytes|0 bytes)/],
    ['a cut gzip', gzipSync(lines(...Array(2000).fill({ prompt: 'Q', chosen: 'A', rejected: 'B' }))).subarray(0, 90), /x\.jsonl.*damaged/],
  ])('%s is refused with its name', async (_, content, message) => {
    const file = source(content)
    await expect(read(file)).rejects.toThrow(message)
  })

  it('names what a file lacks for the format that the config gives', async () => {
    expect((await probe(source(lines({ prompt: 'Q', chosen: 'A', rejected: 'B' }), { format: 'pair' }))).format).toBe('pair')
  })
})

describe('files of columns', () => {
  const named = { chosen: ['A', '', null], rejected: ['B', 'B', 'B'] }
  const arrow = (columns: Record<string, Vector>): Uint8Array => tableToIPC(new Table(columns), 'file')
  const texts = (values: (string | null)[]) => vectorFromArray(values, new Utf8())

  it('give the same pairs as rows of JSON, with any text intact', async () => {
    const prompt = ['\ufeffQ\u2028', '好 😀', 'Q']
    const columns = { prompt: texts(prompt), chosen: texts(named.chosen), rejected: texts(named.rejected) }
    const fromArrow = await read(source(arrow(columns)))
    const parquet = writeParquet(WasmTable.fromIPCStream(tableToIPC(new Table(columns), 'stream')))
    const fromParquet = await read(source(parquet))
    const fromJson = await read(
      source(lines(...prompt.map((p, i) => ({ prompt: p, chosen: named.chosen[i], rejected: named.rejected[i] })))),
    )
    expect([fromArrow.container, fromParquet.container, fromJson.container]).toEqual(['arrow', 'parquet', 'jsonl'])
    expect(fromArrow.texts).toEqual(fromJson.texts)
    expect(fromParquet.texts).toEqual(fromJson.texts)
    expect(fromParquet.facts.map(f => f.pair_id)).toEqual(fromJson.facts.map(f => f.pair_id))
    expect(brief(fromParquet.texts[0])[0]).toBe('u:\ufeffQ\u2028')
  })

  const hh = '\n\nHuman: Ask\n\nAssistant: Yes'
  const turns = (said: string) => [user('\ufeffQ'), assistant(said)]
  it.each<[string, Record<string, unknown>[]]>([
    [
      'pair',
      [
        {
          id: 'r0',
          source: 'web',
          license: 'MIT',
          lang: 'en',
          label_kind: 'human',
          prompt: [user('Q')],
          chosen: 'A',
          rejected: 'B',
          tie: true,
          votes: [{ annotator: 'ann', vote: 'tie' }],
        },
        {
          id: '',
          source: '',
          license: '',
          lang: '',
          label_kind: 'robot',
          prompt: [user('Q')],
          chosen: 'A',
          rejected: 'B',
          tie: false,
          votes: null,
        },
        {
          id: '好',
          source: '好',
          license: null,
          lang: null,
          label_kind: null,
          prompt: [{ role: 'wizard', content: 'Q' }],
          chosen: 'A',
          rejected: 'B',
          tie: null,
          votes: null,
        },
        {
          id: 'r3',
          source: null,
          license: null,
          lang: null,
          label_kind: null,
          prompt: [{ role: 'human', content: null }],
          chosen: 'A',
          rejected: 'B',
          tie: null,
          votes: null,
        },
        {
          id: 'r4',
          source: null,
          license: null,
          lang: null,
          label_kind: null,
          prompt: [],
          chosen: 'A',
          rejected: null,
          tie: null,
          votes: [{ annotator: '', vote: 'maybe' }],
        },
        {
          id: 'r5',
          source: null,
          license: null,
          lang: null,
          label_kind: null,
          prompt: null,
          chosen: 'A',
          rejected: '',
          tie: null,
          votes: [],
        },
      ],
    ],
    [
      'hh',
      [
        { chosen: hh, rejected: `${hh} no` },
        { chosen: '', rejected: hh },
        { chosen: 'x', rejected: hh },
      ],
    ],
    [
      'dpo',
      [
        { question: 'Q', input: '', system: 'S', chosen: 'A', rejected: 'B' },
        { question: 'Q', input: 'I', system: '', chosen: 'A', rejected: 'A' },
        { question: '', input: 'I', system: null, chosen: 'A', rejected: 'B' },
        { question: '', input: null, system: null, chosen: null, rejected: 'B' },
      ],
    ],
    [
      'chat',
      [
        { prompt: turns('A').slice(0, 1), chosen: turns('A'), rejected: turns('B') },
        { prompt: null, chosen: turns('A'), rejected: [] },
      ],
    ],
    [
      'scored',
      [
        {
          prompt: 'Q',
          responses: [
            { text: 'a', score: 1 },
            { text: '好', score: 2 },
            { text: '', score: 2 },
          ],
        },
        { prompt: 'Q', responses: [{ text: null, score: 1 }] },
      ],
    ],
    [
      'arena',
      [
        { question: 'Q', response_a: 'A', response_b: 'B', winner: 'Model_B', judge: 'j' },
        { question: 'Q', response_a: null, response_b: 'B', winner: 'tie', judge: null },
        { question: 'Q', response_a: 'A', response_b: 'B', winner: 'nobody', judge: 'j' },
      ],
    ],
  ])('of format %s give the same pairs and rejects as JSON that writes every column', async (format, rows) => {
    const json = source(lines(...rows))
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    await connection.run(
      `COPY (SELECT * FROM read_json('${json.path}', format = 'newline_delimited')) TO '${json.path}.parquet' (FORMAT parquet)`,
    )
    const fromJson = await read(json)
    const fromParquet = await read({ ...json, path: `${json.path}.parquet` })
    const fromArrow = await read(source(readParquet(readFileSync(`${json.path}.parquet`)).intoIPCStream()))
    expect([fromJson.format, fromParquet.format, fromArrow.format]).toEqual([format, format, format])
    expect([fromJson.container, fromParquet.container, fromArrow.container]).toEqual(['jsonl', 'parquet', 'arrow'])
    const why = ({ refused }: Read): unknown[] => refused.map(({ row, field, error }) => [row, field, error])
    for (const columnar of [fromParquet, fromArrow]) {
      expect(columnar.texts).toEqual(fromJson.texts)
      expect(columnar.facts).toEqual(fromJson.facts)
      expect(why(columnar)).toEqual(why(fromJson))
      expect([columnar.sources, columnar.notes]).toEqual([fromJson.sources, fromJson.notes])
    }
  })

  it('may have no rows', async () => {
    const { rows, format } = await read(source(arrow({ prompt: texts([]), chosen: texts([]), rejected: texts([]) })))
    expect([rows, format]).toEqual([0, 'pair'])
  })

  it('keep whole numbers beyond 2^53 as they are written', async () => {
    const id = vectorFromArray([9007199254740993n, 7n], new Int64())
    const { facts } = await read(source(arrow({ id, prompt: texts(['Q', 'R']), chosen: texts(['A', 'A']), rejected: texts(['B', 'B']) })))
    expect(facts.map(f => f.source_id)).toEqual(['9007199254740993', '7'])
  })

  it.each(['auto', 'pair'] as const)('with a mistyped column are refused as a whole (%s)', async format => {
    const bytes = arrow({ prompt: texts(['Q']), chosen: vectorFromArray([1], new Int32()), rejected: texts(['B']) })
    await expect(probe(source(bytes, { format }))).rejects.toThrow(
      /^x\.jsonl: column chosen: format pair expects text or a list of messages, got Int32$/,
    )
  })

  it('with scores that are no numbers reject those rows', async () => {
    const scores = vectorFromArray(
      [
        [1, Number.NaN],
        [1, 2],
      ],
      new List(new Field('item', new Float64())),
    )
    const responses = vectorFromArray(
      [
        ['a', 'b'],
        ['a', 'b'],
      ],
      new List(new Field('item', new Utf8())),
    )
    const { refused, pairs } = await read(source(arrow({ prompt: texts(['Q', 'Q']), responses, scores })))
    expect([pairs, refused.map(r => [r.row, r.field, r.error])]).toEqual([
      1,
      [[0, 'scores.1', 'expected a number or null, got number NaN']],
    ])
  })
})

describe('shards', () => {
  it('are cut by rows and by bytes, and hold the same pairs however they are cut', async () => {
    const rows = Array.from({ length: 50 }, (_, i) => ({ prompt: `Q${i}`, chosen: 'A'.repeat(i), rejected: 'B' }))
    const whole = await read(source(lines(...rows)))
    const cut = await read(source(lines(...rows)), { shard_bytes: 100, shard_rows: 7 })
    expect([whole.shards, cut.shards > 7]).toEqual([1, true])
    expect(cut.texts).toEqual(whole.texts)
    expect(cut.facts).toEqual(whole.facts)
  })

  it('give back any text, and equal ids for equal content only', async () => {
    const text = fc.string({ unit: 'grapheme' })
    const property = fc.asyncProperty(
      fc.array(fc.record({ prompt: text.filter(t => t !== ''), chosen: text, rejected: text }), { minLength: 1, maxLength: 20 }),
      async rows => {
        const { texts, facts } = await read(source(lines(...rows)))
        expect(texts.map(brief)).toEqual(rows.map(r => [`u:${r.prompt}`, `a:${r.chosen}`, `a:${r.rejected}`]))
        const contents = rows.map(r => JSON.stringify([r.prompt, r.chosen, r.rejected]))
        expect(new Set(facts.map(f => f.pair_id)).size).toBe(new Set(contents).size)
      },
    )
    await fc.assert(property, { seed: 42, numRuns: 40 })
  })

  it('have ids that do not change', async () => {
    const { facts } = await read(source(lines({ prompt: 'Q', chosen: 'A', rejected: 'B' })))
    expect(facts[0].pair_id).toBe('9fac34c8791df9c68605c40d3d9d3f69')
    expect(hexAt(pairsOf([{}]).columns.pair_id, 0)).toHaveLength(32)
  })
})

const shared = resolve(process.env.GOLDPAN_DATA ?? join(import.meta.dirname, '../../shared/data'))
describe.skipIf(!existsSync(shared))('real files (GOLDPAN_DATA)', () => {
  const real = (name: string, options: Partial<SourceFile> = {}): SourceFile => ({
    path: join(shared, name),
    shown: name,
    format: 'auto',
    priority: 0,
    scores: true,
    pairs: 'all',
    min_gap: 0,
    shown_first: 'shown_first',
    ...options,
  })

  it('reads published hh transcripts as the prepared rows have them', async () => {
    const raw = await read(real('raw/hh-rlhf-harmless-base-test.jsonl.gz'))
    const prepared = await read(real('hh-rlhf.jsonl.gz'))
    const ids = new Set(prepared.facts.map(f => f.pair_id))
    const same = raw.facts.filter(f => ids.has(f.pair_id)).length
    expect([raw.rows, raw.rejected, prepared.rows]).toEqual([2312, 0, 2312])
    expect(same).toBeGreaterThanOrEqual(2300)
  })

  it('reads the published pandalm list, and rejects booleans among its responses', async () => {
    const { rows, refused } = await read(real('raw/pandalm-testset-v1.json'))
    expect([rows, refused.length, refused[0].error]).toEqual([999, 6, 'expected text or a list of text parts, got boolean true'])
  })

  it('refuses a Parquet file of prompts alone, naming what is there', async () => {
    await expect(read(real('raw/helpsteer3-prompts-val.parquet'))).rejects.toThrow(/no known format fits.*found columns domain, language/)
    await expect(probe(real('raw/helpsteer3-prompts-val.parquet', { format: 'pair' }))).rejects.toThrow(
      /format pair needs the column chosen and rejected/,
    )
  })
})
if (!existsSync(shared)) console.log(`skipped: real files are not at ${shared} (set GOLDPAN_DATA)`)
