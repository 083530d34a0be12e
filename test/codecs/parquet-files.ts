/** Parquet files for tests: small ones of other writers, and what DuckDB makes of a query. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { readRows } from '../../pipeline/codecs/source.ts'

/** Small Parquet files of two rows {prompt, chosen, rejected} as pyarrow 26 writes them, base64; `encrypted` ones with modular encryption. */
const parquetFiles = JSON.parse(readFileSync(join(import.meta.dirname, 'parquet-files.json'), 'utf8')) as Readonly<Record<string, string>>
export const bytesOf = (name: string): Buffer => Buffer.from(parquetFiles[name], 'base64')
export const rows = [
  { prompt: 'Q', chosen: '\ufeffA', rejected: 'C' },
  { prompt: 'R', chosen: 'B', rejected: 'C' },
]

/** A path for a file, in a folder of its own. */
export const freshFile = (name = 'file.parquet'): string => join(mkdtempSync(join(tmpdir(), 'goldpan-parquet-')), name)

export function fileOf(bytes: Uint8Array): string {
  const path = freshFile()
  writeFileSync(path, bytes)
  return path
}

export async function readFile(path: string, only?: readonly string[]): Promise<unknown[]> {
  const rows: unknown[] = []
  for await (const chunk of readRows(path, 'in', { only })) for (const row of chunk) rows.push('value' in row ? row.value : row.error)
  return rows
}

let opened: Promise<DuckDBConnection> | undefined
const connection = (): Promise<DuckDBConnection> => (opened ??= DuckDBInstance.create(':memory:').then(db => db.connect()))

/** Writes what a query gives as a Parquet file. */
export async function written(query: string, options = ''): Promise<string> {
  const path = freshFile()
  await (await connection()).run(`COPY (${query}) TO '${path}' (FORMAT parquet ${options})`)
  return path
}

/** The encodings of its column `text`. */
export async function encodingsOf(path: string): Promise<string> {
  const result = await (await connection()).runAndReadAll(
    `SELECT DISTINCT encodings FROM parquet_metadata('${path}') WHERE path_in_schema = 'text'`,
  )
  return result.getRows().join()
}
