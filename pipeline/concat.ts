/** Batches laid end to end. */
import {
  type Batch,
  type Column,
  type Columns,
  type Field,
  type Ids,
  type List,
  layoutOf,
  type Schema,
  slice,
  type Utf8,
  uninitialised,
  type Valid,
} from './batch.ts'

/** Batches of one schema laid end to end. */
export function concat<S extends Schema>(schema: S, batches: readonly Batch<S>[]): Batch<S> {
  if (batches.length === 1) return batches[0]
  const rows = batches.reduce((n, b) => n + b.rows, 0)
  const columns = Object.fromEntries(
    Object.entries(schema).map(([name, field]) => [
      name,
      concatColumn(
        field,
        batches.map(b => ({ rows: b.rows, column: b.columns[name] as Column })),
        rows,
      ),
    ]),
  )
  return { schema, rows, columns: columns as unknown as Columns<S> }
}

interface Piece {
  readonly rows: number
  readonly column: Column
}

function concatColumn(field: Field, pieces: readonly Piece[], rows: number): Column {
  const valid = concatValid(pieces, rows)
  if (field === 'utf8') return { ...concatText(pieces, rows), valid }
  if (typeof field === 'object' && 'list' in field) return { ...concatList(field.list, pieces, rows), valid }
  const layout = field === 'id' ? { array: Uint8Array, width: 16 } : layoutOf(field)!
  const out = new layout.array(rows * layout.width)
  let at = 0
  for (const { column, rows: n } of pieces) {
    const source = 'values' in column ? column.values : (column as Ids).bytes
    out.set(source.subarray(0, n * layout.width), at)
    at += n * layout.width
  }
  return field === 'id' ? { bytes: out as Uint8Array, valid } : { values: out, valid }
}

function concatValid(pieces: readonly Piece[], rows: number): Valid {
  if (pieces.every(p => p.column.valid === undefined)) return undefined
  const valid = new Uint8Array(rows).fill(1)
  let at = 0
  for (const { column, rows: n } of pieces) {
    if (column.valid) valid.set(column.valid.subarray(0, n), at)
    at += n
  }
  return valid
}

function concatText(pieces: readonly Piece[], rows: number): Utf8 {
  const offsets = new Int32Array(rows + 1)
  let size = 0
  let at = 0
  for (const piece of pieces) {
    const { offsets: from } = piece.column as Utf8
    for (let i = 0; i < piece.rows; i++) offsets[++at] = size + from[i + 1] - from[0]
    size += from[piece.rows] - from[0]
  }
  const bytes = uninitialised(size)
  let end = 0
  for (const piece of pieces) {
    const { bytes: source, offsets: from } = piece.column as Utf8
    bytes.set(source.subarray(from[0], from[piece.rows]), end)
    end += from[piece.rows] - from[0]
  }
  return { bytes, offsets }
}

function concatList(schema: Schema, pieces: readonly Piece[], rows: number): List {
  const starts = new Int32Array(rows + 1)
  let size = 0
  let at = 0
  const items = pieces.map(piece => {
    const { starts: from, items } = piece.column as List
    for (let i = 0; i < piece.rows; i++) starts[++at] = size + from[i + 1] - from[0]
    size += from[piece.rows] - from[0]
    return slice(items, from[0], from[piece.rows])
  })
  return { starts, items: concat(schema, items) }
}
