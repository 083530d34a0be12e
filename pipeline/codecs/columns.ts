/**
 * The store's own table form: a JSON header, then the columns' buffers as they lie in memory, each on an 8-byte boundary. Reading is a view,
 * not a parse.
 */
import { type Batch, type Column, type Columns, type Field, type List, layoutOf, type NumberArray, type Schema } from '../batch.ts'

interface Header {
  readonly schema: Schema
  readonly rows: number
  readonly buffers: readonly (readonly [number, number])[]
  readonly nodes: readonly Node[]
}

/** One column: indexes of its buffers (-1 = none), and for lists the child batch. */
interface Node {
  readonly buffers: readonly number[]
  readonly items?: { readonly rows: number; readonly nodes: readonly Node[] }
}

const align = (n: number): number => (n + 7) & ~7
const bytesOf = (array: NumberArray): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

/** The batch as pieces to be written one after another. */
export function encodeBatch(batch: Batch): Uint8Array[] {
  const buffers: Uint8Array[] = []
  const nodes = encodeColumns(batch, buffers)
  const places: [number, number][] = []
  let at = 0
  for (const buffer of buffers) {
    places.push([at, buffer.byteLength])
    at = align(at + buffer.byteLength)
  }
  const header: Header = { schema: batch.schema, rows: batch.rows, buffers: places, nodes }
  const json = Buffer.from(JSON.stringify(header))
  const head = new Uint8Array(align(8 + json.length)).fill(32)
  new DataView(head.buffer).setUint32(0, json.length, true)
  head.set(json, 8)
  return [head, ...buffers.flatMap(buffer => [buffer, new Uint8Array(align(buffer.byteLength) - buffer.byteLength)])].filter(
    p => p.byteLength > 0,
  )
}

function encodeColumns(batch: Batch, buffers: Uint8Array[]): Node[] {
  const push = (array: NumberArray | undefined): number => (array ? buffers.push(bytesOf(array)) - 1 : -1)
  return Object.keys(batch.schema).map(name => {
    const column = batch.columns[name] as Column
    const valid = push(column.valid?.subarray(0, batch.rows))
    if ('offsets' in column) return { buffers: [valid, push(rebased(column.offsets, batch.rows)), push(textBytes(column, batch.rows))] }
    if ('starts' in column) {
      const items = column.items
      return {
        buffers: [valid, push(column.starts.subarray(0, batch.rows + 1))],
        items: { rows: items.rows, nodes: encodeColumns(items, buffers) },
      }
    }
    return { buffers: [valid, push('values' in column ? column.values : column.bytes)] }
  })
}

const textBytes = (column: { bytes: Uint8Array; offsets: Int32Array }, rows: number): Uint8Array =>
  column.bytes.subarray(column.offsets[0], column.offsets[rows])

function rebased(offsets: Int32Array, rows: number): Int32Array {
  const first = offsets[0]
  return first === 0 ? offsets.subarray(0, rows + 1) : offsets.slice(0, rows + 1).map(offset => offset - first)
}

/** The batch that lies in `bytes`; its columns are views of them. */
export function decodeBatch(bytes: Uint8Array): Batch {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  const header = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + 8, length).toString()) as Header
  const base = align(8 + length)
  const buffer = (i: number): Uint8Array => {
    const [offset, size] = header.buffers[i]
    return bytes.subarray(base + offset, base + offset + size)
  }
  return decodeColumns(header.schema, header.rows, header.nodes, buffer)
}

function decodeColumns(schema: Schema, rows: number, nodes: readonly Node[], buffer: (i: number) => Uint8Array): Batch {
  const columns = Object.entries(schema).map(([name, field], i) => [name, decodeColumn(field, nodes[i], buffer)])
  return { schema, rows, columns: Object.fromEntries(columns) as Columns<Schema> }
}

function decodeColumn(field: Field, node: Node, buffer: (i: number) => Uint8Array): Column {
  const [validAt, first, second] = node.buffers
  const valid = validAt < 0 ? undefined : buffer(validAt)
  if (field === 'utf8') return { offsets: int32(buffer(first)), bytes: buffer(second), valid }
  if (field === 'id') return { bytes: buffer(first), valid }
  const layout = layoutOf(field)
  if (layout) {
    const raw = buffer(first)
    const values = new (layout.array as unknown as new (b: ArrayBufferLike, o: number, n: number) => NumberArray)(
      raw.buffer,
      raw.byteOffset,
      raw.byteLength / layout.array.prototype.BYTES_PER_ELEMENT,
    )
    return { values, valid }
  }
  const items = decodeColumns((field as { list: Schema }).list, node.items!.rows, node.items!.nodes, buffer)
  return { starts: int32(buffer(first)), items, valid } as List
}

const int32 = (raw: Uint8Array): Int32Array => new Int32Array(raw.buffer, raw.byteOffset, raw.byteLength / 4)
