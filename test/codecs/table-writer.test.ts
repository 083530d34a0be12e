import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { tableFromIPC, type Utf8 as Utf8Type, type Vector } from 'apache-arrow'
import fc from 'fast-check'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { readParquet } from 'parquet-wasm'
import { describe, expect, test } from 'vitest'
import { batchOf, type Column } from '../../pipeline/batch.ts'
import { openArrowEncoder } from '../../pipeline/codecs/arrow-writer.ts'
import { openJsonlEncoder } from '../../pipeline/codecs/jsonl-writer.ts'
import { openGzipLines, openZstdLines } from '../../pipeline/codecs/packed-lines.ts'
import { openParquetEncoder } from '../../pipeline/codecs/parquet-writer.ts'
import { type OutBatch, type OutColumn, openTableWriter, outputFormats } from '../../pipeline/codecs/table-writer.ts'
import { unzstd } from '../../pipeline/codecs/zstd.ts'
import { gatherColumn } from '../../pipeline/gather.ts'
import { allExpected, batch, bufferOf, columns, newPath, plain, type Row, sample, sql, withoutMessage, write } from './written-rows.ts'

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
    const path = newPath(`empty.${format}`)
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
    const path = newPath('invalid.parquet')
    const writer = await openTableWriter('parquet', [{ name: 'text', field: 'utf8', required: true }], path)
    await expect(Promise.resolve(writer.write({ rows: 1, columns: { text } })).then(() => writer.close())).rejects.toThrow()
    expect(existsSync(path)).toBe(false)
  })
})
