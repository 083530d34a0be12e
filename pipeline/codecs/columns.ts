/**
 * The store's own table form: a JSON header, then the columns' buffers as they lie in memory, each on an 8-byte boundary. Reading is a view,
 * not a parse.
 */
import { type Batch, type Column, type Columns, type Field, type List, layoutOf, type NumberArray, type Schema } from '../batch.ts'
import { gather } from '../gather.ts'

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

const headerSize = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)

const headerOf = (bytes: Uint8Array): Header =>
  JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + 8, headerSize(bytes)).toString()) as Header

/** The batch that lies in `bytes`; its columns are views of them. */
export function decodeBatch(bytes: Uint8Array): Batch {
  const header = headerOf(bytes)
  const base = align(8 + headerSize(bytes))
  const buffer = (i: number): Uint8Array => {
    const [offset, size] = header.buffers[i]
    return bytes.subarray(base + offset, base + offset + size)
  }
  return decodeColumns(header.schema, header.rows, header.nodes, buffer)
}

/** What an encoded batch is read from in part: `load` fills `bytes` from .. to, for every from and to. */
export interface PartialBytes {
  readonly bytes: Uint8Array
  load(from: ArrayLike<number>, to: ArrayLike<number>): void
}

/** Rows `rows` of the batch that lies in `source`, copied in that order; of text only what they hold is loaded. */
export function decodeRows(source: PartialBytes, rows: Int32Array): Batch {
  const { bytes } = source
  const base = loadHeader(source)
  const { buffers, nodes } = headerOf(bytes)
  const texts = new Set(nodes.flatMap(textBuffers))
  const others = buffers.filter((_, i) => !texts.has(i))
  source.load(
    others.map(([offset]) => base + offset),
    others.map(([offset, size]) => base + offset + size),
  )
  const batch = decodeBatch(bytes)
  for (const name of Object.keys(batch.schema)) loadTexts(source, batch.columns[name] as Column, rows, rows)
  return gather(batch, rows)
}

/** Rows from .. to of the batch that lies in `source`, copied; of every column only what they hold is loaded. */
export function decodeRange(source: PartialBytes, from: number, to: number): Batch {
  loadHeader(source)
  return rangeOf(source, decodeBatch(source.bytes), from, to)
}

/** Loads the header, and gives where what it tells of begins. */
function loadHeader(source: PartialBytes): number {
  source.load([0], [8])
  const base = align(8 + headerSize(source.bytes))
  source.load([8], [base])
  return base
}

function rangeOf(source: PartialBytes, { schema, columns }: Batch, from: number, to: number): Batch {
  const copied = Object.entries(schema).map(([name, field]) => [name, columnRange(source, columns[name] as Column, field, from, to)])
  return { schema, rows: to - from, columns: Object.fromEntries(copied) }
}

function columnRange(source: PartialBytes, column: Column, field: Field, from: number, to: number): Column {
  const copy = <A extends NumberArray>(array: A, first: number, last: number): A => {
    const at = array.byteOffset - source.bytes.byteOffset
    source.load([at + first * array.BYTES_PER_ELEMENT], [at + last * array.BYTES_PER_ELEMENT])
    return array.slice(first, last) as A
  }
  const valid = column.valid && copy(column.valid, from, to)
  if ('offsets' in column) {
    const offsets = copy(column.offsets, from, to + 1)
    return { offsets: rebased(offsets, to - from), bytes: copy(column.bytes, offsets[0], offsets[to - from]), valid }
  }
  if ('starts' in column) {
    const starts = copy(column.starts, from, to + 1)
    return { starts: rebased(starts, to - from), items: rangeOf(source, column.items, starts[0], starts[to - from]), valid }
  }
  const width = field === 'id' ? 16 : layoutOf(field)!.width
  if ('values' in column) return { values: copy(column.values, from * width, to * width), valid }
  return { bytes: copy(column.bytes, from * width, to * width), valid }
}

/** Which buffers of a column hold text: the last of three. */
const textBuffers = ({ buffers, items }: Node): number[] => [
  ...(buffers.length === 3 ? [buffers[2]] : []),
  ...(items?.nodes ?? []).flatMap(textBuffers),
]

/** Loads the text of rows first[i] .. last[i], both included, of a column. */
function loadTexts(source: PartialBytes, column: Column, first: Int32Array, last: Int32Array): void {
  if ('starts' in column) {
    const from = first.map(row => column.starts[row])
    const to = last.map(row => column.starts[row + 1] - 1)
    for (const name of Object.keys(column.items.schema)) loadTexts(source, column.items.columns[name] as Column, from, to)
  } else if ('offsets' in column) {
    const at = column.bytes.byteOffset - source.bytes.byteOffset
    source.load(
      first.map(row => at + column.offsets[row]),
      last.map(row => at + column.offsets[row + 1]),
    )
  }
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
