/**
 * Words of a text column: runs of letters, marks, digits and underscore after case folding. Each Han and Hiragana character is a word;
 * Katakana and Hangul make words of runs, as Unicode's word segmentation has it; Thai, Lao, Khmer and Myanmar, written without spaces,
 * make a word of each letter with its marks. Everything else separates words.
 */
import type { Turns, Utf8 } from '../batch.ts'
import { CHANGES, classOf, EXPANDS, expansions, foldedOf, IS_WORD_BYTE, LETTER, MARK, pageOf, SEPARATOR, UNSPACED } from './characters.ts'
import { mix32 } from './mix.ts'
import { compiled } from './native.ts'
import { nativeTokeniser } from './native-tokens.ts'

/** Words of every row of a text column. Row i's tokens are starts[i] .. starts[i + 1]. */
export interface Tokens {
  readonly starts: Int32Array
  /** Well mixed 32-bit hash of the case-folded word. */
  readonly hashes: Uint32Array
  /** Where each word lies in the column's bytes. */
  readonly begins: Int32Array
  readonly ends: Int32Array
}

const wasm = compiled('tokens')
const tokenise = wasm ? nativeTokeniser(wasm, tokensPlainly) : tokensPlainly
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

let hashes = new Uint32Array(1 << 16)
let begins = new Int32Array(1 << 16)
let ends = new Int32Array(1 << 16)

/** Scratch space above this is given back after use, so that one giant row does not stay in memory. */
const KEPT_TOKENS = 1 << 22

/** The words of a column in plain TypeScript. */
export function tokensPlainly(column: Utf8): Tokens {
  const rows = column.offsets.length - 1
  const starts = new Int32Array(rows + 1)
  let count = 0
  for (let i = 0; i < rows; i++) {
    const from = column.offsets[i]
    const to = column.offsets[i + 1]
    // a word and what parts it from the next take two bytes at least; characters that stand alone take three
    if (count + ((to - from) >> 1) + 2 > hashes.length) resize(count, Math.max(hashes.length * 2, count + ((to - from) >> 1) + 2))
    count = scan(column.bytes, from, to, count)
    starts[i + 1] = count
  }
  const tokens = { starts, hashes: hashes.slice(0, count), begins: begins.slice(0, count), ends: ends.slice(0, count) }
  if (hashes.length > KEPT_TOKENS) resize(0, KEPT_TOKENS)
  return tokens
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

/** How the bytes of a word become those that are hashed. */
const AS_IS = 0
const ASCII_WORD = 1
const FOLDED = 2

/** Appends the words of bytes[from .. to) at `count` and gives the new count. */
function scan(bytes: Uint8Array, from: number, to: number, count: number): number {
  let at = from
  while (at < to) {
    if (bytes[at] < 0x80) {
      if (IS_WORD_BYTE[bytes[at]] === 0) {
        at++
        continue
      }
      const begin = at
      do at++
      while (at < to && IS_WORD_BYTE[bytes[at]] === 1)
      at =
        at < to && bytes[at] >= 0x80
          ? close(bytes, begin, at, to, LETTER, ASCII_WORD, count++)
          : emit(bytes, begin, at, ASCII_WORD, count++)
      continue
    }
    const entry = entryAt(bytes, at)
    const next = at + sizeOf(bytes[at])
    if (classOf(entry) === SEPARATOR) at = next
    else {
      const kind = classOf(entry)
      at = close(bytes, at, next, to, kind === MARK ? LETTER : kind, changes(entry) ? FOLDED : AS_IS, count++)
    }
  }
  return count
}

/** Reads on to the end of the word open since `begin`, emits it, and gives where it ends. */
function close(bytes: Uint8Array, begin: number, from: number, to: number, open: number, how: number, index: number): number {
  let at = from
  while (at < to && (open === LETTER || open === UNSPACED)) {
    if (bytes[at] < 0x80) {
      if (open !== LETTER || IS_WORD_BYTE[bytes[at]] === 0) break
      if (how === AS_IS) how = FOLDED
      at++
      continue
    }
    const entry = entryAt(bytes, at)
    const kind = classOf(entry)
    if (kind !== MARK && (kind !== LETTER || open !== LETTER)) break
    if (how === ASCII_WORD || changes(entry)) how = FOLDED
    at += sizeOf(bytes[at])
  }
  return emit(bytes, begin, at, how, index)
}

function emit(bytes: Uint8Array, begin: number, end: number, how: number, index: number): number {
  begins[index] = begin
  ends[index] = end
  if (how === FOLDED) {
    // first, as it may make `folded` anew
    const size = fold(bytes, begin, end)
    hashes[index] = hashBytes(folded, 0, size, 0)
  } else hashes[index] = hashBytes(bytes, begin, end, how === ASCII_WORD ? 0x20202020 : 0)
  return end
}

const changes = (entry: number): boolean => (entry & CHANGES) !== 0

const BASIS = 0x2545f491
const FIRST = 0x9e3779b1
const SECOND = 0x85ebca77

/** Eight bytes at a time, the last ones padded with zeros; `lower` sets the bit that makes ASCII letters lower case. */
function hashBytes(bytes: Uint8Array, begin: number, end: number, lower: number): number {
  let h = BASIS
  for (let at = begin; at < end; at += 8) {
    h = Math.imul(h ^ fourBytes(bytes, at, end, lower), FIRST)
    h = Math.imul(h ^ (h >>> 15) ^ fourBytes(bytes, at + 4, end, lower), SECOND)
    h ^= h >>> 13
  }
  return mix32(h ^ (end - begin))
}

function fourBytes(bytes: Uint8Array, at: number, end: number, lower: number): number {
  if (at + 4 <= end) return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24) | lower
  let four = 0
  for (let k = 0; at + k < end; k++) four |= (bytes[at + k] | (lower & 0x20)) << (8 * k)
  return four
}

let folded = new Uint8Array(1 << 12)

/** Writes the case-folded bytes of a word to `folded`; gives their number. No character folds to more than three times its bytes. */
function fold(bytes: Uint8Array, begin: number, end: number): number {
  if (folded.length < 3 * (end - begin)) folded = new Uint8Array(3 * (end - begin))
  let size = 0
  for (let at = begin; at < end; at += sizeOf(bytes[at])) {
    if (bytes[at] < 0x80) folded[size++] = bytes[at] | 0x20
    else {
      const entry = entryAt(bytes, at)
      if ((entry & EXPANDS) === 0) size = encode(foldedOf(entry), size)
      else for (const point of expansions[foldedOf(entry)]) size = encode(point, size)
    }
  }
  return size
}

function encode(point: number, at: number): number {
  if (point < 0x80) {
    folded[at] = point
    return at + 1
  }
  if (point < 0x800) {
    folded[at] = 0xc0 | (point >> 6)
    folded[at + 1] = 0x80 | (point & 0x3f)
    return at + 2
  }
  if (point < 0x10000) {
    folded[at] = 0xe0 | (point >> 12)
    folded[at + 1] = 0x80 | ((point >> 6) & 0x3f)
    folded[at + 2] = 0x80 | (point & 0x3f)
    return at + 3
  }
  folded[at] = 0xf0 | (point >> 18)
  folded[at + 1] = 0x80 | ((point >> 12) & 0x3f)
  folded[at + 2] = 0x80 | ((point >> 6) & 0x3f)
  folded[at + 3] = 0x80 | (point & 0x3f)
  return at + 4
}

const sizeOf = (lead: number): number => (lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4)

function entryAt(bytes: Uint8Array, at: number): number {
  const point = decode(bytes, at)
  return pageOf(point >>> 8)[point & 255]
}

/** The code point of a well-formed sequence of 2 to 4 bytes (ingest makes all text well-formed). */
function decode(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]
  const second = bytes[at + 1] & 0x3f
  if (lead < 0xe0) return ((lead & 0x1f) << 6) | second
  const third = bytes[at + 2] & 0x3f
  if (lead < 0xf0) return ((lead & 0x0f) << 12) | (second << 6) | third
  return ((lead & 0x07) << 18) | (second << 12) | (third << 6) | (bytes[at + 3] & 0x3f)
}
