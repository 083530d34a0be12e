/** Columns as Arrow data, their text not copied, and the Arrow IPC file. */
import {
  Field as ArrowField,
  List as ArrowList,
  Schema as ArrowSchema,
  Struct as ArrowStruct,
  Utf8 as ArrowUtf8,
  Bool,
  type Data,
  type DataType,
  Float32,
  Float64,
  Int8,
  Int32,
  Int64,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Uint8,
} from 'apache-arrow'
import type { Column, Ids, List, NumberArray, Numbers, Schema, Utf8, Valid } from '../batch.ts'
import { gatherColumn } from '../gather.ts'
import { childName, GROUP_ROWS, type Group, type OutColumn, type OutField } from './out-columns.ts'
import type { Emit, Encoder } from './table-writer.ts'
import { hexOf, labelsOf } from './written-text.ts'

/** The Arrow IPC file, a record batch a group. */
export function openArrowEncoder(columns: readonly OutColumn[], emit: Emit): Encoder {
  const schema = arrowSchema(columns)
  const file = new ArrowFile(emit)
  return { group_rows: GROUP_ROWS, write: group => file.write(recordBatchOf(schema, columns, group)), close: () => file.close() }
}

/** Hands its bytes on as they are made; the library's own sink would hold the whole file. */
class ArrowFile extends RecordBatchFileWriter {
  private readonly emit: Emit
  constructor(emit: Emit) {
    super()
    this.emit = emit
  }

  protected override _write(chunk: ArrayBufferView): this {
    if (!this._started || chunk.byteLength === 0) return this
    this.emit(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    this._position += chunk.byteLength
    return this
  }
}

/** The Arrow types of the columns: plain utf8, never a dictionary; a list's child is called `element`. */
const arrowSchema = (columns: readonly OutColumn[]): ArrowSchema =>
  new ArrowSchema(columns.map(({ name, field, required }) => new ArrowField(name, arrowType(field, required), !required)))

const NUMBERS = { u8: Uint8, i8: Int8, i32: Int32, i64: Int64, f32: Float32, f64: Float64, bool: Bool } as const

function arrowType(field: OutField, required: boolean): DataType {
  if (field === 'utf8' || field === 'id') return new ArrowUtf8()
  if (typeof field === 'string') return new NUMBERS[field]()
  if ('labels' in field) return new ArrowUtf8()
  if ('list' in field) return new ArrowList(new ArrowField('element', structType(field.list, true), false))
  if ('struct' in field) return structType(field.struct, required)
  throw new Error('vector columns are not written')
}

const structType = (schema: Schema, required: boolean): ArrowStruct =>
  new ArrowStruct(Object.entries(schema).map(([name, field]) => new ArrowField(name, arrowType(field, required), !required)))

/** A group as one record batch. What lies under a null is written as zeros or nothing, so that equal rows are equal bytes. */
function recordBatchOf(schema: ArrowSchema, columns: readonly OutColumn[], group: Group): RecordBatch {
  const children = columns.map(({ name, field, required }) => {
    if (typeof field === 'object' && 'struct' in field) return structData(name, field.struct, required, group)
    return dataOf(group.columns[name] as Column, field, group.rows)
  })
  return new RecordBatch(schema, makeData({ type: new ArrowStruct(schema.fields), length: group.rows, children }))
}

function structData(name: string, schema: Schema, required: boolean, group: Group): Data {
  const present = (group.columns[name] as Numbers<Uint8Array>).values
  const children = Object.entries(schema).map(([child, field]) => {
    const column = group.columns[childName(name, child)] as Column
    const valid = column.valid ? present.map((one, i) => one & column.valid![i]) : present
    return dataOf({ ...column, valid }, field, group.rows)
  })
  return makeData({ type: structType(schema, required), length: group.rows, children, ...nullsOf(present, group.rows) })
}

function dataOf(raw: Column, field: OutField, length: number): Data {
  const nulls = nullsOf(raw.valid, length)
  const column = nulls.nullCount > 0 ? blanked(raw, field, length) : raw
  const valid = nulls.nullCount > 0 ? raw.valid : undefined
  if (field === 'utf8') return textData(column as Utf8, length, nulls)
  if (field === 'id') return textData(hexOf(column as Ids, valid, length), length, nulls)
  if (typeof field === 'object') {
    if ('labels' in field) return textData(labelsOf(column as Numbers<Uint8Array>, field.labels, valid, length), length, nulls)
    if ('list' in field) return listData(column as List, field.list, length, nulls)
  }
  return makeData({ type: arrowType(field, true) as Float64, length, data: numbersAs(field, column as Numbers) as Float64Array, ...nulls })
}

function numbersAs(field: OutField, { values }: Numbers): NumberArray | Int8Array | BigInt64Array {
  if (field === 'bool') return bitsOf(values as Uint8Array, values.length)
  if (field === 'i8') return Int8Array.from(values)
  if (field === 'i64') return BigInt64Array.from(values as Int32Array, BigInt)
  return values
}

/** The column with nothing under its nulls. */
function blanked(column: Column, field: OutField, rows: number): Column {
  const index = Int32Array.from({ length: rows }, (_, i) => (column.valid![i] ? i : -1))
  const stored = field === 'bool' || field === 'i8' ? 'u8' : field === 'i64' ? 'i32' : field
  if (typeof stored === 'object' && 'struct' in stored) throw new Error('a struct within a struct is not written')
  return gatherColumn(column, stored, index)
}

interface Nulls {
  readonly nullCount: number
  readonly nullBitmap?: Uint8Array
}

function nullsOf(valid: Valid, rows: number): Nulls {
  if (!valid) return { nullCount: 0 }
  let count = 0
  for (let i = 0; i < rows; i++) count += valid[i]
  return count === rows ? { nullCount: 0 } : { nullCount: rows - count, nullBitmap: bitsOf(valid, rows) }
}

function bitsOf(flags: Uint8Array, rows: number): Uint8Array {
  const bits = new Uint8Array((rows + 7) >> 3)
  for (let i = 0; i < rows; i++) if (flags[i]) bits[i >> 3] |= 1 << (i & 7)
  return bits
}

function textData({ bytes, offsets }: Utf8, length: number, nulls: Nulls): Data {
  const first = offsets[0]
  const valueOffsets = first === 0 ? offsets : offsets.map(offset => offset - first)
  return makeData({ type: new ArrowUtf8(), length, data: bytes.subarray(first, offsets[length]), valueOffsets, ...nulls })
}

function listData({ starts, items }: List, schema: Schema, length: number, nulls: Nulls): Data {
  const children = Object.entries(schema).map(([name, field]) => dataOf(items.columns[name] as Column, field, items.rows))
  const type = arrowType({ list: schema }, true) as ArrowList
  const child = makeData({ type: structType(schema, true), length: items.rows, children })
  return makeData({ type, length, valueOffsets: starts, child, ...nulls })
}
