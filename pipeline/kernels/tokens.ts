/**
 * Words of a text column: runs of letters, marks, digits and underscore after case folding. Each Han and Hiragana character is a word;
 * Katakana and Hangul make words of runs, as Unicode's word segmentation has it; Thai, Lao, Khmer and Myanmar, written without spaces,
 * make a word of each letter with its marks. Everything else separates words.
 */
import type { Turns, Utf8 } from '../batch.ts'
import { ASCII, classOf, EXPANDS, expansions, foldedOf, LETTER, MARK, pageOf, SEPARATOR, UNSPACED } from './characters.ts'
import { mix32 } from './mix.ts'

/** Words of every row of a text column. Row i's tokens are starts[i] .. starts[i + 1]. */
export interface Tokens {
  readonly starts: Int32Array
  /** Well mixed 32-bit hash of the case-folded word. */
  readonly hashes: Uint32Array
  /** Where each word lies in the column's bytes. */
  readonly begins: Int32Array
  readonly ends: Int32Array
}

const memo = new WeakMap<Utf8, Tokens>()

/** Remembered by the column object, so that one tokenisation of a batch serves every stage. */
export function tokensOf(column: Utf8): Tokens {
  let tokens = memo.get(column)
  if (!tokens) {
    tokens = tokenise(column)
    memo.set(column, tokens)
  }
  return tokens
}

/** Where each row's tokens start when the column is the `content` of turns: row i's tokens are result[i] .. result[i + 1]. */
export function rowStarts(turns: Turns, tokens: Tokens): Int32Array {
  return turns.starts.map(turn => tokens.starts[turn])
}

const FNV_PRIME = 0x01000193
const FNV_BASIS = 0x811c9dc5

let hashes = new Uint32Array(1 << 16)
let begins = new Int32Array(1 << 16)
let ends = new Int32Array(1 << 16)

/** Scratch space above this is given back after use, so that one giant row does not stay in memory. */
const KEPT_TOKENS = 1 << 23

function tokenise(column: Utf8): Tokens {
  const rows = column.offsets.length - 1
  const starts = new Int32Array(rows + 1)
  let count = 0
  for (let i = 0; i < rows; i++) {
    const from = column.offsets[i]
    const to = column.offsets[i + 1]
    reserve(count, ((to - from) >> 1) + 2)
    count = scan(column.bytes, from, to, count)
    starts[i + 1] = count
  }
  const tokens = { starts, hashes: hashes.slice(0, count), begins: begins.slice(0, count), ends: ends.slice(0, count) }
  if (hashes.length > KEPT_TOKENS) resize(0, KEPT_TOKENS)
  return tokens
}

/** A word and what separates it from the next take two bytes at least; characters that stand alone take three. */
function reserve(used: number, more: number): void {
  if (used + more > hashes.length) resize(used, Math.max(hashes.length * 2, used + more))
}

function resize(used: number, length: number): void {
  const grown = { hashes: new Uint32Array(length), begins: new Int32Array(length), ends: new Int32Array(length) }
  grown.hashes.set(hashes.subarray(0, used))
  grown.begins.set(begins.subarray(0, used))
  grown.ends.set(ends.subarray(0, used))
  hashes = grown.hashes
  begins = grown.begins
  ends = grown.ends
}

/** Appends the words of bytes[from .. to) at `count` and gives the new count. `open` is the class of the word being read. */
function scan(bytes: Uint8Array, from: number, to: number, count: number): number {
  let open = SEPARATOR
  let h = FNV_BASIS
  let at = from
  while (at < to) {
    const lead = bytes[at]
    if (lead < 0x80) {
      const folded = ASCII[lead]
      if (folded === 0 || open !== LETTER) {
        if (open !== SEPARATOR) close(count++, h, at)
        open = SEPARATOR
      }
      at++
      if (folded === 0) continue
      if (open === SEPARATOR) {
        begins[count] = at - 1
        open = LETTER
        h = FNV_BASIS
      }
      h = Math.imul(h ^ folded, FNV_PRIME)
      for (let next = 0; at < to && (next = ASCII[bytes[at]]) !== 0; at++) h = Math.imul(h ^ next, FNV_PRIME)
      continue
    }
    const size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    const point = decode(bytes, at, size)
    const entry = pageOf(point >>> 8)[point & 255]
    const kind = classOf(entry)
    if (open !== SEPARATOR && !continues(open, kind)) {
      close(count++, h, at)
      open = SEPARATOR
    }
    if (kind !== SEPARATOR) {
      if (open === SEPARATOR) {
        begins[count] = at
        open = kind === MARK ? LETTER : kind
        h = FNV_BASIS
      }
      h = entry & EXPANDS ? absorbAll(h, expansions.get(point)!) : Math.imul(h ^ foldedOf(entry), FNV_PRIME)
    }
    at += size
  }
  if (open !== SEPARATOR) close(count++, h, to)
  return count
}

function close(index: number, h: number, end: number): void {
  hashes[index] = mix32(h)
  ends[index] = end
}

const continues = (open: number, kind: number): boolean =>
  open === LETTER ? kind === LETTER || kind === MARK : open === UNSPACED ? kind === MARK : false

function absorbAll(h: number, points: readonly number[]): number {
  for (const point of points) h = Math.imul(h ^ point, FNV_PRIME)
  return h
}

/** The code point of a well-formed sequence of 2 to 4 bytes (ingest makes all text well-formed). */
function decode(bytes: Uint8Array, at: number, size: number): number {
  const tail = bytes[at + 1] & 0x3f
  if (size === 2) return ((bytes[at] & 0x1f) << 6) | tail
  const third = bytes[at + 2] & 0x3f
  if (size === 3) return ((bytes[at] & 0x0f) << 12) | (tail << 6) | third
  return ((bytes[at] & 0x07) << 18) | (tail << 12) | (third << 6) | (bytes[at + 3] & 0x3f)
}
