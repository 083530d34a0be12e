/** Batches of columns in Arrow's layout: the only shape in which rows move through goldpan. */

/** The type of one column. `labels` is stored as one byte, an index into the list; `vector` holds n float32 a row. */
export type Field =
  | 'utf8'
  | 'id'
  | 'u8'
  | 'i32'
  | 'f32'
  | 'f64'
  | { readonly vector: number }
  | { readonly labels: readonly string[] }
  | { readonly list: Schema }

export interface Schema {
  readonly [name: string]: Field
}

/** One byte a row, 0 where the value is null; absent = no nulls. */
export type Valid = Uint8Array | undefined

/** A text column: row i is bytes[offsets[i] .. offsets[i + 1]). offsets need not start at 0. */
export interface Utf8 {
  readonly bytes: Uint8Array
  readonly offsets: Int32Array
  readonly valid?: Valid
}

/** 128-bit ids, 16 bytes a row. */
export interface Ids {
  readonly bytes: Uint8Array
  readonly valid?: Valid
}

/** Numbers, `vector` columns included (row i is values[i * n .. (i + 1) * n)). */
export interface Numbers<A extends NumberArray = NumberArray> {
  readonly values: A
  readonly valid?: Valid
}
export type NumberArray = Uint8Array | Int32Array | Float32Array | Float64Array

/** A list column: row i is the child rows starts[i] .. starts[i + 1]). */
export interface List<S extends Schema = Schema> {
  readonly starts: Int32Array
  readonly items: Batch<S>
  readonly valid?: Valid
}

export type ColumnOf<F extends Field> = F extends 'utf8'
  ? Utf8
  : F extends 'id'
    ? Ids
    : F extends 'u8' | { readonly labels: readonly string[] }
      ? Numbers<Uint8Array>
      : F extends 'i32'
        ? Numbers<Int32Array>
        : F extends 'f32' | { readonly vector: number }
          ? Numbers<Float32Array>
          : F extends 'f64'
            ? Numbers<Float64Array>
            : F extends { readonly list: infer S extends Schema }
              ? List<S>
              : never
export type Column = Utf8 | Ids | Numbers | List
/** The columns of a schema; of a schema that is known only at run time, any. */
export type Columns<S extends Schema> = string extends keyof S
  ? { readonly [name: string]: Column }
  : { readonly [K in keyof S]: ColumnOf<S[K]> }

// @ts-expect-error the compiler cannot see through Columns that a batch of a schema is also a batch of some schema
export interface Batch<out S extends Schema = Schema> {
  readonly schema: S
  readonly rows: number
  readonly columns: Columns<S>
}

/** A conversation's turns. */
export const roles = ['system', 'user', 'assistant', 'tool'] as const
export const turnsOf = { list: { role: { labels: roles }, content: 'utf8' } } as const
export type Turns = List<(typeof turnsOf)['list']>

export const batchOf = <const S extends Schema>(schema: S, rows: number, columns: Columns<S>): Batch<S> => ({ schema, rows, columns })

/** A batch's columns under the types of a schema that the engine has checked it to hold. */
export const columnsOf = <const S extends Schema>(batch: Batch, _schema: S): Columns<S> => batch.columns as unknown as Columns<S>

/** The text of each row of turns as one text column, turns of a row laid end to end. Shares the bytes. */
export function textsOf(turns: Turns, rows: number): Utf8 {
  const { bytes, offsets: ends } = turns.items.columns.content
  const offsets = new Int32Array(rows + 1)
  for (let i = 0; i <= rows; i++) offsets[i] = ends[turns.starts[i]]
  return { bytes, offsets }
}

/** One turn as it is given; `role` is the place among `roles`. */
export interface GivenTurn {
  readonly role: number
  readonly content: string
}

/** Conversations given message by message, one a row. */
export function turnsColumn(rows: readonly (readonly GivenTurn[])[]): Turns {
  const turns = rows.flat()
  const role = { values: Uint8Array.from(turns, turn => turn.role) }
  return listOf(
    rows.map(row => row.length),
    batchOf(turnsOf.list, turns.length, { role, content: utf8Of(turns.map(turn => turn.content)) }),
  )
}

/** Bytes of text a row, over all columns of text and of lists with text. */
export function rowBytes({ schema, rows, columns }: Batch): Float64Array {
  const bytes = new Float64Array(rows)
  for (const name of Object.keys(schema)) {
    const column = columns[name] as Column
    if ('offsets' in column) addSizes(bytes, column.offsets)
    if (!('starts' in column)) continue
    for (const item of Object.values(column.items.columns) as Column[])
      if ('offsets' in item) addListSizes(bytes, column.starts, item.offsets)
  }
  return bytes
}

function addSizes(bytes: Float64Array, offsets: Int32Array): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] += offsets[i + 1] - offsets[i]
}

function addListSizes(bytes: Float64Array, starts: Int32Array, offsets: Int32Array): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] += offsets[starts[i + 1]] - offsets[starts[i]]
}

/** Bytes that may hold anything, for whoever writes them all: `new Uint8Array` clears its memory first, which took 5 of 100 seconds of `publish`. */
export const uninitialised = (bytes: number): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer as ArrayBuffer)

/** Whether row i of a column holds a value. */
export const isValid = (column: { readonly valid?: Valid }, i: number): boolean => column.valid === undefined || column.valid[i] === 1

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/** Row i as a string ('' for null). A leading U+FEFF is kept. */
export const stringAt = (column: Utf8, i: number): string => decoder.decode(column.bytes.subarray(column.offsets[i], column.offsets[i + 1]))

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

/** Row i of an id column as 32 hex digits. */
export function hexAt(column: Ids, i: number): string {
  let hex = ''
  for (let k = i * 16; k < i * 16 + 16; k++) hex += HEX[column.bytes[k]]
  return hex
}

/** Builds a text column from strings; null becomes a null row. */
export function utf8Of(strings: readonly (string | null)[]): Utf8 {
  const parts = strings.map(s => encoder.encode(s ?? ''))
  const offsets = new Int32Array(parts.length + 1)
  for (let i = 0; i < parts.length; i++) offsets[i + 1] = offsets[i] + parts[i].length
  const bytes = new Uint8Array(offsets[parts.length])
  for (let i = 0; i < parts.length; i++) bytes.set(parts[i], offsets[i])
  return strings.includes(null) ? { bytes, offsets, valid: Uint8Array.from(strings, s => (s === null ? 0 : 1)) } : { bytes, offsets }
}

/** Builds a list column from rows of child rows' counts and the child batch laid end to end. */
export function listOf<S extends Schema>(counts: ArrayLike<number>, items: Batch<S>): List<S> {
  const starts = new Int32Array(counts.length + 1)
  for (let i = 0; i < counts.length; i++) starts[i + 1] = starts[i] + counts[i]
  return { starts, items }
}

type Typed = new (length: number) => NumberArray

/** The typed array of a number-like field, and how many values a row has. */
export function layoutOf(field: Field): { array: Typed; width: number } | undefined {
  if (field === 'u8') return { array: Uint8Array, width: 1 }
  if (field === 'i32') return { array: Int32Array, width: 1 }
  if (field === 'f32') return { array: Float32Array, width: 1 }
  if (field === 'f64') return { array: Float64Array, width: 1 }
  if (typeof field === 'object' && 'labels' in field) return { array: Uint8Array, width: 1 }
  if (typeof field === 'object' && 'vector' in field) return { array: Float32Array, width: field.vector }
  return undefined
}

/** A column of `rows` nulls. */
export function nulls(field: Field, rows: number): Column {
  const valid = new Uint8Array(rows)
  if (field === 'utf8') return { bytes: new Uint8Array(0), offsets: new Int32Array(rows + 1), valid }
  if (field === 'id') return { bytes: new Uint8Array(rows * 16), valid }
  const layout = layoutOf(field)
  if (layout) return { values: new layout.array(rows * layout.width), valid }
  const { list } = field as { list: Schema }
  return { starts: new Int32Array(rows + 1), items: emptyBatch(list), valid }
}

export const emptyBatch = <S extends Schema>(schema: S): Batch<S> => {
  const columns = Object.fromEntries(
    Object.entries(schema).map(([name, field]) => {
      const { valid: _, ...column } = nulls(field, 0)
      return [name, column]
    }),
  )
  return { schema, rows: 0, columns: columns as unknown as Columns<S> }
}

/** Row ranges of a batch as views: no text is copied. */
export function slice<S extends Schema>(batch: Batch<S>, from: number, to: number): Batch<S> {
  const columns = mapColumns(batch, (column, field) => sliceColumn(column, field, from, to))
  return { schema: batch.schema, rows: to - from, columns }
}

function sliceColumn(column: Column, field: Field, from: number, to: number): Column {
  const valid = column.valid?.subarray(from, to)
  if ('offsets' in column) return { bytes: column.bytes, offsets: column.offsets.subarray(from, to + 1), valid }
  if ('starts' in column) return { ...sliceList(column, from, to), valid }
  const width = field === 'id' ? 16 : layoutOf(field)!.width
  if ('values' in column) return { values: column.values.subarray(from * width, to * width), valid }
  return { bytes: column.bytes.subarray(from * width, to * width), valid }
}

/** Child rows are cut too, so that what is remembered about a batch's text (its tokens, say) is of that batch alone. */
function sliceList(column: List, from: number, to: number): List {
  const first = column.starts[from]
  const starts = column.starts.slice(from, to + 1)
  for (let i = 0; i < starts.length; i++) starts[i] -= first
  return { starts, items: slice(column.items, first, column.starts[to]) }
}

function mapColumns<S extends Schema>(batch: Batch<S>, f: (column: Column, field: Field) => Column): Columns<S> {
  const mapped = Object.entries(batch.schema).map(([name, field]) => [name, f(batch.columns[name] as Column, field)])
  return Object.fromEntries(mapped) as unknown as Columns<S>
}

/** A batch with only the named columns. */
export function select(batch: Batch, names: Iterable<string>): Batch {
  const kept = [...names]
  return {
    schema: Object.fromEntries(kept.map(name => [name, batch.schema[name]])),
    rows: batch.rows,
    columns: Object.fromEntries(kept.map(name => [name, batch.columns[name]])),
  }
}

/** Two batches of the same rows side by side; columns of `b` win. */
export const beside = (a: Batch, b: Batch): Batch => ({
  schema: { ...a.schema, ...b.schema },
  rows: a.rows,
  columns: { ...a.columns, ...b.columns },
})
