// AssemblyScript. The twin of ../../surface.ts: sixteen bytes at a time.
import { isFence, LINE_FEED } from './ascii'
import { forget, mark } from './marks'
import { mix32 } from './mix'

const BYTES: usize = 35 * 4
const SYMBOLS: usize = 36 * 4
const DIGITS: usize = 37 * 4
const UNBALANCED: usize = 38 * 4
const REPLACEMENTS: usize = 39 * 4
const MARKERS: usize = 40 * 4
const OPEN_FENCES: usize = 41 * 4
const LINES: usize = 42 * 4
const REPEATED_LINES: usize = 43 * 4
const SPEAKER_LINES: usize = 44 * 4
const WINDOWS: usize = 45 * 4
const DISTINCT_WINDOWS: usize = 46 * 4
const FIRST: usize = 47 * 4
const LAST: usize = 48 * 4

const WINDOW_BYTES: usize = 2048
/** A bit for each of 16,384 slots. */
const WINDOW_TABLE: usize = 2048

let windowBits: usize = 0
/** Each 16 bytes: the length, then the text; 0 after the last. */
let speakers: usize = 0
let lineMarks: usize = 0

export function setUpSurface(windowsAt: usize, speakersAt: usize, lineMarksAt: usize): void {
  windowBits = windowsAt
  speakers = speakersAt
  lineMarks = lineMarksAt
}

/** Writes to `counts` what stands there of the text between two addresses. Sixteen bytes after it must be readable. */
export function readSurface(from: usize, to: usize, counts: usize): void {
  store<i32>(counts + BYTES, <i32>(to - from))
  readLines(from, to, countCharacters(from, to, counts), counts)
  countWindows(from, min(to, from + WINDOW_BYTES), counts)
  let first = from
  let last = to
  while (first < to && isSpace(load<u8>(first))) first++
  while (last > first + 1 && isSpace(load<u8>(last - 1))) last--
  store<i32>(counts + FIRST, first < to ? <i32>load<u8>(first) : 0)
  store<i32>(counts + LAST, first < to ? pointBefore(last) : 0)
}

/** White space of ASCII, and 0. Without a branch, as none can be foreseen. */
function isSpace(byte: i32): i32 {
  return i32(byte === 0x20) | i32(<u32>(byte - 9) < 5) | i32(byte === 0)
}

/** The code point whose bytes end at `end`. */
function pointBefore(end: usize): i32 {
  let at = end - 1
  let point = 0
  let shift = 0
  while ((load<u8>(at) & 0xc0) === 0x80) {
    point |= (<i32>load<u8>(at) & 0x3f) << shift
    at--
    shift += 6
  }
  const size = <i32>(end - at)
  return size === 1 ? <i32>load<u8>(at) : point | ((<i32>load<u8>(at) & (0x7f >> size)) << (6 * (size - 1)))
}

/** Latin, Greek and Cyrillic, Hebrew to Arabic, Indic to Thai, the rest of 0xe1, kana and Han, Hangul and beyond; -1 for punctuation. */
function scriptOf(lead: i32, second: i32): i32 {
  if (lead < 0xcd) return 0
  if (lead < 0xd5) return 1
  if (lead < 0xe0) return 2
  if (lead === 0xe0) return 3
  if (lead === 0xe1) return 4
  if (lead === 0xe2 || lead === 0xef) return -1
  if (lead === 0xe3 && second < 0x81) return -1
  return lead < 0xea ? 5 : lead < 0xf0 ? 6 : 7
}

/** A bit for each byte of a block that lies in [first, first + size). */
function inRange(block: v128, first: u8, size: u8): i32 {
  return i8x16.bitmask(i8x16.lt_u(i8x16.sub(block, i8x16.splat(first)), i8x16.splat(size)))
}

function equals(block: v128, byte: u8): i32 {
  return i8x16.bitmask(i8x16.eq(block, i8x16.splat(byte)))
}

/** Bits of the bytes of a block that lie before `to`. */
function inside(block: usize, to: usize): i32 {
  return to - block < 16 ? (1 << (<i32>(to - block))) - 1 : 0xffff
}

function lettersOf(block: v128): i32 {
  return inRange(v128.or(block, i8x16.splat(0x20)), 0x61, 26)
}

/** Counts the scripts of characters that `leads` has a bit for; gives how many are U+FFFD. */
function countLeads(block: usize, leads: i32, scripts: usize): i32 {
  let replacements = 0
  for (let bits = leads; bits !== 0; bits &= bits - 1) {
    const at = block + <usize>ctz(bits)
    const lead = <i32>load<u8>(at)
    const second = <i32>load<u8>(at, 1)
    const script = scriptOf(lead, second)
    if (script >= 0) add(scripts + ((<usize>script) << 2), 1)
    else replacements += i32(lead === 0xef && second === 0xbf && load<u8>(at, 2) === 0xbd)
  }
  return replacements
}

function add(at: usize, n: i32): void {
  store<i32>(at, load<i32>(at) + n)
}

/** Letters by script of the text between two addresses, to `scripts`. */
export function readScripts(from: usize, to: usize, scripts: usize): void {
  for (let at = from; at < to; at += 16) {
    const block = v128.load(at)
    const mask = inside(at, to)
    add(scripts, popcnt(lettersOf(block) & mask))
    countLeads(at, inRange(block, 0xc0, 0x40) & mask, scripts)
  }
}

/** Gives the number of line feeds. */
function countCharacters(from: usize, to: usize, counts: usize): i32 {
  let letters = 0
  let digits = 0
  let plain = 0
  let unbalanced = 0
  let newlines = 0
  let replacements = 0
  let marker = 0
  for (let at = from; at < to; at += 16) {
    const block = v128.load(at)
    const mask = inside(at, to)
    const folded = v128.or(block, i8x16.splat(0x20))
    const spaces = inRange(block, 9, 5) | equals(block, 0x20) | equals(block, 0)
    letters += popcnt(inRange(folded, 0x61, 26) & mask)
    digits += popcnt(inRange(block, 0x30, 10) & mask)
    plain += popcnt(inRange(block, 0, 0x80) & ~spaces & mask)
    // [ and {, ] and } differ in the bit that folding sets
    unbalanced += popcnt((equals(block, 0x28) | equals(folded, 0x7b)) & mask) - popcnt((equals(block, 0x29) | equals(folded, 0x7d)) & mask)
    newlines += popcnt(equals(block, 0x0a) & mask)
    for (let bits = equals(block, 0x3c) & mask; bits !== 0; bits &= bits - 1) {
      const next = at + <usize>ctz(bits) + 1
      if (next < to && load<u8>(next) === 0x7c) marker = 1
    }
    replacements += countLeads(at, inRange(block, 0xc0, 0x40) & mask, counts)
  }
  add(counts, letters)
  store<i32>(counts + SYMBOLS, plain - letters - digits)
  store<i32>(counts + DIGITS, digits)
  store<i32>(counts + UNBALANCED, unbalanced)
  store<i32>(counts + REPLACEMENTS, replacements)
  store<i32>(counts + MARKERS, marker)
  return newlines
}

function readLines(from: usize, to: usize, newlines: i32, counts: usize): void {
  if (newlines > 0) forget(<u32>newlines + 1)
  let lines = 0
  let fences = 0
  for (let begin = from; begin < to; ) {
    let end = newlines > 0 ? begin : to
    let hash: u32 = 1
    if (newlines > 0) {
      hash = 0
      while (end < to && load<u8>(end) !== LINE_FEED) {
        const byte = load<u8>(end)
        hash = select<u32>(hash, (hash ^ byte) * 0x01000193 + 1, isSpace(byte))
        end++
      }
    }
    if (hash !== 0) {
      lines++
      if (newlines > 0 && mark(lineMarks, mix32(hash), 1) !== 0) add(counts + REPEATED_LINES, 1)
      if (isFence(begin, end)) fences++
      if (begin > from && isSpeaker(begin, end)) add(counts + SPEAKER_LINES, 1)
    }
    begin = end + 1
  }
  store<i32>(counts + LINES, lines)
  store<i32>(counts + OPEN_FENCES, fences & 1)
}

function isSpeaker(begin: usize, end: usize): bool {
  for (let speaker = speakers; load<u8>(speaker) !== 0; speaker += 16) {
    const size = <usize>load<u8>(speaker)
    if (load<u8>(begin) !== load<u8>(speaker, 1) || end - begin < size) continue
    if (memory.compare(begin, speaker + 1, size) === 0) return true
  }
  return false
}

function countWindows(from: usize, to: usize, counts: usize): void {
  if (to - from < 4 || to < from) return
  const windows = to - from - 3
  memory.fill(windowBits, 0, WINDOW_TABLE)
  for (let at = from; at < from + windows; at++) {
    const slot = (load<u32>(at) * 0x9e3779b1) >> 18
    const byte = windowBits + <usize>(slot >> 3)
    store<u8>(byte, load<u8>(byte) | ((<u8>1) << (<u8>(slot & 7))))
  }
  let distinct = 0
  for (let at = windowBits; at < windowBits + WINDOW_TABLE; at += 8) distinct += <i32>popcnt(load<u64>(at))
  store<i32>(counts + WINDOWS, <i32>windows)
  store<i32>(counts + DISTINCT_WINDOWS, distinct)
}
