import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { batchOf, utf8Of } from '../../pipeline/batch.ts'
import { ParquetRows } from '../../pipeline/codecs/parquet-rows.ts'
import { openTableWriter } from '../../pipeline/codecs/table-writer.ts'
import { freshDir } from '../cli.ts'

const dir = freshDir('parquet-rows')
const columns = [
  { name: 'name', field: 'utf8', required: true },
  { name: 'text', field: 'utf8', required: true },
] as const
const text = (n: number): string => `\ufeffrow ${n} `.repeat(1 + (n % 40))

async function written(name: string, from: number, to: number): Promise<string> {
  const path = join(dir, name)
  const writer = await openTableWriter('parquet', columns, path, { rows: 7, bytes: 1000 })
  const numbers = Array.from({ length: to - from }, (_, i) => from + i)
  const batch = batchOf({ name: 'utf8', text: 'utf8' }, numbers.length, {
    name: utf8Of(numbers.map(n => (n % 2 === 0 ? 'even' : 'odd'))),
    text: utf8Of(numbers.map(text)),
  })
  await writer.write(batch)
  await writer.close()
  return path
}

it('gives each row of several files by its number, and what was there when it was opened', async () => {
  const paths = [await written('a.parquet', 0, 60), await written('b.parquet', 60, 61), await written('c.parquet', 61, 100)]
  const rows = await ParquetRows.open(paths)
  renameSync(await written('new.parquet', 0, 5), paths[1])
  const all = Array.from({ length: 100 }, (_, n) => ({ name: n % 2 === 0 ? 'even' : 'odd', text: text(n) }))
  expect(rows.all(['name', 'text'])).toEqual(all)
  for (const n of [99, 0, 60, 61, 59, 6, 7, 8]) {
    expect(rows.row(n, ['text'])).toEqual({ text: text(n) })
    expect(rows.row(n, ['name', 'text'])).toEqual(all[n])
  }
  rows.close()
})

it('says in one line which rows cannot be read', async () => {
  const path = await written('damaged.parquet', 0, 30)
  const bytes = readFileSync(path)
  writeFileSync(path, Buffer.concat([bytes.subarray(0, 4), Buffer.alloc(200, 7), bytes.subarray(204)]))
  const rows = await ParquetRows.open([path])
  expect(() => rows.row(0, ['text'])).toThrow(/damaged\.parquet: rows 0 to \d+: .*; `goldpan verify` tells whether the build is damaged$/)
  expect(rows.row(29, ['text'])).toEqual({ text: text(29) })
  rows.close()
  writeFileSync(path, bytes.subarray(0, 100))
  await expect(ParquetRows.open([path])).rejects.toThrow(/damaged\.parquet: .*goldpan verify/)
  await expect(ParquetRows.open([join(dir, 'none.parquet')])).rejects.toThrow('none.parquet: no such file')
})
