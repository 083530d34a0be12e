/** The columns of a written table, and batches regrouped so that a file does not show how its caller cut them. */
import { type Batch, type Column, type Columns, type Field, layoutOf, rowBytes, type Schema, slice, type Valid } from '../batch.ts'
import { concat } from '../concat.ts'

/**
 * A column as written. Ids become 32 hex digits and labels text; 'bool' and 'i8' take a u8 column, 'i64' an i32 column, `struct` a Struct of
 * the same rows. Children of a list are required; those of a struct are if the struct is.
 */
export interface OutColumn {
  readonly name: string
  readonly field: OutField
  readonly required: boolean
}
export type OutField = Field | 'bool' | 'i8' | 'i64' | { readonly struct: Schema }

/** A column of structs: row i is row i of `items`. */
export interface Struct {
  readonly items: Batch
  readonly valid?: Valid
}
export interface OutBatch {
  readonly rows: number
  readonly columns: { readonly [name: string]: Column | Struct }
}

/** A group of rows as a plain batch: a struct `x` lies in it as the column `x` (u8, 1 where there is one) and `x.child` for each child. */
export type Group = Batch
export const childName = (struct: string, child: string): string => `${struct}.${child}`

/** What a table may be written as; the name is the extension of its files. */
export const outputFormats = ['parquet', 'arrow', 'jsonl', 'jsonl.gz', 'jsonl.zst'] as const
export type OutputFormat = (typeof outputFormats)[number]

/** Rows of a row group: with the pairs of a prompt kept together, the size at which Parquet files came out smallest. */
export const GROUP_ROWS = 8192

/** Bytes of text after which a group ends, so that long texts do not make one that no memory holds. */
export const GROUP_BYTES = 32 * 2 ** 20

/** Most rows and bytes of text of a row group. */
export interface GroupSize {
  readonly rows: number
  readonly bytes: number
}

/** Of a table whose rows are read one by one: a row costs a group. */
export const SMALL_GROUPS: GroupSize = { rows: 256, bytes: 2 ** 20 }

/** Cuts batches into groups of so many rows, or fewer where their text is longer; what is left over comes with `rest`. */
export class Regrouper {
  private readonly columns: readonly OutColumn[]
  private readonly schema: Schema
  private readonly most: GroupSize
  private pieces: Batch[] = []
  private rows = 0
  private bytes = 0
  constructor(columns: readonly OutColumn[], most: GroupSize) {
    this.columns = columns
    this.most = most
    this.schema = groupSchema(columns)
  }

  *push(batch: OutBatch): Iterable<Group> {
    const flat = flatten(batch, this.columns, this.schema)
    const sizes = rowBytes(flat)
    let from = 0
    for (let i = 0; i < flat.rows; i++) {
      const held = this.rows + i - from
      if (held === this.most.rows || (held > 0 && this.bytes + sizes[i] > this.most.bytes)) {
        this.hold(flat, from, i)
        yield* this.rest()
        from = i
      }
      this.bytes += sizes[i]
    }
    this.hold(flat, from, flat.rows)
    if (this.rows === this.most.rows) yield* this.rest()
  }

  private hold(batch: Batch, from: number, to: number): void {
    if (from === to) return
    this.pieces.push(slice(batch, from, to))
    this.rows += to - from
  }

  *rest(): Iterable<Group> {
    if (this.rows === 0) return
    const group = concat(this.schema, this.pieces)
    this.pieces = []
    this.rows = 0
    this.bytes = 0
    yield group
  }
}

function groupSchema(columns: readonly OutColumn[]): Schema {
  const schema: Record<string, Field> = {}
  for (const { name, field } of columns) {
    if (field === 'bool' || field === 'i8') schema[name] = 'u8'
    else if (field === 'i64') schema[name] = 'i32'
    else if (typeof field === 'object' && 'struct' in field) {
      schema[name] = 'u8'
      for (const [child, type] of Object.entries(field.struct)) schema[childName(name, child)] = type
    } else schema[name] = field
  }
  return schema
}

function flatten(batch: OutBatch, columns: readonly OutColumn[], schema: Schema): Batch {
  const flat: Record<string, Column> = {}
  for (const { name, field, required } of columns) {
    const column = batch.columns[name]
    if (!column) throw new Error(`column ${name}: missing`)
    if (required && column.valid?.subarray(0, batch.rows).includes(0)) throw new Error(`column ${name}: null in a column without nulls`)
    if (!isStruct(column)) {
      flat[name] = column
      continue
    }
    if (typeof field !== 'object' || !('struct' in field)) throw new Error(`column ${name}: a struct where ${JSON.stringify(field)} is due`)
    flat[name] = { values: column.valid ?? new Uint8Array(batch.rows).fill(1) }
    for (const child of Object.keys(field.struct)) flat[childName(name, child)] = column.items.columns[child] as Column
  }
  for (const [name, field] of Object.entries(schema))
    if (!isOf(flat[name], field)) throw new Error(`column ${name}: is not ${JSON.stringify(field)}`)
  return { schema, rows: batch.rows, columns: flat as unknown as Columns<Schema> }
}

/** A list has `items` too, but `starts` beside them. */
const isStruct = (column: Column | Struct): column is Struct => 'items' in column && !('starts' in column)

/** Whether a column holds arrays of its field's type; of another one the encoders would write the bytes as they are. */
function isOf(column: Column | undefined, field: Field): boolean {
  if (!column) return false
  if (field === 'utf8') return 'offsets' in column
  if (field === 'id') return 'bytes' in column && !('offsets' in column)
  const layout = layoutOf(field)
  if (layout) return 'values' in column && column.values instanceof layout.array
  return (
    'starts' in column &&
    Object.entries((field as { list: Schema }).list).every(([name, child]) => isOf(column.items.columns[name] as Column, child))
  )
}
