/** What the bytes of a text show without being read: scripts, symbols, brackets, repeated lines, how it ends. */
import { mix32 } from './mix.ts'
import { WordMarks } from './word-marks.ts'

/** Groups of scripts told apart by the lead bytes of their UTF-8 sequences. */
export const SCRIPTS = 8

export interface Surface {
  /** Letters of each group of scripts. */
  readonly scripts: Float64Array
  bytes: number
  /** ASCII characters that are neither letters, digits nor white space. */
  symbols: number
  digits: number
  /** Opening less closing brackets of all kinds, where they differ. */
  unbalanced: number
  /** Lines of ``` that open a block nothing closes. */
  open_fences: number
  replacements: number
  /** 1 where a marker of chat templates begins anywhere: <|. */
  markers: number
  lines: number
  repeated_lines: number
  /** Lines that begin as the turn of a speaker does. */
  speaker_lines: number
  /** Windows of four bytes in the first 2 KB, and how many of them are distinct, about. */
  windows: number
  distinct_windows: number
  /** The first byte that is not ASCII white space, and the code point that ends there; 0 in an empty text. */
  first: number
  last: number
}

export const newSurface = (): Surface => ({
  scripts: new Float64Array(SCRIPTS),
  bytes: 0,
  symbols: 0,
  digits: 0,
  unbalanced: 0,
  open_fences: 0,
  replacements: 0,
  markers: 0,
  lines: 0,
  repeated_lines: 0,
  speaker_lines: 0,
  windows: 0,
  distinct_windows: 0,
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
const WINDOW_BYTES = 2048

/** Fills a surface from bytes[from .. to), well-formed UTF-8. */
export function readSurface(surface: Surface, bytes: Uint8Array, from: number, to: number): void {
  surface.bytes = to - from
  surface.markers = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).includes('<|') ? 1 : 0
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
  const { scripts } = surface
  const counts = new Int32Array(8)
  scripts.fill(0)
  let replacements = 0
  for (let at = from; at < to; at++) {
    const byte = bytes[at]
    if (byte < 0x80) counts[KINDS[byte]]++
    else if (byte >= 0xc0) {
      const script = scriptOf(byte, bytes[at + 1])
      if (script >= 0) scripts[script]++
      else if (byte === 0xef && bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbd) replacements++
    }
  }
  scripts[0] += counts[LETTER]
  surface.symbols = counts[SYMBOL] + counts[OPEN] + counts[CLOSE]
  surface.digits = counts[DIGIT]
  surface.unbalanced = counts[OPEN] - counts[CLOSE]
  surface.replacements = replacements
}

const NEWLINE = 0x0a
const FENCE = new TextEncoder().encode('```')
/** How a line begins that is another speaker's turn. */
export const SPEAKERS = ['Human:', 'User:', 'Assistant:', '### Instruction', 'Question:'].map(text => new TextEncoder().encode(text))

function countLines(surface: Surface, bytes: Uint8Array, from: number, to: number): void {
  let newlines = 0
  for (let at = from; at < to; at++) if (bytes[at] === NEWLINE) newlines++
  if (newlines > 0) seen.clear(newlines + 1)
  let fences = 0
  surface.lines = 0
  surface.repeated_lines = 0
  surface.speaker_lines = 0
  for (let begin = from; begin < to; ) {
    const end = newlines > 0 ? lineEnd(bytes, begin, to) : to
    const h = newlines > 0 ? lineHash(bytes, begin, end) : 1
    if (h !== 0) {
      surface.lines++
      if (newlines > 0 && seen.mark(mix32(h), 1)) surface.repeated_lines++
      if (startsWith(bytes, begin, end, FENCE)) fences++
      if (begin > from && SPEAKERS.some(mark => startsWith(bytes, begin, end, mark))) surface.speaker_lines++
    }
    begin = end + 1
  }
  surface.open_fences = fences & 1
}

function lineEnd(bytes: Uint8Array, begin: number, to: number): number {
  let end = begin
  while (end < to && bytes[end] !== NEWLINE) end++
  return end
}

/** Of the bytes that are not white space; 0 where there are none. */
function lineHash(bytes: Uint8Array, begin: number, end: number): number {
  let h = 0
  for (let at = begin; at < end; at++) if (KINDS[bytes[at]] !== SPACE) h = Math.imul(h ^ bytes[at], 0x01000193) + 1
  return h
}

function startsWith(bytes: Uint8Array, begin: number, end: number, mark: Uint8Array): boolean {
  if (bytes[begin] !== mark[0] || end - begin < mark.length) return false
  for (let k = 1; k < mark.length; k++) if (bytes[begin + k] !== mark[k]) return false
  return true
}

const WINDOW_SLOTS = 1 << 14
const windowRounds = new Uint32Array(WINDOW_SLOTS)
let windowRound = 0

/** Windows that share a slot count as one: of 2,048 in 16,384 slots, six in a hundred at most. */
function countWindows(surface: Surface, bytes: Uint8Array, from: number, to: number): void {
  const windows = Math.max(0, to - from - 3)
  let distinct = 0
  windowRound = (windowRound + 1) >>> 0
  if (windowRound === 0) windowRounds.fill((windowRound = 1) - 1)
  for (let at = from; at < from + windows; at++) {
    const window = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
    const slot = Math.imul(window, 0x9e3779b1) >>> 18
    if (windowRounds[slot] !== windowRound) {
      windowRounds[slot] = windowRound
      distinct++
    }
  }
  surface.windows = windows
  surface.distinct_windows = distinct
}
