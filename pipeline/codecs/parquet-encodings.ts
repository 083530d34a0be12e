/** Parquet's encodings of levels and values: the run-length / bit-packed hybrid, PLAIN, and dictionaries of texts. */
import { type Numbers, type Utf8, utf8Of } from '../batch.ts'
import type { GrowingBytes } from './growing-bytes.ts'
import type { Leaf } from './parquet-schema.ts'

/** Bits that hold 0 .. most. */
export const bitsFor = (most: number): number => 32 - Math.clz32(most)

/** Shorter runs are bit-packed. */
const RUN = 8

/** Values from .. to, each of `bits` bits: runs of a value, or groups of eight values bit-packed, the lowest bit first. */
export function writeHybrid(out: GrowingBytes, values: Uint8Array | Int32Array, from: number, to: number, bits: number): void {
  for (let at = from; at < to; ) {
    const run = runAt(values, at, to)
    if (run >= RUN) {
      out.varint(run * 2)
      for (let shift = 0; shift < bits; shift += 8) out.push((values[at] >> shift) & 255)
      at += run
      continue
    }
    let end = at
    while (end < to && runAt(values, end, Math.min(to, end + RUN)) < RUN) end += RUN
    out.varint(((end - at) / RUN) * 2 + 1)
    packBits(out, values, at, Math.min(end, to), bits)
    at = end
  }
}

function runAt(values: Uint8Array | Int32Array, at: number, to: number): number {
  let end = at + 1
  while (end < to && values[end] === values[at]) end++
  return end - at
}

/** Filled up with zeros to a multiple of eight values. */
function packBits(out: GrowingBytes, values: Uint8Array | Int32Array, from: number, to: number, bits: number): void {
  const last = from + Math.ceil((to - from) / RUN) * RUN
  let held = 0
  let count = 0
  for (let i = from; i < last; i++) {
    held |= (i < to ? values[i] : 0) << count
    for (count += bits; count >= 8; count -= 8) {
      out.push(held & 255)
      held >>>= 8
    }
  }
}

/** Texts from .. to, each after its length in four bytes. */
export function writeTexts(out: GrowingBytes, { bytes, offsets }: Utf8, from: number, to: number): void {
  out.reserve(offsets[to] - offsets[from] + 4 * (to - from))
  for (let i = from; i < to; i++) {
    out.uint32(offsets[i + 1] - offsets[i])
    out.copy(bytes, offsets[i], offsets[i + 1])
  }
}

const WIDTHS = { BOOLEAN: 0.125, INT32: 4, INT64: 8, FLOAT: 4, DOUBLE: 8, BYTE_ARRAY: 4 } as const
/** Bytes of values from .. to in PLAIN encoding. */
export function plainSize({ physical }: Leaf, column: Utf8 | Numbers, from: number, to: number): number {
  const texts = 'offsets' in column ? column.offsets[to] - column.offsets[from] : 0
  return texts + WIDTHS[physical] * (to - from)
}

export function writeNumbers(out: GrowingBytes, { values }: Numbers, { physical, field }: Leaf, from: number, to: number): void {
  if (physical === 'BOOLEAN') {
    packBits(out, values as Uint8Array, from, to, 1)
    return
  }
  const width = WIDTHS[physical]
  out.reserve((to - from) * width)
  const { view } = out
  let at = out.length
  for (let i = from; i < to; i++, at += width) {
    if (physical === 'FLOAT') view.setFloat32(at, values[i], true)
    else if (physical === 'DOUBLE') view.setFloat64(at, values[i], true)
    else {
      const value = field === 'i8' ? (values[i] << 24) >> 24 : values[i]
      view.setInt32(at, value, true)
      if (width === 8) view.setInt32(at + 4, value < 0 ? -1 : 0, true)
    }
  }
  out.length = at
}

/** Each text's place among the distinct ones; `first` = where each of those stands first. */
export interface TextDictionary {
  readonly first: Int32Array
  readonly places: Int32Array
}

/** A dictionary that spares less is not worth its place. */
const SPARED = 0.1
/** Of so many texts some are the same where a dictionary is worth its place: if a tenth of 8,192 repeat others anywhere, thirteen of these do. */
const GLANCE = 1024

/** The distinct texts in the order in which they appear; undefined where too little repeats. */
export const dictionaryOf = ({ bytes, offsets }: Utf8, count: number): TextDictionary | undefined => placesOf(bytes, offsets, count)

function placesOf(bytes: Uint8Array, offsets: Int32Array, count: number): TextDictionary | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const equal = equalIn(bytes)
  const mask = (1 << bitsFor(count * 2)) - 1
  const table = new Int32Array(mask + 1)
  const first = new Int32Array(count)
  const places = new Int32Array(count)
  let distinct = 0
  let size = 0
  // Texts that only look alike where they are sampled cost a comparison each: many of them, and the column stays plain.
  let misses = 4 * count
  for (let i = 0; i < count; i++) {
    if (i === GLANCE && distinct === i) return undefined
    const [from, to] = [offsets[i], offsets[i + 1]]
    let slot = sampledHash(view, from, to) & mask
    for (; table[slot] > 0; slot = (slot + 1) & mask) {
      const other = first[table[slot] - 1]
      if (offsets[other + 1] - offsets[other] !== to - from) continue
      if (equal(offsets[other], from, to - from)) break
      if (--misses === 0) return undefined
    }
    if (table[slot] === 0) {
      first[distinct++] = i
      size += to - from + 4
      table[slot] = distinct
    }
    places[i] = table[slot] - 1
  }
  const all = offsets[count] - offsets[0] + 4 * count
  return size >= all * (1 - SPARED) ? undefined : { first: first.subarray(0, distinct), places }
}

/** The dictionary of labels, known by their numbers: `texts` holds those that occur; undefined where too little repeats. */
export function dictionaryOfLabels(
  values: Uint8Array,
  labels: readonly string[],
  count: number,
): { texts: Utf8; dictionary: TextDictionary } | undefined {
  const known = new Int32Array(labels.length).fill(-1)
  const times = new Int32Array(labels.length)
  const places = placesOfLabels(values, known, times, count)
  const present: string[] = []
  for (const [i, label] of labels.entries()) if (known[i] >= 0) present[known[i]] = label
  const all = labels.reduce((sum, label, i) => sum + times[i] * (Buffer.byteLength(label) + 4), 0)
  const texts = utf8Of(present)
  if (texts.bytes.length + 4 * present.length >= all * (1 - SPARED)) return undefined
  return { texts, dictionary: { first: Int32Array.from(present.keys()), places } }
}

/** The places of labels in the order in which they first occur, which `known` is told, as `times` is how often each does. */
function placesOfLabels(values: Uint8Array, known: Int32Array, times: Int32Array, count: number): Int32Array {
  const places = new Int32Array(count)
  let distinct = 0
  for (let i = 0; i < count; i++) {
    const label = values[i]
    if (known[label] < 0) known[label] = distinct++
    places[i] = known[label]
    times[label]++
  }
  return places
}

/** Bytes up to which a loop is quicker than a call of Node's. */
const SHORT = 64

/** Whether `length` bytes from two places are the same. */
function equalIn(bytes: Uint8Array): (a: number, b: number, length: number) => boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return (a, b, length) => {
    if (length > SHORT) return buffer.compare(buffer, a, a + length, b, b + length) === 0
    for (let i = 0; i < length; i++) if (bytes[a + i] !== bytes[b + i]) return false
    return true
  }
}

/** A hash of the length and of five words of a text: repeated texts meet, others nearly never. */
function sampledHash(view: DataView, from: number, to: number): number {
  const length = to - from
  let hash = Math.imul(length, 0x9e3779b1)
  if (length < 4) for (let i = from; i < to; i++) hash = Math.imul(hash ^ view.getUint8(i), 0x85ebca6b)
  else
    for (let k = 0; k < 5; k++)
      hash = Math.imul(hash ^ view.getInt32(from + Math.floor(((length - 4) * k) / 4), true), 0x85ebca6b) ^ (hash >>> 15)
  return hash ^ (hash >>> 13)
}
