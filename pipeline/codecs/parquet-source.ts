/** Parquet, read by DuckDB: only the needed columns, chunk by chunk, in bounded memory whatever the size of the row groups. */

import { isUtf8 } from 'node:buffer'
import {
  DuckDBBlobVector,
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBListType,
  DuckDBListValue,
  DuckDBListVector,
  DuckDBMapValue,
  DuckDBStructType,
  DuckDBStructVector,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBVector,
} from '@duckdb/node-api'
import { UserError } from '../errors.ts'
import { plainValue } from './arrow-values.ts'
import { columnRows } from './column-rows.ts'
import { damaged, messageOf } from './damage.ts'
import type { FileEnds } from './file-bytes.ts'
import { checkPages, type ParquetFooter, readFooter } from './parquet-pages.ts'
import { type ColumnName, type RowBlock, RowFault, type RowSource } from './row-source.ts'

interface ParquetColumn extends ColumnName {
  readonly duckdb: DuckDBType
}

/** Opens the file far enough to know its columns. */
export async function openParquet(path: string, shown: string, ends: FileEnds): Promise<RowSource> {
  const footer = await readFooter(path, shown, ends)
  const connection = await connect()
  try {
    const columns = await columnsOf(connection, path)
    const needed = (wanted?: readonly string[]) => (wanted ? columns.filter(({ name }) => wanted.includes(name)) : columns)
    return {
      container: 'parquet',
      compression: 'none',
      columns,
      blocks: (wanted, rows) => chunks(path, shown, footer, needed(wanted), rows),
    }
  } catch (error) {
    throw fault(shown, 'Parquet', error)
  } finally {
    connection.closeSync()
  }
}

/** Pages are read one by one, so this only has to hold a chunk of 2,048 rows. */
const OPTIONS = { threads: '1', memory_limit: '4GB', autoinstall_known_extensions: 'false', autoload_known_extensions: 'false' }

let shared: Promise<DuckDBInstance> | undefined

async function connect(): Promise<DuckDBConnection> {
  shared ??= DuckDBInstance.create(':memory:', OPTIONS)
  return (await shared).connect()
}

/** Some faults of a file leave DuckDB's instance unusable: the next file gets a new one. */
function fault(shown: string, place: string, error: unknown): UserError {
  shared = undefined
  const message = messageOf(error)
  if (/out of memory/i.test(message))
    return new UserError(`${shown}: ${place}: 2,048 rows need more than ${OPTIONS.memory_limit}; write the file with shorter texts`)
  return damaged(shown, place, message)
}

const tableOf = (path: string): string => `read_parquet('${path.replaceAll("'", "''")}', hive_partitioning = false)`
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

async function columnsOf(connection: DuckDBConnection, path: string): Promise<ParquetColumn[]> {
  const result = await connection.run(`SELECT * FROM ${tableOf(path)} LIMIT 0`)
  return result.columnNames().map((name, k) => {
    const duckdb = result.columnType(k)
    return { name, type: String(duckdb), plain: isPlain(duckdb), duckdb }
  })
}

const TEXTUAL = [DuckDBTypeId.VARCHAR, DuckDBTypeId.BLOB, DuckDBTypeId.LIST, DuckDBTypeId.STRUCT, DuckDBTypeId.MAP]
const isPlain = (type: DuckDBType): boolean => !TEXTUAL.includes(type.typeId)

/** Text as bytes: DuckDB's own strings lose a leading U+FEFF on their way into JS. */
function asBytes(expression: string, type: DuckDBType, depth = 0): string {
  if (!holdsText(type)) return expression
  if (type.typeId === DuckDBTypeId.VARCHAR) return `encode(${expression})`
  const item = `x${depth}`
  if (type instanceof DuckDBListType) return `list_transform(${expression}, lambda ${item}: ${asBytes(item, type.valueType, depth + 1)})`
  const { entryNames, entryTypes } = type as DuckDBStructType
  const entries = entryNames.map((name, k) => `${quoted(name)} := ${asBytes(`(${expression}).${quoted(name)}`, entryTypes[k], depth)}`)
  return `CASE WHEN ${expression} IS NULL THEN NULL ELSE struct_pack(${entries.join(', ')}) END`
}

function holdsText(type: DuckDBType): boolean {
  if (type instanceof DuckDBListType) return holdsText(type.valueType)
  if (type instanceof DuckDBStructType) return type.entryTypes.some(holdsText)
  return type.typeId === DuckDBTypeId.VARCHAR
}

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
  const selected = columns.map(({ name, duckdb }) => `${asBytes(quoted(name), duckdb)} AS ${quoted(name)}`)
  const connection = await connect()
  let read = 0
  let next: Promise<DuckDBDataChunk | null> = Promise.resolve(null)
  try {
    const result = await connection.stream(
      `SELECT ${selected.join(', ')} FROM ${tableOf(path)}${rows === undefined ? '' : ` LIMIT ${rows}`}`,
    )
    next = result.fetchChunk()
    for (;;) {
      const chunk = await next
      if (!chunk || chunk.rowCount === 0) break
      read += chunk.rowCount
      // DuckDB decodes the next chunk on another thread while this one is used; its failure is met above.
      next = result.fetchChunk()
      next.catch(() => {})
      yield columnRows(chunk.rowCount, Object.fromEntries(names.map((name, k) => [name, duckReader(chunk.getColumnVector(k), name)])))
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

function duckReader(vector: DuckDBVector, field: string): (i: number) => unknown {
  if (vector instanceof DuckDBBlobVector) return i => textOf(vector.getItemBytes(i), field)
  if (vector instanceof DuckDBListVector) {
    return i => {
      const items = vector.getItemVector(i)
      if (!items) return null
      const at = duckReader(items, field)
      const values: unknown[] = []
      for (let k = 0; k < items.itemCount; k++) values.push(at(k))
      return values
    }
  }
  if (vector instanceof DuckDBStructVector) return structReader(vector, field)
  return i => scalarOf(vector.getItem(i))
}

function textOf(bytes: Uint8Array | null, field: string): Uint8Array | null {
  if (!bytes || isUtf8(bytes)) return bytes
  throw new RowFault(field, 'expected UTF-8, got other bytes')
}

function structReader(vector: DuckDBStructVector, field: string): (i: number) => unknown {
  const names = (vector.type as DuckDBStructType).entryNames
  const readers = names.map((name, k) => duckReader(vector.entryVectorAt(k), `${field}.${name}`))
  return i => {
    if (!vector.isItemValid(i)) return null
    const object: Record<string, unknown> = {}
    for (let k = 0; k < names.length; k++) object[names[k]] = readers[k](i)
    return object
  }
}

function scalarOf(value: unknown): unknown {
  if (value instanceof DuckDBDecimalValue) return value.toDouble()
  if (value instanceof DuckDBMapValue) return Object.fromEntries(value.entries.map(({ key, value }) => [String(key), scalarOf(value)]))
  if (value instanceof DuckDBListValue) return value.items.map(scalarOf)
  return plainValue(value)
}
