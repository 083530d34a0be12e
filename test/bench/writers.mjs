/** Writers of Parquet on the same rows: goldpan's and the npm package parquetjs-lite, an independent check. Called by all.mjs. */
import { mkdirSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { batchOf, utf8Of } from '../../dist/pipeline/batch.js'
import { openTableWriter } from '../../dist/pipeline/codecs/table-writer.js'
import { fixed, table } from './measure.mjs'
import { rowsOf } from './neardup.mjs'

const parquet = createRequire(import.meta.url)('parquetjs-lite')
const ROWS = 20_000

async function byGoldpan(rows, path) {
  const columns = ['id', 'chosen', 'rejected'].map((name, k) => [name, utf8Of(rows.map(row => row[k]))])
  const batch = batchOf(Object.fromEntries(columns.map(([name]) => [name, 'utf8'])), rows.length, Object.fromEntries(columns))
  const writer = await openTableWriter('parquet', columns.map(([name]) => ({ name, field: 'utf8', required: true })), path)
  await writer.write(batch)
  await writer.close()
}

async function byParquetjs(rows, path) {
  const text = { type: 'UTF8', compression: 'GZIP' }
  const writer = await parquet.ParquetWriter.openFile(new parquet.ParquetSchema({ id: text, chosen: text, rejected: text }), path)
  for (const [id, chosen, rejected] of rows) await writer.appendRow({ id, chosen, rejected })
  await writer.close()
}

/** @returns Markdown; `dir` holds Parquet files of pairs */
export async function benchWriters(root, dir) {
  mkdirSync(root, { recursive: true })
  const rows = await rowsOf(`select id, chosen, rejected from '${dir}/pairs-*.parquet' where chosen is not null and rejected is not null limit ${ROWS}`)
  const text = rows.flat().reduce((bytes, one) => bytes + Buffer.byteLength(one), 0) / 1e6
  const lines = []
  for (const [name, write] of [['goldpan, zstd', byGoldpan], ['parquetjs-lite, gzip', byParquetjs]]) {
    const path = join(root, 'written.parquet')
    const before = process.cpuUsage()
    await write(rows, path)
    const { user, system } = process.cpuUsage(before)
    const seconds = (user + system) / 1e6
    lines.push([name, fixed(seconds, 2), fixed(text / seconds), fixed(statSync(path).size / 1e6)])
    rmSync(path)
  }
  return `${rows.length.toLocaleString('en')} rows of id, chosen and rejected, ${fixed(text)} MB, from JavaScript strings to a file:\n\n${table(['writer', 'CPU s', 'MB per CPU s', 'MB written'], lines)}`
}
