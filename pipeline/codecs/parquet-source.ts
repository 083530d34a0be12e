/**
 * Parquet, only the needed columns, piece by piece, in bounded memory whatever the size of the row groups: common kinds by our own reader,
 * all others by DuckDB, which is loaded for them alone.
 */
import type { FileEnds } from './file-bytes.ts'
import { readFooter } from './parquet-footer.ts'
import { records } from './parquet-records.ts'
import { ownColumns } from './parquet-shapes.ts'
import type { ColumnName, RowBlock, RowSource } from './row-source.ts'

/** Opens the file far enough to know its columns. */
export async function openParquet(path: string, shown: string, ends: FileEnds): Promise<RowSource> {
  const footer = await readFooter(path, shown, ends)
  const own = ownColumns(footer)
  const whole = own.length > 0 && own.length === footer.columns.length
  const columns: readonly ColumnName[] = whole ? own : await (await duckdb()).triedColumns(path, shown)
  return {
    container: 'parquet',
    compression: 'none',
    columns,
    blocks: (wanted = columns.map(({ name }) => name), rows) => {
      const needed = own.filter(({ name }) => wanted.includes(name))
      const others = columns.some(({ name }) => wanted.includes(name) && !needed.some(column => column.name === name))
      return others || needed.length === 0 ? byDuckdb(path, shown, footer, wanted, rows) : records(path, shown, footer, needed, rows)
    },
  }
}

const duckdb = () => import('./duckdb-rows.ts')

async function* byDuckdb(...reading: Parameters<typeof import('./duckdb-rows.ts').duckRows>): AsyncGenerator<RowBlock> {
  yield* (await duckdb()).duckRows(...reading)
}
