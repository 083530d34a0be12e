/** Parquet's encodings read back: the run-length / bit-packed hybrid, PLAIN values and dictionaries. Every place is checked before it is read. */
import { plainValue } from './plain-value.ts'

const endsEarly = (): RangeError => new RangeError('a page ends before its values do')

/** `count` numbers of `bits` bits each, at most 24, from bytes[at .. end), by Encodings.md of the Parquet format. */
export function readHybrid(bytes: Uint8Array, at: number, end: number, bits: number, count: number): Uint8Array | Int32Array {
  const out = bits <= 8 ? new Uint8Array(count) : new Int32Array(count)
  for (let done = 0; done < count; ) {
    let header = 0
    for (let shift = 0; ; shift += 7) {
      if (at >= end || shift > 28) throw endsEarly()
      header |= (bytes[at] & 127) << shift
      if (bytes[at++] < 128) break
    }
    const packed = (header & 1) === 1
    const run = Math.min((header >>> 1) * (packed ? 8 : 1), count - done)
    const size = packed ? (header >>> 1) * bits : Math.ceil(bits / 8)
    // the last group may be cut off where its values are not needed
    if (at + (packed ? Math.ceil((run * bits) / 8) : size) > end) throw endsEarly()
    if (packed) unpackBits(bytes, at, bits, out, done, run)
    else {
      let value = 0
      for (let k = 0; k < size; k++) value |= bytes[at + k] << (8 * k)
      out.fill(value, done, done + run)
    }
    at += size
    done += run
  }
  return out
}

/** The lowest bit first. */
function unpackBits(bytes: Uint8Array, at: number, bits: number, out: Uint8Array | Int32Array, first: number, count: number): void {
  const mask = (1 << bits) - 1
  let held = 0
  let holds = 0
  for (let i = first; i < first + count; i++) {
    for (; holds < bits; holds += 8) held |= bytes[at++] << holds
    out[i] = held & mask
    held >>>= bits
    holds -= bits
  }
}

/** Gives the values of a page one after another. */
export type Next = () => unknown

/** Numbers of parquet.thrift's `Type`. */
export const BOOLEAN = 0
const INT32 = 1
const INT64 = 2
const FLOAT = 4
const DOUBLE = 5
export const BYTE_ARRAY = 6
export const WIDTHS: Readonly<Record<number, number>> = { [INT32]: 4, [INT64]: 8, [FLOAT]: 4, [DOUBLE]: 8 }

/** Values in PLAIN encoding from `at` on; texts are views of the bytes. */
export function plainValues(physical: number, bytes: Uint8Array, at: number): Next {
  if (physical === BYTE_ARRAY) return plainTexts(bytes, at)
  if (physical === BOOLEAN) return plainBits(bytes, at)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const width = WIDTHS[physical]
  const read: Readonly<Record<number, (at: number) => unknown>> = {
    [INT32]: at => view.getInt32(at, true),
    [INT64]: at => plainValue(view.getBigInt64(at, true)),
    [FLOAT]: at => view.getFloat32(at, true),
    [DOUBLE]: at => view.getFloat64(at, true),
  }
  const value = read[physical]
  let next = at
  return () => {
    if (next + width > bytes.length) throw endsEarly()
    next += width
    return value(next - width)
  }
}

function plainTexts(bytes: Uint8Array, at: number): Next {
  let next = at
  return () => {
    if (next + 4 > bytes.length) throw endsEarly()
    const length = bytes[next] + bytes[next + 1] * 2 ** 8 + bytes[next + 2] * 2 ** 16 + bytes[next + 3] * 2 ** 24
    const start = next + 4
    next = start + length
    if (next > bytes.length) throw endsEarly()
    return new Uint8Array(bytes.buffer, bytes.byteOffset + start, length)
  }
}

function plainBits(bytes: Uint8Array, at: number): Next {
  let next = 0
  return () => {
    const byte = at + (next >> 3)
    if (byte >= bytes.length) throw endsEarly()
    return ((bytes[byte] >> (next++ & 7)) & 1) === 1
  }
}

/** Values that stand in a dictionary, by their place in it. */
export function dictionaryValues(dictionary: readonly unknown[], places: ArrayLike<number>): Next {
  let next = 0
  return () => {
    const place = places[next++]
    if (!(place >= 0 && place < dictionary.length)) throw new RangeError(`place ${place} of a dictionary of ${dictionary.length} values`)
    return dictionary[place]
  }
}
