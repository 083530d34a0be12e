/**
 * Parquet, only the needed columns, piece by piece, in bounded memory whatever the size of the row groups: common kinds by our own reader,
 * all others by DuckDB, which is loaded for them alone.
 */
import type { FileEnds } from './file-bytes.ts'
import { type ParquetFooter, readFooter } from './parquet-footer.ts'
import { records } from './parquet-records.ts'
import { ownColumns } from './parquet-shapes.ts'
import type { ColumnName, Part, RowBlock, RowSource } from './row-source.ts'

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
    ...(whole ? { parts: async bytes => groupParts(footer, bytes) } : {}),
    blocks: (wanted = columns.map(({ name }) => name), rows, part) => {
      const needed = own.filter(({ name }) => wanted.includes(name))
      const others = columns.some(({ name }) => wanted.includes(name) && !needed.some(column => column.name === name))
      if (others || needed.length === 0) return byDuckdb(path, shown, footer, wanted, rows)
      return records(path, shown, footer, needed, { rows, from: part?.from, to: part?.to })
    },
  }
}

/** Row groups put together to parts of about so many bytes. */
function groupParts({ groups }: ParquetFooter, bytes: number): Part[] {
  const parts: Part[] = []
  let [from, first_row, row, size] = [0, 0, 0, 0]
  for (const [g, { rows, chunks }] of groups.entries()) {
    row += rows
    size += chunks.reduce((sum, { start, end }) => sum + end - start, 0)
    if (size < bytes && g + 1 < groups.length) continue
    parts.push({ from, to: g + 1, first_row })
    from = g + 1
    first_row = row
    size = 0
  }
  return parts
}

const duckdb = () => import('./duckdb-rows.ts')

async function* byDuckdb(...reading: Parameters<typeof import('./duckdb-rows.ts').duckRows>): AsyncGenerator<RowBlock> {
  yield* (await duckdb()).duckRows(...reading)
}
