import { readFileSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'
import { Field, Float64, Int32, Int64, List, Table, tableToIPC, Utf8, type Vector, vectorFromArray } from 'apache-arrow'
import { readParquet, Table as WasmTable, writeParquet } from 'parquet-wasm'
import { describe, expect, it } from 'vitest'
import { probe } from '../pipeline/ingest.ts'
import { assistant, brief, lines, type Read, read, source, user } from './ingest-files.ts'

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
      expect([columnar.sources, columnar.surrogates]).toEqual([fromJson.sources, fromJson.surrogates])
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
