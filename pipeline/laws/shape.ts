/** Whether a stage gives what it declares: the columns, their lengths, reasons and partitions that it has. */
import { type Batch, batchOf, type Column, type Columns, type Field, type List, layoutOf, type Numbers, type Schema } from '../batch.ts'
import { AWAY, type Verdict } from '../stage.ts'

/** Fails where a stage or measure gives other columns than it declares, or columns of other arrays or of another length. `shown`: in tables. */
export function declared(columns: Readonly<Record<string, Column>>, schema: Schema, rows: number, shown = false): Batch {
  const given = Object.keys(columns).sort().join(', ')
  const wanted = Object.keys(schema).sort().join(', ')
  if (given !== wanted) throw new Error(`declares columns ${wanted || 'none'}; gives ${given || 'none'}`)
  for (const [name, field] of Object.entries(schema)) {
    const column = columns[name]
    checkArrays(name, column, field)
    const n = rowsOf(column, field)
    if (n !== rows) throw new Error(`column ${name} has ${n ?? 'no'} rows of ${rows}`)
    if (column.valid && column.valid.length !== rows) throw new Error(`column ${name} has ${column.valid.length} flags of ${rows} in valid`)
    checkValues(name, column, field, shown)
  }
  return batchOf(schema, rows, columns as Columns<Schema>)
}

/** What is copied is copied as bytes, so numbers of another kind of array would become others. */
function checkArrays(name: string, column: Column, field: Field): void {
  if (typeof column !== 'object' || column === null) throw new Error(`column ${name} is ${column}, expected its arrays`)
  const arrays = { values: layoutOf(field)?.array, bytes: Uint8Array, offsets: Int32Array, starts: Int32Array, valid: Uint8Array }
  for (const [part, array] of Object.entries(arrays)) {
    const given = (column as unknown as Partial<Record<string, object>>)[part]
    if (array && given !== undefined && !(given instanceof array))
      throw new Error(
        `column ${name} holds ${given?.constructor.name ?? given}${part === 'values' ? '' : ` as ${part}`}, expected ${array.name}`,
      )
  }
}

/** A number that is none would stop whoever trains on it, or make the loss nothing without a word; a label has its place in the list. */
function checkValues(name: string, column: Column, field: Field, shown: boolean): void {
  if (typeof field === 'object' && 'list' in field) {
    const { starts, items } = column as List
    declared(items?.columns ?? {}, field.list, starts[starts.length - 1], shown)
  } else if (typeof field === 'object' && 'labels' in field)
    refuse(name, column, value => value >= field.labels.length, `it has ${field.labels.length} labels, counted from 0`)
  else if (shown && (field === 'f32' || field === 'f64' || typeof field === 'object'))
    refuse(name, column, value => !Number.isFinite(value), 'where there is no number, set valid to 0', layoutOf(field)!.width)
}

function refuse(name: string, column: Column, isOdd: (value: number) => boolean, hint: string, width = 1): void {
  const { values, valid } = column as Numbers
  const odd = values.findIndex((value: number, i: number) => isOdd(value) && (valid === undefined || valid[Math.floor(i / width)] === 1))
  if (odd >= 0) throw new Error(`column ${name} holds ${values[odd]}; ${hint}`)
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
export function checkVerdict(verdict: Verdict, adds: Schema, reasons: number, rows: number): void {
  if (typeof verdict !== 'object' || verdict === null) throw new Error(`judge gives ${verdict}, expected an object: leave, add, or both`)
  const { add = {}, leave } = verdict
  declared(add as Readonly<Record<string, Column>>, adds, rows, true)
  if (leave === undefined) return
  if (!(leave instanceof Uint8Array)) throw new Error(`leave is ${(leave as object)?.constructor.name ?? leave}, expected Uint8Array`)
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
