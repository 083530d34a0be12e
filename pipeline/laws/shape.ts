/** Whether a stage gives what it declares: the columns, their lengths, reasons and partitions that it has. */
import { type Batch, batchOf, type Column, type Columns, type Field, layoutOf, type Numbers, type Schema } from '../batch.ts'
import { AWAY, type Verdict } from '../stage.ts'

/** Fails where a stage or measure gives other columns than it declares, or columns of other arrays or of another length. */
export function declared(columns: Readonly<Record<string, Column>>, schema: Schema, rows: number): Batch {
  const given = Object.keys(columns).sort().join(', ')
  const wanted = Object.keys(schema).sort().join(', ')
  if (given !== wanted) throw new Error(`declares columns ${wanted || 'none'}; gives ${given || 'none'}`)
  for (const [name, field] of Object.entries(schema)) {
    checkArray(name, columns[name], field)
    const n = rowsOf(columns[name], field)
    if (n !== rows) throw new Error(`column ${name} has ${n ?? 'no'} rows of ${rows}`)
  }
  return batchOf(schema, rows, columns as Columns<Schema>)
}

/** What is copied is copied as bytes, so numbers of another kind of array would become others. */
function checkArray(name: string, column: Column, field: Field): void {
  const array = layoutOf(field)?.array
  const { values } = column as Partial<Numbers>
  if (array && values !== undefined && !(values instanceof array))
    throw new Error(`column ${name} holds ${(values as object).constructor.name}, expected ${array.name}`)
}

/** Rows of a column; undefined where it has not the arrays of its type. */
function rowsOf(column: Partial<Record<string, { length: number }>> | Column, field: Field): number | undefined {
  const { offsets, starts, values, bytes } = column as Record<string, { length: number } | undefined>
  if (field === 'utf8') return offsets && offsets.length - 1
  if (field === 'id') return bytes && bytes.length / 16
  if (typeof field === 'object' && 'list' in field) return starts && starts.length - 1
  return values && values.length / layoutOf(field)!.width
}

/** A verdict on so many rows; fails where it is none. */
export function checkVerdict({ add = {}, leave }: Verdict, adds: Schema, reasons: number, rows: number): void {
  declared(add as Readonly<Record<string, Column>>, adds, rows)
  if (leave === undefined) return
  if (leave.length !== rows) throw new Error(`leave has ${leave.length} rows of ${rows}`)
  const odd = leave.find(code => code > reasons && code !== AWAY)
  if (odd !== undefined) throw new Error(`leave holds ${odd}, but the stage has ${reasons} reasons`)
}

/** Rows that a round emits: columns as declared, each in a partition that there is. */
export function checkEmitted({ columns, rows }: Batch, emits: Schema, partitions: number): void {
  const { values } = declared(columns, { partition: 'i32', ...emits }, rows).columns.partition as Numbers<Int32Array>
  const odd = values.find(partition => partition < 0 || partition >= partitions)
  if (odd !== undefined) throw new Error(`a row is for partition ${odd}; there are ${partitions}, counted from 0`)
}

/** Rows that `among` picks of a batch, in their order. */
export function checkAmong(index: Int32Array, rows: number): void {
  if (!(index instanceof Int32Array)) throw new Error('expected an Int32Array of rows')
  const odd = index.find((row, i) => row < 0 || row >= rows || (i > 0 && row <= index[i - 1]))
  if (odd !== undefined) throw new Error(`names row ${odd} of ${rows}; expected rows in rising order, each once`)
}
