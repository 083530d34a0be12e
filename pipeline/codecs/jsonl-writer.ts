/** JSON Lines: one object a row, its keys in the order of the columns, UTF-8 copied as bytes. Float32 in the fewest digits that read back. */
import { type Column, type Field, type Ids, isValid, type List, type Numbers, type Schema, type Utf8 } from '../batch.ts'
import { childName, type Group, type OutColumn, type OutField } from './out-columns.ts'
import type { Emit, Encoder } from './table-writer.ts'

type WriteCell = (row: number) => void

const FLUSH_BYTES = 1 << 20

export function openJsonlEncoder(columns: readonly OutColumn[], emit: Emit): Encoder {
  const out = new JsonBytes()
  return {
    group_rows: 1024,
    write(group) {
      const cells = columns.map(column => groupCell(out, column, group))
      const row = objectCell(
        out,
        columns.map(c => c.name),
        cells,
      )
      for (let i = 0; i < group.rows; i++) {
        row(i)
        out.ascii('\n')
        if (out.length >= FLUSH_BYTES) out.flush(emit)
      }
      out.flush(emit)
    },
    close() {},
  }
}

function groupCell(out: JsonBytes, { name, field }: OutColumn, group: Group): WriteCell {
  const column = group.columns[name] as Column
  if (typeof field !== 'object' || !('struct' in field)) return cellOf(out, column, field)
  const names = Object.keys(field.struct)
  const present = (column as Numbers).values
  const cells = names.map(child => cellOf(out, group.columns[childName(name, child)] as Column, field.struct[child]))
  const object = objectCell(out, names, cells)
  return i => (present[i] ? object(i) : out.ascii('null'))
}

function objectCell(out: JsonBytes, names: readonly string[], cells: readonly WriteCell[]): WriteCell {
  const heads = names.map((name, k) => Buffer.from(`${k === 0 ? '{' : ','}${JSON.stringify(name)}:`))
  return i => {
    for (let k = 0; k < cells.length; k++) {
      out.raw(heads[k])
      cells[k](i)
    }
    out.ascii('}')
  }
}

function cellOf(out: JsonBytes, column: Column, field: OutField): WriteCell {
  const write = valueCell(out, column, field)
  if (!column.valid) return write
  return i => (isValid(column, i) ? write(i) : out.ascii('null'))
}

function valueCell(out: JsonBytes, column: Column, field: OutField): WriteCell {
  if (field === 'utf8') {
    const { bytes, offsets } = column as Utf8
    return i => out.quoted(bytes, offsets[i], offsets[i + 1])
  }
  if (field === 'id') return i => out.hex((column as Ids).bytes, i * 16)
  if (typeof field === 'object' && 'list' in field) return listCell(out, column as List, field.list)
  const { values } = column as Numbers
  if (typeof field === 'object' && 'labels' in field) {
    const texts = field.labels.map(label => Buffer.from(JSON.stringify(label)))
    return i => out.raw(texts[values[i]])
  }
  if (field === 'bool') return i => out.ascii(values[i] ? 'true' : 'false')
  if (field === 'f32') return i => out.ascii(shortest(values[i]))
  return i => out.ascii(JSON.stringify(values[i]))
}

function listCell(out: JsonBytes, { starts, items }: List, schema: Schema): WriteCell {
  const names = Object.keys(schema)
  const item = objectCell(
    out,
    names,
    names.map(name => cellOf(out, items.columns[name] as Column, schema[name] as Field)),
  )
  return i => {
    out.ascii('[')
    for (let k = starts[i]; k < starts[i + 1]; k++) {
      if (k > starts[i]) out.ascii(',')
      item(k)
    }
    out.ascii(']')
  }
}

/** 7 digits are enough for most float32, 9 for all. NaN has no form in JSON and becomes null. */
function shortest(value: number): string {
  if (!Number.isFinite(value)) return 'null'
  if (Number.isInteger(value)) return JSON.stringify(value)
  for (let digits = 7; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return String(short)
  }
  return String(Number(value.toPrecision(9)))
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const DIGITS = Buffer.from('0123456789abcdef')
/** What a byte becomes in a JSON string, where it may not stand as it is. */
const ESCAPES = Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte === QUOTE || byte === BACKSLASH ? Buffer.from(JSON.stringify(String.fromCharCode(byte)).slice(1, -1)) : undefined,
)

/** A buffer that grows. */
class JsonBytes {
  private buffer = Buffer.allocUnsafe(2 * FLUSH_BYTES)
  length = 0

  flush(emit: Emit): void {
    if (this.length > 0) emit(this.buffer.subarray(0, this.length))
    this.length = 0
  }

  ascii(text: string): void {
    this.reserve(text.length)
    for (let i = 0; i < text.length; i++) this.buffer[this.length++] = text.charCodeAt(i)
  }

  raw(bytes: Uint8Array, from = 0, to = bytes.length): void {
    this.reserve(to - from)
    this.buffer.set(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to), this.length)
    this.length += to - from
  }

  quoted(bytes: Uint8Array, from: number, to: number): void {
    this.ascii('"')
    let start = from
    for (let i = from; i < to; i++) {
      const escaped = ESCAPES[bytes[i]]
      if (!escaped) continue
      this.raw(bytes, start, i)
      this.raw(escaped)
      start = i + 1
    }
    this.raw(bytes, start, to)
    this.ascii('"')
  }

  hex(bytes: Uint8Array, from: number): void {
    this.ascii('"')
    this.reserve(32)
    for (let i = from; i < from + 16; i++) {
      this.buffer[this.length++] = DIGITS[bytes[i] >> 4]
      this.buffer[this.length++] = DIGITS[bytes[i] & 15]
    }
    this.ascii('"')
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.length + bytes))
    larger.set(this.buffer.subarray(0, this.length))
    this.buffer = larger
  }
}
