/** The views over the tables of a build, and the SQL that names, types and reads columns. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Field, Schema } from './batch.ts'
import type { OutColumn, OutField } from './codecs/out-columns.ts'
import { drewFlags, type Finished, filesOf } from './finished.ts'
import {
  flippedColumns,
  ledgerColumns,
  quarantineColumns,
  rejectsColumns,
  reviewColumns,
  type TableName,
  tableNames,
  trainColumns,
} from './tables.ts'

/** Views over tables, by name: `edges` is what the ledger knows of pairs that duplicate or contradict another. */
export const derivedViews: Readonly<Record<string, string>> = {
  edges: `select pair_id, duplicate_of, relation, jaccard, source, outcome, step, reason, cluster_id, cluster_size from ledger where duplicate_of is not null`,
}

/** Makes every view; a table without files is a view without rows. DuckDB does not read Arrow files: they get none. */
export async function createViews(finished: Finished, connection: DuckDBConnection): Promise<void> {
  for (const table of tableNames) {
    const files = filesOf(finished, table)
    if (files[0]?.endsWith('.arrow')) continue
    const columns = columnsOfTable(finished, table)
    await connection.run(`create view ${table} as ${files.length === 0 ? emptySql(columns) : readSql(files, columns)}`)
  }
  for (const [name, sql] of Object.entries(derivedViews)) await connection.run(`create view ${name} as ${sql}`)
}

/** Models' columns are read from the files; only a table without any is made up, and without theirs. */
export function columnsOfTable(finished: Finished, table: TableName): OutColumn[] {
  const { layout, signals, margin, own } = finished.output
  const added = drewFlags(finished) ? ['flag_probability'] : []
  const options = { signals, margin: margin !== undefined, own }
  const columns: Record<TableName, () => OutColumn[]> = {
    train: () => trainColumns(layout, options),
    validation: () => trainColumns(layout, options),
    flipped: () => flippedColumns(layout, options, []),
    quarantine: () => quarantineColumns(layout, options),
    review: () => reviewColumns(added),
    ledger: () => ledgerColumns(added, own),
    rejects: rejectsColumns,
  }
  return columns[table]()
}

const LONGEST_LINE_BYTES = 64 * 2 ** 20

function readSql(files: readonly string[], columns: readonly OutColumn[]): string {
  const list = `[${files.map(quoted).join(', ')}]`
  // A folder such as source=x above the build must not become a column.
  if (files[0].endsWith('.parquet')) return `select * from read_parquet(${list}, hive_partitioning = false)`
  const types = columns.map(({ name, field }) => `${quoted(name)}: ${quoted(sqlType(field))}`).join(', ')
  return `select * from read_json(${list}, format = 'newline_delimited', hive_partitioning = false, maximum_object_size = ${LONGEST_LINE_BYTES}, columns = {${types}})`
}

const emptySql = (columns: readonly OutColumn[]): string =>
  `select ${columns.map(({ name, field }) => `null::${sqlType(field)} as "${name}"`).join(', ')} where false`

const SQL_TYPES = {
  utf8: 'VARCHAR',
  id: 'VARCHAR',
  bool: 'BOOLEAN',
  u8: 'UTINYINT',
  i8: 'TINYINT',
  i32: 'INTEGER',
  i64: 'BIGINT',
  f32: 'FLOAT',
  f64: 'DOUBLE',
}

export function sqlType(field: OutField): string {
  if (typeof field === 'string') return SQL_TYPES[field]
  if ('struct' in field) return structType(field.struct)
  if ('list' in field) return `${structType(field.list)}[]`
  return 'VARCHAR'
}

const structType = (schema: Schema): string =>
  `STRUCT(${Object.entries(schema)
    .map(([name, child]: [string, Field]) => `"${name}" ${sqlType(child)}`)
    .join(', ')})`

/** A text as SQL writes it. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`
