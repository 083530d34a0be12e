import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { tableFromIPC, type Utf8 as Utf8Type, type Vector } from 'apache-arrow'
import fc from 'fast-check'
import { parquetMetadata, parquetReadObjects, readOffsetIndex } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { readParquet } from 'parquet-wasm'
import { afterAll, describe, expect, test } from 'vitest'
import { batchOf, type Column, listOf, slice, type Turns, turnsOf, utf8Of } from '../../pipeline/batch.ts'
import { openArrowEncoder } from '../../pipeline/codecs/arrow-writer.ts'
import { fileEnds } from '../../pipeline/codecs/file-bytes.ts'
import { openJsonlEncoder } from '../../pipeline/codecs/jsonl-writer.ts'
import { openGzipLines, openZstdLines } from '../../pipeline/codecs/packed-lines.ts'
import { readFooter } from '../../pipeline/codecs/parquet-footer.ts'
import { checkPages } from '../../pipeline/codecs/parquet-pages.ts'
import { openParquetEncoder } from '../../pipeline/codecs/parquet-writer.ts'
import { type OutBatch, type OutColumn, openTableWriter, outputFormats } from '../../pipeline/codecs/table-writer.ts'
import { unzstd } from '../../pipeline/codecs/zstd.ts'
import { gatherColumn } from '../../pipeline/gather.ts'

const dir = mkdtempSync(join(tmpdir(), 'table-writer-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const human = { outcome: { labels: ['chosen', 'rejected'] }, n: 'i32', agreement: 'f32' } as const
const evidence = { list: { benchmark: 'utf8', coverage: 'f32' } } as const
const columns: OutColumn[] = [
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

interface Row {
  readonly texts: readonly string[]
  readonly n: number
  readonly null: boolean
}

/** A batch of the columns above; half of them are null where a row says so. */
function batch(rows: readonly Row[]): OutBatch {
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

function turns(rows: readonly (readonly string[])[]): Turns {
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

function allExpected(rows: readonly Row[]) {
  let first = 0
  return rows.map(row => {
    const one = expected(row, first)
    first += row.texts.length
    return one
  })
}

const sample = (count: number): Row[] =>
  Array.from({ length: count }, (_, n) => ({
    texts: Array.from({ length: 1 + (n % 3) }, (_, k) => `text ${n % 50} ${k}`),
    n,
    null: n % 3 === 1,
  }))

let made = 0
async function write(format: (typeof outputFormats)[number], batches: readonly OutBatch[], of = columns) {
  const path = join(dir, `${made++}.${format}`)
  const writer = await openTableWriter(format, of, path)
  for (const one of batches) await writer.write(one)
  return { path, ...(await writer.close()) }
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? Number(v) : v)))
const withoutMessage = (rows: readonly object[]): unknown => plain(rows.map(({ message: _, ...row }: { message?: unknown }) => row))
const bufferOf = (path: string): ArrayBuffer => new Uint8Array(readFileSync(path)).buffer

async function sql(path: string, query: string): Promise<unknown[]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const rows = await connection.runAndReadAll(query.replace('FILE', `'${path}'`))
  return rows.getRowObjectsJson()
}

describe('round trips', () => {
  const rows = sample(100)

  test('parquet by hyparquet', async () => {
    const { path } = await write('parquet', [batch(rows)])
    const read = await parquetReadObjects({ file: bufferOf(path), compressors })
    expect(withoutMessage(read)).toEqual(allExpected(rows))
    expect(plain((read[1] as { message: unknown }).message)).toEqual({ role: 'user', content: 'text 1 0' })
  })

  test('parquet by DuckDB', async () => {
    const { path } = await write('parquet', [batch(rows)])
    const [one] = await sql(
      path,
      'select count(*)::int n, sum(weight)::double w, count(cluster_id)::int c, list(distinct prompt[1].role) r from read_parquet(FILE)',
    )
    expect(one).toMatchObject({ n: 100, c: rows.filter(row => !row.null).length })
    const types = (await sql(path, 'describe select * from read_parquet(FILE)')) as { column_name: string; column_type: string }[]
    expect(types.map(t => `${t.column_name} ${t.column_type}`)).toEqual([
      'prompt STRUCT("role" VARCHAR, "content" VARCHAR)[]',
      'message STRUCT("role" VARCHAR, "content" VARCHAR)',
      'pair_id VARCHAR',
      'cluster_id VARCHAR',
      'kind VARCHAR',
      'relation VARCHAR',
      'lang VARCHAR',
      'flipped BOOLEAN',
      'weight FLOAT',
      'p_mean FLOAT',
      'probability DOUBLE',
      'row BIGINT',
      'against TINYINT',
      'contamination STRUCT(benchmark VARCHAR, coverage FLOAT)[]',
      'human STRUCT(outcome VARCHAR, n INTEGER, agreement FLOAT)',
    ])
  })

  test('arrow by apache-arrow and jsonl by JSON.parse', async () => {
    const arrow = await write('arrow', [batch(rows)])
    const table = tableFromIPC(readFileSync(arrow.path))
    expect(withoutMessage(table.toArray().map(row => plain(row) as object))).toEqual(allExpected(rows))
    const jsonl = await write('jsonl', [batch(rows)])
    const lines = readFileSync(jsonl.path, 'utf8').trimEnd().split('\n')
    const parsed = lines.map(line => JSON.parse(line, (_, v) => (typeof v === 'number' ? Math.fround(v) : v)) as object)
    expect(withoutMessage(parsed)).toEqual(
      allExpected(rows).map(row => ({ ...row, probability: row.probability === null ? null : Math.fround(row.probability) })),
    )
  })
})

test('packed lines are the plain ones, in one gzip member and one zstd frame', async () => {
  const rows = sample(3000)
  const plain = readFileSync((await write('jsonl', [batch(rows)])).path)
  const gz = readFileSync((await write('jsonl.gz', [batch(rows)])).path)
  expect(gunzipSync(gz).equals(plain)).toBe(true)
  expect(gz.indexOf(Buffer.from([0x1f, 0x8b, 8, 0]), 1)).toBe(-1)
  const { path } = await write('jsonl.zst', [batch(rows)])
  const frame = readFileSync(path)
  const pieces: Buffer[] = []
  for await (const piece of unzstd(createReadStream(path), path)) pieces.push(piece)
  expect(Buffer.concat(pieces).equals(plain)).toBe(true)
  expect(frame.indexOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), 1)).toBe(-1)
  expect(Math.max(gz.length, frame.length)).toBeLessThan(plain.length / 4)
})

describe('nasty texts', () => {
  const texts = [
    '\ufeffleads',
    '',
    ' \t',
    '\0',
    'a\u2028b\u2029c\u0085',
    'cr\r\n',
    '\u{10ffff}\ufffe\uffff',
    '👩‍👩‍👧',
    'e\u0301',
    '<|im_end|>"\\/\u001f',
    'x'.repeat(300_000),
  ]
  const rows = texts.map((text, n): Row => ({ texts: [text], n, null: false }))
  const bytes = texts.map(text => Buffer.from(text).toString('hex').toUpperCase())

  test('parquet keeps every byte', async () => {
    const { path } = await write('parquet', [batch(rows)])
    const read = await sql(path, 'select hex(encode(lang)) h, hex(encode(prompt[1].content)) p from read_parquet(FILE)')
    expect(read).toEqual(bytes.map(h => ({ h, p: h })))
    const table = tableFromIPC(readParquet(readFileSync(path)).intoIPCStream())
    const { values, valueOffsets } = (table.getChild('lang') as Vector<Utf8Type>).data[0]
    expect(texts.map((_, i) => Buffer.from(values.subarray(valueOffsets[i], valueOffsets[i + 1])).toString('utf8'))).toEqual(texts)
  })

  test('arrow and jsonl keep every byte', async () => {
    const arrow = await write('arrow', [batch(rows)])
    const { values, valueOffsets } = (tableFromIPC(readFileSync(arrow.path)).getChild('lang') as Vector<Utf8Type>).data[0]
    expect(texts.map((_, i) => Buffer.from(values.subarray(valueOffsets[i], valueOffsets[i + 1])).toString('utf8'))).toEqual(texts)
    const jsonl = await write('jsonl', [batch(rows)])
    const lines = readFileSync(jsonl.path).toString('utf8').split('\n')
    expect(lines.slice(0, -1).map(line => (JSON.parse(line) as { lang: string }).lang)).toEqual(texts)
  })
})

describe('parquet settings', () => {
  test('row groups of 8,192 rows, zstd, dictionaries, created by goldpan, nested fields required', async () => {
    const { path, rows, bytes, sha256 } = await write('parquet', [batch(sample(10_000)), batch(sample(7000))])
    const meta = parquetMetadata(bufferOf(path))
    expect(meta.row_groups.map(g => Number(g.num_rows))).toEqual([8192, 8192, 616])
    expect(meta.created_by).toBe('goldpan')
    expect(meta.key_value_metadata?.map(kv => kv.key) ?? []).not.toContain('huggingface')
    for (const { columns: chunks } of meta.row_groups) for (const { meta_data } of chunks) expect(meta_data?.codec).toBe('ZSTD')
    expect(meta.row_groups[0].columns[0].meta_data?.path_in_schema).toEqual(['prompt', 'list', 'element', 'role'])
    const nesting = Object.fromEntries(meta.schema.map(s => [s.name, s.repetition_type]))
    expect(nesting).toMatchObject({
      prompt: 'REQUIRED',
      element: 'REQUIRED',
      role: 'REQUIRED',
      content: 'REQUIRED',
      weight: 'REQUIRED',
      p_mean: 'OPTIONAL',
      human: 'OPTIONAL',
    })
    expect(rows).toBe(17_000)
    const file = readFileSync(path)
    expect([file.length, createHash('sha256').update(file).digest('hex')]).toEqual([bytes, sha256])
  })

  test('the second file of a process has them too', async () => {
    const first = await write('parquet', [batch(sample(500))])
    expect((await write('parquet', [batch(sample(500))])).sha256).toBe(first.sha256)
  })

  test('any rows come back by hyparquet and by parquet-wasm', async () => {
    const row = fc.record({
      texts: fc.array(fc.oneof(fc.constantFrom('', 'user', '同じ'), fc.string({ unit: 'grapheme', maxLength: 40 })), { maxLength: 4 }),
      n: fc.nat(300),
      null: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 200 }), async rows => {
        const { path } = await write('parquet', [batch(rows)])
        expect(withoutMessage(await parquetReadObjects({ file: bufferOf(path), compressors }))).toEqual(allExpected(rows))
        const table = tableFromIPC(readParquet(readFileSync(path)).intoIPCStream())
        expect(withoutMessage(table.toArray().map(one => plain(one) as object))).toEqual(allExpected(rows))
      }),
      { seed: 42, numRuns: 30 },
    )
  })

  test('every page has a checksum, and a place in an offset index', async () => {
    const { path } = await write('parquet', [batch(sample(9000))])
    const check = async (file: string): Promise<void> =>
      checkPages(file, 'x.parquet', await readFooter(file, 'x.parquet', await fileEnds(file, 'x.parquet')), ['prompt'])
    await check(path)
    const bytes = readFileSync(path)
    const { offset_index_offset, meta_data } = parquetMetadata(bufferOf(path)).row_groups[0].columns[1]
    const [location] = readOffsetIndex({ view: new DataView(bufferOf(path), Number(offset_index_offset)), offset: 0 }).page_locations
    expect([location.offset, location.first_row_index]).toEqual([meta_data!.data_page_offset, 0n])
    bytes[Number(meta_data!.data_page_offset) + location.compressed_page_size - 1] ^= 1
    writeFileSync(path, bytes)
    await expect(check(path)).rejects.toThrow(/x\.parquet.*checksum/)
  })

  test('data pages hold about 1 MiB, so that a reader of a stream need hold no more', async () => {
    const rows = 60
    const text = utf8Of(Array.from({ length: rows }, (_, n) => createHash('sha256').update(`${n}`).digest('hex').repeat(1200)))
    const { path } = await write('parquet', [{ rows, columns: { text } }], [{ name: 'text', field: 'utf8', required: true }])
    const [chunk] = parquetMetadata(bufferOf(path)).row_groups[0].columns
    const { page_locations } = readOffsetIndex({ view: new DataView(bufferOf(path), Number(chunk.offset_index_offset)), offset: 0 })
    const firsts = [...page_locations.map(page => Number(page.first_row_index)), rows]
    const bytes = firsts.slice(1).map((end, i) => (end - firsts[i]) * 64 * 1200)
    expect(bytes.length).toBe(5)
    // A page ends with the row that fills it.
    for (const size of bytes) expect(size).toBeLessThan(2 ** 20 + 64 * 1200)
    for (const size of bytes.slice(0, -1)) expect(size).toBeGreaterThan(2 ** 20 - 64 * 1200)
  })

  test('2 MB of texts that repeat are stored once', async () => {
    const digest = (text: string): string => createHash('sha512').update(text).digest('base64')
    const long = Array.from({ length: 20 }, (_, n) => Array.from({ length: 1200 }, (_, k) => digest(`${n} ${k}`)).join(''))
    const text = utf8Of(Array.from({ length: 200 }, (_, n) => long[n % 20]))
    const { bytes } = await write('parquet', [{ rows: 200, columns: { text } }], [{ name: 'text', field: 'utf8', required: true }])
    expect(bytes).toBeLessThan(20 * 1200 * 88)
  })
})

test('a row group ends where its texts pass 32 MiB, however the rows are cut', async () => {
  const text = utf8Of(Array.from({ length: 10 }, (_, n) => String(n).repeat(n === 3 ? 40e6 : 8e6)))
  const of: OutColumn[] = [{ name: 'text', field: 'utf8', required: true }]
  const whole = { rows: 10, columns: { text } }
  const { path, sha256 } = await write('parquet', [whole], of)
  expect(parquetMetadata(bufferOf(path)).row_groups.map(g => Number(g.num_rows))).toEqual([3, 1, 4, 2])
  const schema = { text: 'utf8' } as const
  const cut = [slice(batchOf(schema, 10, { text }), 0, 5), slice(batchOf(schema, 10, { text }), 5, 10)]
  expect((await write('parquet', cut, of)).sha256).toBe(sha256)
})

describe('the same bytes for the same rows', () => {
  const row = fc.record({
    texts: fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }), { maxLength: 3 }),
    n: fc.nat(1e6),
    null: fc.boolean(),
  })

  test.each(outputFormats)('%s: however they are cut', async format => {
    const cuts = fc.array(fc.tuple(fc.nat(60), fc.nat(60)), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 60 }), cuts, async (rows, places) => {
        const whole = batch(rows)
        const borders = [...new Set([0, ...places.flat().filter(p => p < rows.length), rows.length])].sort((a, b) => a - b)
        const cut = borders.slice(1).map((to, i) => cutOf(whole, borders[i], to))
        expect((await write(format, cut)).sha256).toBe((await write(format, [whole])).sha256)
      }),
      { seed: 42, numRuns: 25 },
    )
  })

  test.each(outputFormats)('%s: over groups, with bits under nulls, and from shared memory', async format => {
    const rows = sample(9000)
    const whole = batch(rows)
    const { sha256 } = await write(format, [whole])
    expect((await write(format, [cutOf(whole, 0, 8191), cutOf(whole, 8191, 8192), cutOf(whole, 8192, 9000)])).sha256).toBe(sha256)
    const dirty = Float32Array.from({ length: 9000 }, (_, i) =>
      rows[i].null ? 7 : (whole.columns.p_mean as { values: Float32Array }).values[i],
    )
    const shared = new Uint8Array(new SharedArrayBuffer(16 * 9000))
    shared.set((whole.columns.pair_id as { bytes: Uint8Array }).bytes)
    const lang = whole.columns.lang as { bytes: Uint8Array; offsets: Int32Array; valid: Uint8Array }
    const bytes = new Uint8Array(new SharedArrayBuffer(lang.bytes.length))
    bytes.set(lang.bytes)
    const other = { ...whole.columns, p_mean: { values: dirty, valid: lang.valid }, pair_id: { bytes: shared }, lang: { ...lang, bytes } }
    expect((await write(format, [{ rows: 9000, columns: other }])).sha256).toBe(sha256)
  })

  const stored = (field: OutColumn['field']) => (field === 'bool' || field === 'i8' ? 'u8' : field === 'i64' ? 'i32' : field)
  function cutOf(whole: OutBatch, from: number, to: number): OutBatch {
    const index = Int32Array.from({ length: to - from }, (_, i) => from + i)
    const cut = columns.map(({ name, field }) => {
      const type = stored(field)
      const column = whole.columns[name]
      if (typeof type !== 'object' || !('struct' in type)) return [name, gatherColumn(column as Column, type, index)] as const
      const { items, valid } = column as { items: OutBatch; valid?: Uint8Array }
      const children = Object.entries(type.struct).map(([child, f]) => [child, gatherColumn(items.columns[child] as Column, f, index)])
      return [name, { items: batchOf(type.struct, to - from, Object.fromEntries(children)), valid: valid?.slice(from, to) }] as const
    })
    return { rows: to - from, columns: Object.fromEntries(cut) }
  }
})

describe('refusals', () => {
  const one: OutColumn[] = [{ name: 'weight', field: 'f32', required: true }]

  test.each(outputFormats)('%s: a table of 0 rows, and nothing is left behind', async format => {
    const path = join(dir, `empty.${format}`)
    const writer = await openTableWriter(format, one, path)
    await writer.write({ rows: 0, columns: { weight: { values: new Float32Array(0) } } })
    await expect(writer.close()).rejects.toThrow('0 rows')
    expect(existsSync(path)).toBe(false)
  })

  test('a missing column, a null without leave, another type', async () => {
    const of = async (column: Column | undefined): Promise<unknown> =>
      write('parquet', [{ rows: 1, columns: column ? { weight: column } : {} }], one)
    await expect(of(undefined)).rejects.toThrow('column weight: missing')
    await expect(of({ values: new Float32Array(1), valid: new Uint8Array(1) })).rejects.toThrow('column weight: null')
    await expect(of({ values: new Float64Array(1) })).rejects.toThrow('column weight: is not "f32"')
  })

  test.each([openParquetEncoder, openArrowEncoder, openJsonlEncoder, openGzipLines, openZstdLines])('a full disk stops %o', async open => {
    const encoder = open(one, () => {
      throw new Error('ENOSPC')
    })
    const group = batchOf({ weight: 'f32' }, 1, { weight: { values: Float32Array.of(1) } })
    const written = async (): Promise<void> => {
      await encoder.write(group)
      await encoder.close()
    }
    await expect(written()).rejects.toThrow('ENOSPC')
  })

  test('bytes that are not UTF-8 stop the file', async () => {
    const text = { bytes: Uint8Array.of(0xff, 0xfe), offsets: Int32Array.of(0, 2) }
    const path = join(dir, 'invalid.parquet')
    const writer = await openTableWriter('parquet', [{ name: 'text', field: 'utf8', required: true }], path)
    await expect(Promise.resolve(writer.write({ rows: 1, columns: { text } })).then(() => writer.close())).rejects.toThrow()
    expect(existsSync(path)).toBe(false)
  })
})
