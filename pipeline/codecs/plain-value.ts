/** Values of columns as plain JS. */
import { isUtf8 } from 'node:buffer'
import { RowFault } from './row-source.ts'

/** Numbers and booleans as they are, whole numbers beyond 2^53 as bigint, everything else (dates, decimals) in words. */
export function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (value === null || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') return value
  return String(value)
}

/** The text at bytes[from .. to); `clean` bytes are UTF-8 as a whole and only need a look at both ends. Throws RowFault. */
export function textIn(bytes: Uint8Array, from: number, to: number, clean: boolean, field: string): Uint8Array {
  const text = new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from)
  const breaks = (at: number): boolean => (bytes[at] & 0xc0) === 0x80
  return clean && !breaks(from) && !breaks(to) ? text : utf8In(text, field)
}

/** The text itself, if it is UTF-8; throws RowFault. */
export function utf8In(text: Uint8Array, field: string): Uint8Array {
  if (isUtf8(text)) return text
  throw new RowFault(field, 'expected UTF-8, got other bytes')
}
