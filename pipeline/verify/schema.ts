/** Columns of a finished build's Parquet files: names, order and types as documented, the same in every file, nothing missing that is required. */
import type { OutColumn } from '../codecs/out-columns.ts'
import { type Finished, filesOf } from '../finished.ts'
import type { Tables } from '../sql.ts'
import { columnsOfTable, quoted, sqlType } from '../table-views.ts'
import { type TableName, tableNames } from '../tables.ts'
import type { Check } from './accounts.ts'

export async function schemas(finished: Finished, tables: Tables): Promise<Check> {
  const wrong: string[] = []
  let columns = 0
  for (const table of tableNames) {
    const files = filesOf(finished, table).filter(path => path.endsWith('.parquet'))
    if (files.length === 0) continue
    const expected = columnsOfTable(finished, table)
    columns += expected.length
    wrong.push(
      ...(await unlike(tables, table, files)),
      ...(await misnamed(tables, table, expected)),
      ...(await lacking(tables, table, files, expected)),
    )
  }
  return {
    name: 'schema',
    seen: `${columns} columns with their names and types, the same in every file of a folder; none lacks a value that it must have`,
    wrong,
  }
}

/** Files whose schema is not that of the folder's first. */
async function unlike(tables: Tables, table: TableName, files: readonly string[]): Promise<string[]> {
  const found = await tables.rows<{ file: string; is: string }>(
    `select file_name as file, md5(string_agg(concat_ws(' ', name, type, repetition_type, num_children, converted_type), ',')) as is
     from parquet_schema([${files.map(quoted).join(', ')}]) group by all`,
  )
  const first = found.find(({ file }) => file === files[0])
  return found
    .filter(({ is }) => is !== first?.is)
    .map(({ file }) => `${table}/${file.split('/').at(-1)}: has other columns than ${files[0].split('/').at(-1)}`)
}

/** Expected columns in their order; others may stand between them where models or steps add them. */
async function misnamed(tables: Tables, table: TableName, expected: readonly OutColumn[]): Promise<string[]> {
  const found = await tables.rows<{ column_name: string; column_type: string }>(`select column_name, column_type from (describe ${table})`)
  const places = expected.map(({ name }) => found.findIndex(({ column_name }) => column_name === name))
  return expected.flatMap(({ name, field }, i) => {
    if (places[i] < 0) return [`${table}: has no column ${name}`]
    const { column_type } = found[places[i]]
    const type = sqlType(field)
    if (!fits(column_type, type)) return [`${table}: column ${name} is ${column_type}, expected ${type}`]
    return i > 0 && places[i] < places[i - 1] ? [`${table}: column ${name} is not after ${expected[i - 1].name}`] : []
  })
}

/** The type itself; of a structure, what is documented comes first, and more may follow. */
function fits(found: string, expected: string): boolean {
  const [is, documented] = [found, expected].map(type => type.replaceAll('"', ''))
  if (is === documented) return true
  const open = /^(STRUCT\(.*)\)(\[\])?$/.exec(documented)
  return open !== null && is.startsWith(`${open[1]}, `) && is.endsWith(`)${open[2] ?? ''}`)
}

/** Required columns in which a row group counts nulls. */
async function lacking(tables: Tables, table: TableName, files: readonly string[], expected: readonly OutColumn[]): Promise<string[]> {
  const required = expected
    .filter(({ required, field }) => required && (typeof field === 'string' || 'labels' in field))
    .map(({ name }) => name)
  const found = await tables.rows<{ name: string; nulls: number }>(
    `select path_in_schema as name, sum(stats_null_count)::bigint as nulls from parquet_metadata([${files.map(quoted).join(', ')}])
     where path_in_schema in (${required.map(quoted).join(', ')}) group by all having nulls > 0 order by all`,
  )
  return found.map(({ name, nulls }) => `${table}: column ${name} lacks a value in ${nulls} rows`)
}
