// AssemblyScript. The twin of ../sets.ts: the distinct shingles of rows, in order. The host lays out the memory.
import { mix32 } from './shared/mix'

const BASE: u32 = 0x9e3779b3
const SHORT: u32 = 0x5bd1e995
const SIGN: u32 = 0x80000000
/** Values that a bucket may have: beyond, as repeats and hostile texts make it, putting them in order one by one would take too long. */
const FULL: u32 = 24

/** Room for the values of the longest row, twice, and for four times as many buckets. */
let values: usize = 0
let dealt: usize = 0
let ends: usize = 0

export function base(): usize {
  return __heap_base
}

export function setUp(valuesAt: usize, dealtAt: usize, endsAt: usize): void {
  values = valuesAt
  dealt = dealtAt
  ends = endsAt
}

/**
 * Writes the sets of rows one after another from address `out` on, and to `sizes` the values of each: row i's words are the hashes from
 * starts[i] to starts[i + 1]; a row without words has the only value wordless[i]. `leaving` is BASE ** ngram.
 */
export function collect(
  rows: i32,
  starts: usize,
  hashes: usize,
  wordless: usize,
  ngram: i32,
  leaving: u32,
  out: usize,
  sizes: usize,
): void {
  let to = out
  for (let i = 0; i < rows; i++) {
    const at = (<usize>i) << 2
    const first = load<i32>(starts + at)
    const words = load<i32>(starts + at, 4) - first
    let count = 1
    if (words === 0) store<i32>(to, load<i32>(wordless + at))
    else if (words < ngram) store<u32>(to, mix32(polynomial(hashes + ((<usize>first) << 2), words) ^ (<u32>words * SHORT)))
    else {
      count = words - ngram + 1
      shingle(hashes + ((<usize>first) << 2), count, ngram, leaving)
      if (count > 1 && !sortByBuckets(count)) sortByDigits(count)
      count = distinct(count, to)
    }
    store<i32>(sizes + at, count)
    to += (<usize>count) << 2
  }
}

function polynomial(from: usize, words: i32): u32 {
  let h: u32 = 0
  for (let k = 0; k < words; k++) h = h * BASE + load<u32>(from + ((<usize>k) << 2))
  return h
}

/** With the sign bit turned, so that unsigned order is that of signed integers. */
function shingle(from: usize, count: i32, ngram: i32, leaving: u32): void {
  const ahead = (<usize>ngram) << 2
  let h = polynomial(from, ngram)
  let at = from
  for (let i = 0; i < count; i++) {
    store<u32>(values + ((<usize>i) << 2), mix32(h) ^ SIGN)
    h = h * BASE - load<u32>(at) * leaving + load<u32>(at + ahead)
    at += 4
  }
}

/** Well mixed values, dealt to twice as many buckets by their high bits, are all but in order. False where they are not well mixed. */
function sortByBuckets(count: i32): bool {
  const shift = <u32>clz(<u32>(count - 1)) - 1
  const size = (<usize>1) << (32 - shift)
  const end = values + ((<usize>count) << 2)
  memory.fill(ends, 0, size << 2)
  let fullest: u32 = 0
  for (let at = values; at < end; at += 4) {
    const bucket = ends + ((<usize>(load<u32>(at) >> shift)) << 2)
    const held = load<u32>(bucket)
    store<u32>(bucket, held + 1)
    fullest = max(fullest, held)
  }
  if (fullest >= FULL) return false
  let before: u32 = 0
  for (let bucket = ends; bucket < ends + (size << 2); bucket += 4) {
    const held = load<u32>(bucket)
    store<u32>(bucket, before)
    before += held
  }
  for (let at = values; at < end; at += 4) {
    const value = load<u32>(at)
    const bucket = ends + ((<usize>(value >> shift)) << 2)
    const place = load<u32>(bucket)
    store<u32>(bucket, place + 1)
    store<u32>(dealt + ((<usize>place) << 2), value)
  }
  for (let at = dealt + 4; at < dealt + ((<usize>count) << 2); at += 4) {
    const value = load<u32>(at)
    let to = at
    while (to > dealt && load<u32>(to - 4) > value) {
      store<u32>(to, load<u32>(to - 4))
      to -= 4
    }
    store<u32>(to, value)
  }
  return true
}

/** By one byte after another: after the fourth the values are where they were, from where they go to `dealt`. */
function sortByDigits(count: i32): void {
  for (let shift: u32 = 0; shift < 32; shift += 8) {
    const from = (shift & 8) === 0 ? values : dealt
    const to = (shift & 8) === 0 ? dealt : values
    memory.fill(ends, 0, 256 * 4)
    for (let i = 0; i < count; i++) {
      const digit = ends + ((<usize>((load<u32>(from + ((<usize>i) << 2)) >> shift) & 255)) << 2)
      store<u32>(digit, load<u32>(digit) + 1)
    }
    let before: u32 = 0
    for (let digit = ends; digit < ends + 256 * 4; digit += 4) {
      const held = load<u32>(digit)
      store<u32>(digit, before)
      before += held
    }
    for (let i = 0; i < count; i++) {
      const value = load<u32>(from + ((<usize>i) << 2))
      const digit = ends + ((<usize>((value >> shift) & 255)) << 2)
      const place = load<u32>(digit)
      store<u32>(digit, place + 1)
      store<u32>(to + ((<usize>place) << 2), value)
    }
  }
  memory.copy(dealt, values, (<usize>count) << 2)
}

/** Copies the sorted values without repeats, their sign bits as they were; gives how many they are. */
function distinct(count: i32, out: usize): i32 {
  const sorted = count > 1 ? dealt : values
  let kept = 0
  for (let i = 0; i < count; i++) {
    const value = load<u32>(sorted + ((<usize>i) << 2))
    store<u32>(out + ((<usize>kept) << 2), value ^ SIGN)
    kept += i32(i + 1 === count || load<u32>(sorted + ((<usize>i) << 2), 4) !== value)
  }
  return kept
}
