/** Any source file as plain rows: recognised by its bytes, streamed in bounded chunks, with the reason for every row that cannot be read. */
import { openRows } from './open-rows.ts'
import { type Compression, type Container, type Part, type RowBlock, RowFault, withStrings } from './row-source.ts'

export interface Recognised {
  readonly container: Container
  readonly compression: Compression
}

/** One input row: its 0-based number in the file, and its value as JSON.parse would give it (or with texts as bytes), or why it cannot be read. */
export type SourceRow = {
  readonly row: number
  /** The first characters of the row as it stands in the file, for rejects. */
  readonly raw: () => string
} & ({ readonly value: unknown } | { readonly error: { readonly field: string; readonly error: string } })

/** Rows a chunk; a block of the file (1 MiB of JSON, 2,048 rows of Parquet, a record batch of Arrow) may end it sooner. */
const CHUNK_ROWS = 4096
/** Of columns, few at a time: the row objects are gone before V8 moves them among those that stay. */
const COLUMNAR_CHUNK_ROWS = 256
/** Of a Parquet file, asking for as many rows or fewer is only a look: the pages behind them are not checked. */
const LOOK_ROWS = 1000

export interface ReadOptions {
  readonly limit?: number
  /** The columns wanted of a columnar file. */
  readonly only?: readonly string[]
  /** Its rows alone. */
  readonly part?: Part
  /** Leaves the texts of a columnar file as they are, UTF-8 bytes that are valid until the next chunk. */
  readonly bytes?: boolean
}

/** Rows in the order of the file, in chunks. Throws UserError where the file is damaged. */
export async function* readRows(path: string, shown: string, options: ReadOptions = {}): AsyncGenerator<readonly SourceRow[]> {
  const { limit = Number.POSITIVE_INFINITY, only, part, bytes = false } = options
  if (limit <= 0) return
  const source = await openRows(path, shown)
  const valueAt = source.columns && !bytes ? withStringsAt : asItIs
  const most = source.columns ? COLUMNAR_CHUNK_ROWS : CHUNK_ROWS
  const first = part?.first_row ?? 0
  let row = first
  for await (const block of source.blocks(only, limit <= LOOK_ROWS ? limit : undefined, part)) {
    for (let from = 0; from < block.rows; ) {
      const to = Math.min(block.rows, from + most, from + limit - (row - first))
      const chunk: SourceRow[] = []
      for (let i = from; i < to; i++) chunk.push(rowOf(block, i, row++, valueAt))
      yield chunk
      if (row - first >= limit) return
      from = to
    }
  }
}

type ValueAt = (block: RowBlock, i: number) => unknown

const asItIs: ValueAt = (block, i) => block.row(i)
const withStringsAt: ValueAt = (block, i) => withStrings(block.row(i))

function rowOf(block: RowBlock, i: number, row: number, valueAt: ValueAt): SourceRow {
  const raw = () => block.excerpt(i)
  try {
    return { row, value: valueAt(block, i), raw }
  } catch (error) {
    if (!(error instanceof RowFault)) throw error
    return { row, error: { field: error.field, error: error.message }, raw }
  }
}
