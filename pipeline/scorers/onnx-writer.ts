/** Writes ONNX graphs: the protobuf of onnx.proto as far as goldpan's own models need it (ir 8, opset 17). */

const IR = 8
const OPSET = 17
export const FLOAT = 1
export const INT64 = 7
export const FLOAT16 = 10

type Message = readonly Uint8Array[]

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value & 0x7f) | 0x80)
  return Uint8Array.from([...bytes, value])
}

/** Ten bytes, as the format wants for numbers below 0. */
const signedVarint = (value: number): Uint8Array => {
  let rest = BigInt.asUintN(64, BigInt(value))
  const bytes: number[] = []
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Uint8Array.from([...bytes, Number(rest)])
}

const int = (field: number, value: number): Message => [varint(field << 3), value < 0 ? signedVarint(value) : varint(value)]
const float = (field: number, value: number): Message => [varint((field << 3) | 5), new Uint8Array(Float32Array.of(value).buffer)]
const bytes = (field: number, value: Uint8Array): Message => [varint((field << 3) | 2), varint(value.length), value]
const text = (field: number, value: string): Message => bytes(field, new TextEncoder().encode(value))
const message = (field: number, parts: Message): Message => [
  varint((field << 3) | 2),
  varint(parts.reduce((n, part) => n + part.length, 0)),
  ...parts,
]

/** One part of a graph, ready to be written. */
export interface Written {
  readonly parts: Message
}

/** `floats` are written as floats also where they are whole. */
export interface Attributes {
  readonly ints?: Readonly<Record<string, number | readonly number[]>>
  readonly floats?: Readonly<Record<string, number>>
}

/** One operator. */
export function node(op: string, inputs: readonly string[], outputs: string | readonly string[], attributes: Attributes = {}): Written {
  const named: Message[] = [
    ...Object.entries(attributes.ints ?? {}).map(([name, value]) =>
      typeof value === 'number'
        ? [...text(1, name), ...int(3, value), ...int(20, 2)]
        : [...text(1, name), ...value.flatMap(v => int(8, v)), ...int(20, 7)],
    ),
    ...Object.entries(attributes.floats ?? {}).map(([name, value]) => [...text(1, name), ...float(2, value), ...int(20, 1)]),
  ]
  const parts = [
    ...inputs.flatMap(input => text(1, input)),
    ...[outputs].flat().flatMap(output => text(2, output)),
    ...text(4, op),
    ...named.flatMap(attribute => message(5, attribute)),
  ]
  return { parts: message(1, parts) }
}

/** Weights of a graph by name. */
export function tensor(name: string, dims: readonly number[], values: Float32Array | BigInt64Array): Written {
  const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  const type = values instanceof Float32Array ? FLOAT : INT64
  return { parts: message(5, [...dims.flatMap(dim => int(1, dim)), ...int(2, type), ...text(8, name), ...bytes(9, raw)]) }
}

const valueInfo = (field: number, name: string, type: number, dims: readonly (string | number)[]): Written => {
  const shape = dims.flatMap(dim => message(1, typeof dim === 'number' ? int(1, dim) : text(2, dim)))
  const tensorType = message(1, [...int(1, type), ...message(2, shape)])
  return { parts: message(field, [...text(1, name), ...message(2, tensorType)]) }
}

/** What goes into a graph; dims that are names vary. */
export const input = (name: string, type: number, dims: readonly (string | number)[]): Written => valueInfo(11, name, type, dims)
/** What comes out of it. */
export const output = (name: string, type: number, dims: readonly (string | number)[]): Written => valueInfo(12, name, type, dims)

/** The bytes of a model.onnx. */
export function modelOf(name: string, graph: readonly Written[]): Buffer {
  const body = [...graph.flatMap(part => part.parts), ...text(2, name)]
  return Buffer.concat([...int(1, IR), ...text(2, 'goldpan'), ...message(7, body), ...message(8, [...text(1, ''), ...int(2, OPSET)])])
}
