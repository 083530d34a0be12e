/** What the bytes of a text show without being read: scripts, symbols, brackets, repeated lines, how it ends. */
import { mix32 } from './mix.ts'
import { WordMarks } from './word-marks.ts'

/** Groups of scripts told apart by the lead bytes of their UTF-8 sequences. */
export const SCRIPTS = 8

export interface Surface {
  /** Letters of each group of scripts. */
  readonly scripts: Float64Array
  /** ASCII characters that are neither letters, digits nor white space. */
  symbols: number
  digits: number
  /** Opening less closing brackets of all kinds, where they differ. */
  unbalanced: number
  /** Lines of ``` that open a block nothing closes. */
  open_fences: number
  replacements: number
  lines: number
  repeated_lines: number
  /** Distinct windows of four bytes over all, of the first 4 KB. */
  distinct_windows: number
  /** The first byte that is not ASCII white space, and the code point that ends there; 0 in an empty text. */
  first: number
  last: number
}

export const newSurface = (): Surface => ({
  scripts: new Float64Array(SCRIPTS),
  symbols: 0,
  digits: 0,
  unbalanced: 0,
  open_fences: 0,
  replacements: 0,
  lines: 0,
  repeated_lines: 0,
  distinct_windows: 1,
  first: 0,
  last: 0,
})

const SPACE = 1
const DIGIT = 2
const LETTER = 3
const SYMBOL = 4
const OPEN = 5
const CLOSE = 6

const kindOf = (byte: number): number => {
  const character = String.fromCharCode(byte)
  if (/[\s\0]/.test(character)) return SPACE
  if (/\d/.test(character)) return DIGIT
  if (/[a-z]/i.test(character)) return LETTER
  if ('([{'.includes(character)) return OPEN
  return ')]}'.includes(character) ? CLOSE : SYMBOL
}
const KINDS = Uint8Array.from({ length: 128 }, (_, byte) => kindOf(byte))

/** Latin, Greek and Cyrillic, Hebrew to Arabic, Indic to Thai, the rest of 0xe1, punctuation, kana and Han, Hangul and beyond. */
function scriptOf(lead: number, second: number): number {
  if (lead < 0xcd) return 0
  if (lead < 0xd5) return 1
  if (lead < 0xe0) return 2
  if (lead === 0xe0) return 3
  if (lead === 0xe1) return 4
  if (lead === 0xe2 || lead === 0xef) return -1
  if (lead === 0xe3 && second < 0x81) return -1
  return lead < 0xea ? 5 : lead < 0xf0 ? 6 : 7
}

const seen = new WordMarks()
const WINDOW_BYTES = 4096

/** Fills a surface from bytes[from .. to), well-formed UTF-8. */
export function readSurface(surface: Surface, bytes: Uint8Array, from: number, to: number): void {
  countCharacters(surface, bytes, from, to)
  countLines(surface, bytes, from, to)
  countWindows(surface, bytes, from, Math.min(to, from + WINDOW_BYTES))
  let first = from
  let last = to - 1
  while (first < to && KINDS[bytes[first]] === SPACE) first++
  while (last > first && KINDS[bytes[last]] === SPACE) last--
  surface.first = first < to ? bytes[first] : 0
  surface.last = first < to ? pointBefore(bytes, last + 1) : 0
}

/** The code point whose bytes end at `end`. */
function pointBefore(bytes: Uint8Array, end: number): number {
  let at = end - 1
  let point = 0
  for (let shift = 0; bytes[at] >= 0x80 && bytes[at] < 0xc0; at--, shift += 6) point |= (bytes[at] & 0x3f) << shift
  const size = end - at
  return size === 1 ? bytes[at] : point | ((bytes[at] & (0x7f >> size)) << (6 * (size - 1)))
}

/** Letters by script of bytes[from .. to) alone. */
export function readScripts(scripts: Float64Array, bytes: Uint8Array, from: number, to: number): void {
  scripts.fill(0)
  for (let at = from; at < to; at++) {
    const byte = bytes[at]
    if (byte < 0x80) {
      if (KINDS[byte] === LETTER) scripts[0]++
    } else if (byte >= 0xc0) {
      const script = scriptOf(byte, bytes[at + 1])
      if (script >= 0) scripts[script]++
    }
  }
}

function countCharacters(surface: Surface, bytes: Uint8Array, from: number, to: number): void {
  readScripts(surface.scripts, bytes, from, to)
  const counts = new Int32Array(8)
  let replacements = 0
  for (let at = from; at < to; at++) {
    const byte = bytes[at]
    if (byte < 0x80) counts[KINDS[byte]]++
    else if (byte === 0xef && bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbd) replacements++
  }
  surface.symbols = counts[SYMBOL] + counts[OPEN] + counts[CLOSE]
  surface.digits = counts[DIGIT]
  surface.unbalanced = counts[OPEN] - counts[CLOSE]
  surface.replacements = replacements
}

const BACKTICK = 0x60
const NEWLINE = 0x0a

function countLines(surface: Surface, bytes: Uint8Array, from: number, to: number): void {
  let newlines = 0
  for (let at = from; at < to; at++) if (bytes[at] === NEWLINE) newlines++
  seen.clear(newlines + 1)
  let fences = 0
  surface.lines = 0
  surface.repeated_lines = 0
  for (let begin = from; begin < to; ) {
    let end = begin
    let h = 0
    for (; end < to && bytes[end] !== NEWLINE; end++) if (KINDS[bytes[end]] !== SPACE) h = Math.imul(h ^ bytes[end], 0x01000193) + 1
    if (h !== 0) {
      surface.lines++
      if (seen.mark(mix32(h), 1)) surface.repeated_lines++
      if (end - begin >= 3 && bytes[begin] === BACKTICK && bytes[begin + 1] === BACKTICK && bytes[begin + 2] === BACKTICK) fences++
    }
    begin = end + 1
  }
  surface.open_fences = fences & 1
}

function countWindows(surface: Surface, bytes: Uint8Array, from: number, to: number): void {
  const windows = Math.max(0, to - from - 3)
  let distinct = 0
  seen.clear(windows + 1)
  for (let at = from; at < from + windows; at++) {
    const window = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
    if (seen.mark(mix32(window), 1) === 0) distinct++
  }
  surface.distinct_windows = windows > 0 ? distinct / windows : 1
}
