/** Our own reader of Parquet, held to DuckDB's rows. */
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from 'vitest'
import { duckRows } from '../../pipeline/codecs/duckdb-rows.ts'
import { fileEnds } from '../../pipeline/codecs/file-bytes.ts'
import { readFooter } from '../../pipeline/codecs/parquet-footer.ts'
import { records } from '../../pipeline/codecs/parquet-records.ts'
import { ownColumns } from '../../pipeline/codecs/parquet-shapes.ts'
import type { RowBlock } from '../../pipeline/codecs/row-source.ts'
import { bytesOf, fileOf, readFile, rows, written } from './parquet-files.ts'

describe('our own reader', () => {
  const all = async (blocks: AsyncIterable<RowBlock>): Promise<unknown[]> => {
    const rows: unknown[] = []
    for await (const block of blocks) for (let i = 0; i < block.rows; i++) rows.push(block.row(i))
    return rows
  }
  const nested = `SELECT * FROM (SELECT i AS id, i % 3 = 0 AS flag, i / 7.0::DOUBLE AS score, (i / 3)::FLOAT AS half, i::INTEGER AS small,
    CASE WHEN i % 5 > 0 THEN repeat(chr(97 + (i % 26)::INT), (i % 40)::INT) END AS text, ['ask', 'math', NULL][1 + i % 3] AS source,
    CASE WHEN i % 11 > 0 THEN [{'role': 'user', 'content': 'c' || i}, NULL, {'role': NULL, 'content': ''}][1:(i % 4)::INT] END AS turns,
    CASE WHEN i % 13 > 0 THEN [[i, NULL], [], NULL, [i + 1]][1:(i % 5)::INT] END AS lists,
    CASE WHEN i % 4 > 0 THEN {'a': {'b': CASE WHEN i % 3 > 0 THEN 'x' || i END, 'c': [i % 2]}} END AS deep
    FROM range(7001) t(i))`

  test.each([
    'COMPRESSION uncompressed, ROW_GROUP_SIZE 2048',
    'COMPRESSION zstd, DICTIONARY_SIZE_LIMIT 1',
    'COMPRESSION snappy, ROW_GROUP_SIZE 4096',
    'COMPRESSION snappy',
  ])('reads what DuckDB reads: %s', async options => {
    const path = await written(nested, `, ${options}`)
    const footer = await readFooter(path, 'in', await fileEnds(path, 'in'))
    const own = ownColumns(footer)
    expect(own.map(({ name }) => name)).toEqual(footer.columns.map(({ name }) => name))
    const found = await all(records(path, 'in', footer, own))
    const expected = await all(
      duckRows(
        path,
        'in',
        footer,
        own.map(({ name }) => name),
      ),
    )
    expect(found).toHaveLength(7001)
    expect(found).toEqual(expected)
    expect(await all(records(path, 'in', footer, own, { rows: 2100 }))).toEqual(expected.slice(0, 2100))
  })

  test('reads pages that are too large to be unpacked as a whole', async () => {
    const text = 'CASE WHEN i % 7 > 0 THEN repeat(md5(i::VARCHAR) || md5((i + 1)::VARCHAR), (1 + i % 25)::INT) || md5((i * i)::VARCHAR) END'
    const hex = Array.from({ length: 25 }, (_, k) => `md5((i * 31 + ${k})::VARCHAR)`).join(' || ')
    const path = await written(
      `SELECT i, CASE WHEN i % 7 > 0 THEN ${hex} END AS text, [{'content': ${hex}}, {'content': ${text}}][1:(i % 3)::INT] AS turns FROM range(32000) t(i)`,
      ', COMPRESSION zstd, ROW_GROUP_SIZE 40000, DICTIONARY_SIZE_LIMIT 1',
    )
    const footer = await readFooter(path, 'in', await fileEnds(path, 'in'))
    expect(footer.groups[0].chunks.filter(({ start, end }) => end - start > 8 * 2 ** 20)).toHaveLength(2)
    const own = ownColumns(footer)
    const found = await all(records(path, 'in', footer, own))
    const names = own.map(({ name }) => name)
    expect(found).toHaveLength(32_000)
    let row = 0
    for await (const block of duckRows(path, 'in', footer, names))
      for (let i = 0; i < block.rows; i++, row++) if (!isDeepStrictEqual(block.row(i), found[row])) expect(found[row]).toEqual(block.row(i))
    expect(row).toBe(32_000)
    const bytes = readFileSync(path)
    const { start, end } = footer.groups[0].chunks[1]
    bytes.fill(0xff, (start + end) >> 1, ((start + end) >> 1) + 200_000)
    await expect(readFile(fileOf(bytes))).rejects.toThrow(/^in: row group 0, column text, byte \d+: a page does not unpack: /)
  })

  test.each(['checksums', 'dictionary_v2', 'empty_groups'])('pages of others: %s', async name => {
    const path = fileOf(bytesOf(name))
    const footer = await readFooter(path, 'in', await fileEnds(path, 'in'))
    const own = ownColumns(footer)
    expect(own).toHaveLength(3)
    const texts = (await all(records(path, 'in', footer, own))) as Record<string, Uint8Array>[]
    expect(texts.map(row => Object.fromEntries(Object.entries(row).map(([k, text]) => [k, Buffer.from(text).toString()])))).toEqual(rows)
  })

  test('leaves dates, decimals, maps and other packings to DuckDB', async () => {
    const columns = async (query: string, options?: string): Promise<string[]> => {
      const path = await written(query, options)
      return ownColumns(await readFooter(path, 'in', await fileEnds(path, 'in'))).map(({ name }) => name)
    }
    const odd =
      "SELECT DATE '2026-01-01' AS day, 1.5::DECIMAL(9, 2) AS price, MAP {'a': 1} AS map, 1::UBIGINT AS big, 'x' AS text, now() AS time"
    expect(await columns(odd)).toEqual(['text'])
    expect(await columns("SELECT 'x' AS text", ', COMPRESSION brotli')).toEqual([])
    expect(await columns('SELECT i::VARCHAR AS text FROM range(9) t(i)', ', PARQUET_VERSION V2, DICTIONARY_SIZE_LIMIT 1')).toEqual([])
  })

  test('names the row group, the column and the byte of a page that does not unpack', async () => {
    const path = await written('SELECT repeat(i::VARCHAR, 50) AS text FROM range(500) t(i)', ', COMPRESSION zstd, DICTIONARY_SIZE_LIMIT 1')
    const bytes = readFileSync(path)
    bytes[bytes.indexOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]))] ^= 0x55
    const broken = fileOf(bytes)
    await expect(readFile(broken)).rejects.toThrow(
      /^in: row group 0, column text, byte \d+: a page does not unpack to the \d+ bytes that it says; the file is damaged/,
    )
  })

  test('refuses a page of version 2 under the header of version 1', async () => {
    const bytes = bytesOf('dictionary_v2')
    const header = bytes.indexOf(Buffer.from([0x15, 6, 0x15, 10, 0x15, 10, 0x5c]))
    bytes[header + 6] = 0x2c
    await expect(readFile(fileOf(bytes))).rejects.toThrow(
      /^in: row group 0, column prompt, byte \d+: a page ends within its levels; the file is/,
    )
  })
})
