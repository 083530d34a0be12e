/** Rows of every kind of column, written, and what readers should give back. */
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { batchOf, listOf, type Turns, turnsOf, utf8Of } from '../../pipeline/batch.ts'
import { type OutBatch, type OutColumn, openTableWriter, type outputFormats } from '../../pipeline/codecs/table-writer.ts'

/** A path in a folder of its own. */
export const newPath = (name: string): string => join(mkdtempSync(join(tmpdir(), 'table-writer-')), name)

const human = { outcome: { labels: ['chosen', 'rejected'] }, n: 'i32', agreement: 'f32' } as const
const evidence = { list: { benchmark: 'utf8', coverage: 'f32' } } as const
export const columns: OutColumn[] = [
  { name: 'prompt', field: turnsOf, required: true },
  { name: 'message', field: { struct: turnsOf.list }, required: true },
  { name: 'pair_id', field: 'id', required: true },
  { name: 'cluster_id', field: 'id', required: false },
  { name: 'kind', field: { labels: ['human', 'ai'] }, required: true },
  { name: 'relation', field: { labels: ['exact', 'near'] }, required: false },
  { name: 'lang', field: 'utf8', required: false },
  { name: 'flipped', field: 'bool', required: true },
  { name: 'weight', field: 'f32', required: true },
  { name: 'p_mean', field: 'f32', required: false },
  { name: 'probability', field: 'f64', required: false },
  { name: 'row', field: 'i64', required: true },
  { name: 'against', field: 'i8', required: false },
  { name: 'contamination', field: evidence, required: false },
  { name: 'human', field: { struct: human }, required: false },
]

export interface Row {
  readonly texts: readonly string[]
  readonly n: number
  readonly null: boolean
}

/** A batch of the columns above; half of them are null where a row says so. */
export function batch(rows: readonly Row[]): OutBatch {
  const valid = Uint8Array.from(rows, row => (row.null ? 0 : 1))
  const texts = rows.flatMap(row => row.texts)
  const ids = new Uint8Array(rows.flatMap(row => Array.from({ length: 16 }, (_, k) => (row.n * 31 + k * 17) & 255)))
  const values = <A>(array: { from(a: readonly Row[], f: (row: Row) => number): A }, f: (n: number) => number): { values: A } => ({
    values: array.from(rows, row => f(row.n)),
  })
  return {
    rows: rows.length,
    columns: {
      prompt: turns(rows.map(row => row.texts)),
      message: { items: turns(rows.map(row => [row.texts[0] ?? ''])).items },
      pair_id: { bytes: ids },
      cluster_id: { bytes: ids, valid },
      kind: values(Uint8Array, n => n & 1),
      relation: { ...values(Uint8Array, n => n & 1), valid },
      lang: utf8Of(rows.map(row => (row.null ? null : (row.texts[0] ?? '')))),
      flipped: values(Uint8Array, n => n & 1),
      weight: values(Float32Array, n => n / 10),
      p_mean: { ...values(Float32Array, n => n / 1000), valid },
      probability: { ...values(Float64Array, n => n / 3), valid },
      row: values(Int32Array, n => n),
      against: { ...values(Uint8Array, n => n & 7), valid },
      contamination: {
        ...listOf(
          rows.map(row => row.texts.length),
          batchOf(evidence.list, texts.length, {
            benchmark: utf8Of(texts),
            coverage: { values: new Float32Array(texts.length).fill(0.5) },
          }),
        ),
        valid,
      },
      human: {
        items: batchOf(human, rows.length, {
          outcome: values(Uint8Array, n => n & 1),
          n: values(Int32Array, n => n),
          agreement: values(Float32Array, n => n / 4),
        }),
        valid,
      },
    },
  }
}

export function turns(rows: readonly (readonly string[])[]): Turns {
  const texts = rows.flat()
  const items = batchOf(turnsOf.list, texts.length, { role: { values: Uint8Array.from(texts, (_, i) => i & 1) }, content: utf8Of(texts) })
  return listOf(
    rows.map(row => row.length),
    items,
  )
}

/** What a reader should give back for a row. */
function expected({ texts, n, null: none }: Row, first: number) {
  const id = Array.from({ length: 16 }, (_, k) => ((n * 31 + k * 17) & 255).toString(16).padStart(2, '0')).join('')
  const or = <T>(value: T): T | null => (none ? null : value)
  return {
    prompt: texts.map((content, k) => ({ role: (first + k) & 1 ? 'user' : 'system', content })),
    pair_id: id,
    cluster_id: or(id),
    kind: n & 1 ? 'ai' : 'human',
    relation: or(n & 1 ? 'near' : 'exact'),
    lang: or(texts[0] ?? ''),
    flipped: (n & 1) === 1,
    weight: Math.fround(n / 10),
    p_mean: or(Math.fround(n / 1000)),
    probability: or(n / 3),
    row: n,
    against: or(n & 7),
    contamination: or(texts.map(benchmark => ({ benchmark, coverage: 0.5 }))),
    human: or({ outcome: n & 1 ? 'rejected' : 'chosen', n, agreement: Math.fround(n / 4) }),
  }
}

export function allExpected(rows: readonly Row[]) {
  let first = 0
  return rows.map(row => {
    const one = expected(row, first)
    first += row.texts.length
    return one
  })
}

export const sample = (count: number): Row[] =>
  Array.from({ length: count }, (_, n) => ({
    texts: Array.from({ length: 1 + (n % 3) }, (_, k) => `text ${n % 50} ${k}`),
    n,
    null: n % 3 === 1,
  }))

export async function write(format: (typeof outputFormats)[number], batches: readonly OutBatch[], of = columns) {
  const path = newPath(`rows.${format}`)
  const writer = await openTableWriter(format, of, path)
  for (const one of batches) await writer.write(one)
  return { path, ...(await writer.close()) }
}

export const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? Number(v) : v)))
export const withoutMessage = (rows: readonly object[]): unknown => plain(rows.map(({ message: _, ...row }: { message?: unknown }) => row))
export const bufferOf = (path: string): ArrayBuffer => new Uint8Array(readFileSync(path)).buffer

export async function sql(path: string, query: string): Promise<unknown[]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const rows = await connection.runAndReadAll(query.replace('FILE', `'${path}'`))
  return rows.getRowObjectsJson()
}
