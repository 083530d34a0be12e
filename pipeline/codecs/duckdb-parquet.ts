/** How DuckDB is asked for the rows of a Parquet file. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

/** Pages are read one by one, so this only has to hold a chunk of 2,048 rows. */
export const OPTIONS = { threads: '1', memory_limit: '4GB', autoinstall_known_extensions: 'false', autoload_known_extensions: 'false' }

let shared: Promise<DuckDBInstance> | undefined

export async function connect(): Promise<DuckDBConnection> {
  shared ??= DuckDBInstance.create(':memory:', OPTIONS)
  return (await shared).connect()
}

/** Some faults of a file leave DuckDB's instance unusable: the next file gets a new one. */
export function forget(error: unknown): void {
  if (/internal|fatal|invalidated|memory/i.test(String((error as Error)?.message ?? error))) shared = undefined
}

/** A reading of a file: all its columns or these, all its rows or the first. */
export interface Reading {
  readonly path: string
  readonly columns?: readonly string[]
  readonly rows?: number
}

export function selectOf({ path, columns, rows }: Reading): string {
  const names = columns?.map(name => `"${name.replaceAll('"', '""')}"`).join(', ') ?? '*'
  const table = `read_parquet('${path.replaceAll("'", "''")}', hive_partitioning = false)`
  return `SELECT ${names} FROM ${table}${rows === undefined ? '' : ` LIMIT ${rows}`}`
}
