import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { tableFromIPC } from 'apache-arrow'
import fc from 'fast-check'
import { parquetMetadata, parquetReadObjects, readOffsetIndex } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { readParquet } from 'parquet-wasm'
import { describe, expect, test } from 'vitest'
import { batchOf, slice, utf8Of } from '../../pipeline/batch.ts'
import { fileEnds } from '../../pipeline/codecs/file-bytes.ts'
import { readFooter } from '../../pipeline/codecs/parquet-footer.ts'
import { checkPages } from '../../pipeline/codecs/parquet-pages.ts'
import type { OutColumn } from '../../pipeline/codecs/table-writer.ts'
import { allExpected, batch, bufferOf, plain, sample, withoutMessage, write } from './written-rows.ts'

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
