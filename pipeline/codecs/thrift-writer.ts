/** Thrift's compact protocol, as far as Parquet's footer and page headers need it. */
import { GrowingBytes } from './growing-bytes.ts'

export type ThriftValue =
  | { readonly i16: number }
  | { readonly i32: number }
  | { readonly i64: number }
  | { readonly i8: number }
  | { readonly bool: boolean }
  | { readonly text: string }
  | { readonly list: readonly ThriftValue[] }
  | ThriftStruct
/** Fields by number; undefined ones are left out. */
export interface ThriftStruct {
  readonly struct: { readonly [id: number]: ThriftValue | undefined }
}

const TRUE = 1
const FALSE = 2
const LIST = 9
const STRUCT = 12
const TYPES = { i8: 3, i16: 4, i32: 5, i64: 6, text: 8, list: LIST, struct: STRUCT } as const

/** A struct as bytes. */
export function thriftBytes(struct: ThriftStruct): Uint8Array {
  const out = new GrowingBytes(1024)
  writeStruct(out, struct)
  return out.part()
}

function typeOf(value: ThriftValue): number {
  if ('bool' in value) return value.bool ? TRUE : FALSE
  return TYPES[Object.keys(value)[0] as keyof typeof TYPES]
}

function writeStruct(out: GrowingBytes, { struct }: ThriftStruct): void {
  let last = 0
  for (const [name, value] of Object.entries(struct)) {
    if (value === undefined) continue
    const id = Number(name)
    // Fields come in ascending order, and none of Parquet's is more than 15 after the one before.
    out.push(((id - last) << 4) | typeOf(value))
    writeValue(out, value)
    last = id
  }
  out.push(0)
}

function writeValue(out: GrowingBytes, value: ThriftValue): void {
  if ('struct' in value) writeStruct(out, value)
  else if ('list' in value) writeList(out, value.list)
  else if ('text' in value) {
    const bytes = Buffer.from(value.text)
    out.varint(bytes.length)
    out.all(bytes)
  } else if ('i8' in value) out.push(value.i8 & 255)
  else if (!('bool' in value)) out.varint(zigzag(Object.values(value)[0] as number))
}

const zigzag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value)

function writeList(out: GrowingBytes, values: readonly ThriftValue[]): void {
  const type = values.length === 0 ? TYPES.i32 : typeOf(values[0])
  if (values.length < 15) out.push((values.length << 4) | type)
  else {
    out.push(0xf0 | type)
    out.varint(values.length)
  }
  for (const value of values) writeValue(out, value)
}
