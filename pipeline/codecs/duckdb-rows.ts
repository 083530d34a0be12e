/** Rows of Parquet files by DuckDB. */
import { type DuckDBConnection, type DuckDBDataChunk, type DuckDBType, DuckDBTypeId } from '@duckdb/node-api'
import { UserError } from '../errors.ts'
import { columnRows } from './column-rows.ts'
import { damaged, messageOf } from './damage.ts'
import { duckReader } from './duckdb-columns.ts'
import { connect, forget, OPTIONS, selectOf } from './duckdb-parquet.ts'
import type { ParquetFooter } from './parquet-footer.ts'
import { checkPages } from './parquet-pages.ts'
import { tryReading } from './parquet-trial.ts'
import type { ColumnName, RowBlock } from './row-source.ts'

interface ParquetColumn extends ColumnName {
  readonly duckdb: DuckDBType
}

/** All columns of a file that DuckDB was seen to read in a process of its own. */
export async function triedColumns(path: string, shown: string): Promise<ParquetColumn[]> {
  await tryReading(shown, { path, rows: 0 })
  const connection = await connect()
  try {
    return await columnsOf(connection, path)
  } catch (error) {
    throw fault(shown, 'Parquet', error)
  } finally {
    connection.closeSync()
  }
}

/** Rows of these columns by DuckDB. */
export async function* duckRows(
  path: string,
  shown: string,
  footer: ParquetFooter,
  wanted: readonly string[],
  rows?: number,
): AsyncGenerator<RowBlock> {
  const columns = (await triedColumns(path, shown)).filter(({ name }) => wanted.includes(name))
  yield* chunks(path, shown, footer, columns, rows)
}

function fault(shown: string, place: string, error: unknown): UserError {
  forget(error)
  const message = messageOf(error)
  if (/out of memory/i.test(message))
    return new UserError(`${shown}: ${place}: 2,048 rows need more than ${OPTIONS.memory_limit}; write the file with shorter texts`)
  return damaged(shown, place, message)
}

async function columnsOf(connection: DuckDBConnection, path: string): Promise<ParquetColumn[]> {
  const result = await connection.run(selectOf({ path, rows: 0 }))
  return result.columnNames().map((name, k) => {
    const duckdb = result.columnType(k)
    return { name, type: String(duckdb), plain: isPlain(duckdb), duckdb }
  })
}

const TEXTUAL = [DuckDBTypeId.VARCHAR, DuckDBTypeId.BLOB, DuckDBTypeId.LIST, DuckDBTypeId.STRUCT, DuckDBTypeId.MAP]
const isPlain = (type: DuckDBType): boolean => !TEXTUAL.includes(type.typeId)

async function* chunks(
  path: string,
  shown: string,
  footer: ParquetFooter,
  columns: readonly ParquetColumn[],
  rows?: number,
): AsyncGenerator<RowBlock> {
  if (columns.length === 0) yield columnRows(Math.min(footer.rows, rows ?? footer.rows), {})
  if (columns.length === 0 || footer.rows === 0) return
  const names = columns.map(column => column.name)
  if (rows === undefined) await checkPages(path, shown, footer, names)
  const reading = { path, columns: names, rows }
  await tryReading(shown, reading)
  const connection = await connect()
  let read = 0
  let next: Promise<DuckDBDataChunk | null> = Promise.resolve(null)
  try {
    const result = await connection.stream(selectOf(reading))
    next = result.fetchChunk()
    for (;;) {
      const chunk = await next
      if (!chunk || chunk.rowCount === 0) break
      read += chunk.rowCount
      // DuckDB decodes the next chunk on another thread while this one is used; its failure is met above.
      next = result.fetchChunk()
      next.catch(() => {})
      const readers = columns.map(({ name, duckdb }, k) => [name, duckReader(chunk, k, duckdb, name)] as const)
      yield columnRows(chunk.rowCount, Object.fromEntries(readers))
    }
    const expected = Math.min(footer.rows, rows ?? footer.rows)
    if (read !== expected) throw new Error(`expected ${expected} rows, got ${read}`)
  } catch (error) {
    throw fault(shown, placeOf(footer, read), error)
  } finally {
    await next.catch(() => {})
    connection.closeSync()
  }
}

/** Where reading stopped, as far as it is known: the row group of the row after those that were read. */
function placeOf(footer: ParquetFooter, read: number): string {
  let end = 0
  const group = footer.groups.findIndex(({ rows }) => (end += rows) > read)
  return `Parquet, row group ${Math.max(group, 0)}, from row ${read}`
}
