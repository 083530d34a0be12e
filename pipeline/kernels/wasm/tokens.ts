// AssemblyScript. The twin of ../tokens.ts: same words, same hashes, 64 bytes of ASCII at a time. The host lays out the memory.
import { encode, pointAt, sizeOf } from './shared/utf8'
import { absorb, BASIS, finish, hashBytes } from './shared/word-hash'

const SEPARATOR: i32 = 0
const LETTER: i32 = 1
const MARK: i32 = 2
const UNSPACED: i32 = 4
const CLASS: i32 = 7
const EXPANDS: i32 = 8
const CHANGES: i32 = 16
const SHIFT: i32 = 5

const AS_IS: i32 = 0
const ASCII_WORD: i32 = 1
const FOLDED: i32 = 2

/** The bit that makes ASCII letters lower case, in eight bytes. */
const LOWER: u64 = ((<u64>0x20202020) << 32) | 0x20202020

/** Addresses of the 0x1100 pages of entries, 0 where the host has not yet given one. */
let pages: usize = 0
/** 32 bytes each: a count, then code points. */
let expansions: usize = 0
/** Room for three times the bytes of the longest word. */
let folded: usize = 0
let hashes: usize = 0
let begins: usize = 0
let ends: usize = 0

let count: i32 = 0
/** Place in the column of the byte at address 0. */
let origin: i32 = 0
let missing: i32 = -1

export function base(): usize {
  return __heap_base
}

export function setUp(pagesAt: usize, expansionsAt: usize, foldedAt: usize, hashesAt: usize, beginsAt: usize, endsAt: usize): void {
  pages = pagesAt
  expansions = expansionsAt
  folded = foldedAt
  hashes = hashesAt
  begins = beginsAt
  ends = endsAt
}

/**
 * Words of the texts between the given addresses (i32, one more than rows), appended from `first` on; `starts` gets the number of words
 * before each row's end. Gives the new number of words, or -1 - p where page p of entries is missing. Sixty-four bytes after the last text
 * must be readable.
 */
export function tokenise(rows: i32, texts: usize, starts: usize, first: i32, originOf: i32): i32 {
  count = first
  origin = originOf
  missing = -1
  for (let i = 0; i < rows; i++) {
    scan(load<i32>(texts + ((<usize>i) << 2)), load<i32>(texts + ((<usize>i) << 2), 4))
    store<i32>(starts + ((<usize>i) << 2), count)
  }
  return missing < 0 ? count : -1 - missing
}

function scan(from: usize, to: usize): void {
  let at = from
  let begin: usize = 0
  while (at < to) {
    const block = v128.load(at)
    let high = <u64>v128.bitmask<i8>(block)
    let words = <u64>wordBytes(block)
    if (high === 0) {
      const second = v128.load(at, 16)
      const third = v128.load(at, 32)
      const fourth = v128.load(at, 48)
      high = bits(v128.bitmask<i8>(second), v128.bitmask<i8>(third), v128.bitmask<i8>(fourth))
      words |= bits(wordBytes(second), wordBytes(third), wordBytes(fourth))
    }
    const rest = to - at
    if (rest < 64) high &= ((<u64>1) << rest) - 1
    const size = high === 0 ? min<usize>(64, rest) : <usize>ctz(high)
    let edges = words ^ ((words << 1) | u64(begin !== 0))
    if (size < 64) edges &= ((<u64>1) << size) - 1
    while (true) {
      if (begin === 0) {
        if (edges === 0) break
        begin = at + <usize>ctz(edges)
        edges &= edges - 1
      }
      if (edges === 0) break
      emitAscii(begin, at + <usize>ctz(edges))
      edges &= edges - 1
      begin = 0
    }
    at += size
    if (high === 0) continue
    if (begin !== 0) at = close(begin, at, to, LETTER, ASCII_WORD)
    begin = 0
    while (at < to && load<u8>(at) >= 0x80) at = readWide(at, to)
  }
  if (begin !== 0) emit(begin, to, ASCII_WORD)
}

function bits(second: i32, third: i32, fourth: i32): u64 {
  return ((<u64>second) << 16) | ((<u64>third) << 32) | ((<u64>fourth) << 48)
}

/** Reads a character beyond ASCII with the word that it begins, if it does, and gives the place after it. */
function readWide(at: usize, to: usize): usize {
  const entry = entryAt(at)
  const next = at + sizeOf(load<u8>(at))
  const kind = entry & CLASS
  if (kind === SEPARATOR) return next
  return close(at, next, to, kind === MARK ? LETTER : kind, (entry & CHANGES) !== 0 ? FOLDED : AS_IS)
}

/** A bit for each letter, digit and underscore of 16 bytes of ASCII. */
function wordBytes(block: v128): i32 {
  const lower = v128.or(block, i8x16.splat(0x20))
  const letter = i8x16.lt_u(i8x16.sub(lower, i8x16.splat(0x61)), i8x16.splat(26))
  const digit = i8x16.lt_u(i8x16.sub(block, i8x16.splat(0x30)), i8x16.splat(10))
  const underscore = i8x16.eq(block, i8x16.splat(0x5f))
  return i8x16.bitmask(v128.or(v128.or(letter, digit), underscore))
}

function isWordByte(byte: i32): bool {
  return <u32>((byte | 0x20) - 0x61) < 26 || <u32>(byte - 0x30) < 10 || byte === 0x5f
}

/** Reads on to the end of the word open since `begin`, emits it, and gives where it ends. */
function close(begin: usize, from: usize, to: usize, open: i32, how: i32): usize {
  let at = from
  while (at < to && (open === LETTER || open === UNSPACED)) {
    const lead = load<u8>(at)
    if (lead < 0x80) {
      if (open !== LETTER || !isWordByte(lead)) break
      if (how === AS_IS) how = FOLDED
      at++
      continue
    }
    const entry = entryAt(at)
    const kind = entry & CLASS
    if (kind !== MARK && (kind !== LETTER || open !== LETTER)) break
    if (how === ASCII_WORD || (entry & CHANGES) !== 0) how = FOLDED
    at += sizeOf(lead)
  }
  emit(begin, at, how)
  return at
}

/** A word of ASCII; most have eight bytes at most. */
function emitAscii(begin: usize, end: usize): void {
  if (end - begin > 8) {
    emit(begin, end, ASCII_WORD)
    return
  }
  const size = <u64>(end - begin)
  const at = (<usize>count) << 2
  store<i32>(begins + at, origin + <i32>begin)
  store<i32>(ends + at, origin + <i32>end)
  const eight = (load<u64>(begin) | LOWER) & (<u64>-1 >> (64 - (size << 3)))
  store<u32>(hashes + at, finish(absorb(BASIS, eight) ^ <u32>size))
  count++
}

function emit(begin: usize, end: usize, how: i32): void {
  const at = (<usize>count) << 2
  store<i32>(begins + at, origin + <i32>begin)
  store<i32>(ends + at, origin + <i32>end)
  if (how === ASCII_WORD) store<u32>(hashes + at, hashBytes(begin, end, LOWER))
  else if (how === AS_IS) store<u32>(hashes + at, hashBytes(begin, end, 0))
  else store<u32>(hashes + at, hashBytes(folded, fold(begin, end), 0))
  count++
}

/** Writes the case-folded bytes of a word to `folded`; gives where they end. */
function fold(begin: usize, end: usize): usize {
  let to = folded
  let at = begin
  while (at < end) {
    const lead = load<u8>(at)
    if (lead < 0x80) store<u8>(to++, lead | 0x20)
    else {
      const entry = entryAt(at)
      if ((entry & EXPANDS) === 0) to = encode(entry >> SHIFT, to)
      else {
        const points = expansions + ((<usize>(entry >> SHIFT)) << 5)
        for (let k = 1; k <= load<i32>(points); k++) to = encode(load<i32>(points + ((<usize>k) << 2)), to)
      }
    }
    at += sizeOf(lead)
  }
  return to
}

function entryAt(at: usize): i32 {
  const point = pointAt(at)
  const page = load<u32>(pages + ((<usize>(point >> 8)) << 2))
  if (page !== 0) return load<i32>(page + ((<usize>(point & 255)) << 2))
  missing = point >> 8
  return SEPARATOR
}
