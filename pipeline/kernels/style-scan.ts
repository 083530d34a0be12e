/** Length, Markdown and signs of a text, in one pass over its bytes. */
import {
  BOLD,
  CHARACTERS,
  CODE_BLOCKS,
  CODE_CHARACTERS,
  COUNTS,
  HEADERS,
  LINES,
  ORDERED,
  PARAGRAPHS,
  SENTENCES,
  UNORDERED,
} from './style-counts.ts'
import { ASCII_SIGNS, BAR, BEYOND_ASCII, DIGIT, DOT, EMOJI, EMPHASIS, JOINER, NEWLINE, ORDINARY, signOf } from './style-signs.ts'

const LINE_FEED = 0x0a
const HASH = 0x23
const PARENTHESIS = 0x29
const ASTERISK = 0x2a
const PLUS = 0x2b
const HYPHEN = 0x2d
const FULL_STOP = 0x2e
const UNDERSCORE = 0x5f
const BACKTICK = 0x60

/** Space, tab, carriage return. */
const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0d
const isSpace = (byte: number): boolean => isBlank(byte) || byte === LINE_FEED
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39
const isFence = (bytes: Uint8Array, at: number, to: number): boolean =>
  at + 3 <= to && bytes[at] === BACKTICK && bytes[at + 1] === BACKTICK && bytes[at + 2] === BACKTICK

/** Marks that may stand between the end of a sentence and the white space after it: " ' ) * ] _ and all beyond ASCII. */
export const CLOSING = Uint8Array.from({ length: 256 }, (_, byte) =>
  isSpace(byte) || byte >= 0x80 || '"\')*]_'.includes(String.fromCharCode(byte)) ? 1 : 0,
)
const closes = (byte: number): boolean => CLOSING[byte] === 1
/** Letters and digits, all beyond ASCII among them. */
export const ASCII_WORD = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x80 || /[0-9a-z]/i.test(String.fromCharCode(byte)) ? 1 : 0,
)

const sizeAt = (bytes: Uint8Array, at: number): number => (bytes[at] < 0x80 ? 1 : bytes[at] < 0xe0 ? 2 : bytes[at] < 0xf0 ? 3 : 4)

/** The code point of `size` well-formed bytes. */
function pointAt(bytes: Uint8Array, at: number, size: number): number {
  if (size === 1) return bytes[at]
  if (size === 2) return ((bytes[at] & 0x1f) << 6) | (bytes[at + 1] & 0x3f)
  if (size === 3) return ((bytes[at] & 0x0f) << 12) | ((bytes[at + 1] & 0x3f) << 6) | (bytes[at + 2] & 0x3f)
  return ((bytes[at] & 0x07) << 18) | ((bytes[at + 1] & 0x3f) << 12) | ((bytes[at + 2] & 0x3f) << 6) | (bytes[at + 3] & 0x3f)
}

/** Counts over the texts of one response. */
export class StyleScan {
  /** Places of style-counts.ts. */
  readonly counts = new Int32Array(COUNTS)
  /** Where the fenced blocks of the last text begin and end. */
  readonly code: number[] = []
  /** Of the text being read: bytes that are no character of prose, the open mark of bold text, whether no line came since a blank one. */
  #skipped = 0
  #boldMark = 0
  #afterBlank = true

  /** Another response begins. */
  restart(): void {
    this.counts.fill(0)
  }

  /** Reads bytes[from .. to), well-formed UTF-8. */
  read(bytes: Uint8Array, from: number, to: number): void {
    this.code.length = 0
    this.#skipped = 0
    this.#afterBlank = true
    let at = this.#startLine(bytes, from, to)
    while (at < to) {
      const sign = ASCII_SIGNS[bytes[at]]
      if (sign === ORDINARY) at++
      else if (sign <= BAR) {
        this.counts[sign]++
        at++
      } else if (sign === BEYOND_ASCII) at = this.#readWide(bytes, at, from, to)
      else if (sign === NEWLINE) at = this.#startLine(bytes, at + 1, to)
      else if (sign >= DOT) at = this.#stop(bytes, at, to)
      else at = sign === EMPHASIS ? this.#emphasise(bytes, at, from, to) : this.#readBackticks(bytes, at, to)
    }
    this.counts[CHARACTERS] += to - from - this.#skipped
  }

  /** A line begins at `at`; gives the place after its marker. */
  #startLine(bytes: Uint8Array, at: number, to: number): number {
    this.#boldMark = 0
    let text = at
    while (text < to && isBlank(bytes[text])) text++
    if (text === to || bytes[text] === LINE_FEED) this.#afterBlank = true
    if (text === to || bytes[text] === LINE_FEED || isFence(bytes, text, to)) return text
    this.counts[LINES]++
    if (this.#afterBlank) this.counts[PARAGRAPHS]++
    this.#afterBlank = false
    return this.#readMarker(bytes, text, to)
  }

  #readMarker(bytes: Uint8Array, at: number, to: number): number {
    const byte = bytes[at]
    let end = at
    if (byte === HASH) {
      while (end < to && bytes[end] === HASH) end++
      if (end - at <= 6 && (end === to || isSpace(bytes[end]))) this.counts[HEADERS]++
      return end
    }
    if (byte === HYPHEN || byte === PLUS || byte === ASTERISK) {
      if (at + 1 < to && !isSpace(bytes[at + 1])) return at
      this.counts[UNORDERED]++
      return at + 1
    }
    if (byte === 0xe2 && bytes[at + 1] === 0x80 && bytes[at + 2] === 0xa2) this.counts[UNORDERED]++ // U+2022
    if (!isDigit(byte)) return at
    while (end < to && isDigit(bytes[end])) end++
    if (end === to) return at
    const dotted = end + 1 < to && (bytes[end] === FULL_STOP || bytes[end] === PARENTHESIS) && isSpace(bytes[end + 1])
    const listed = dotted || (bytes[end] === 0xe3 && bytes[end + 1] === 0x80 && bytes[end + 2] === 0x81) // U+3001
    if (!listed) return at
    this.counts[ORDERED]++
    this.counts[DIGIT] += end - at
    return dotted ? end + 1 : end
  }

  #readWide(bytes: Uint8Array, at: number, from: number, to: number): number {
    const size = sizeAt(bytes, at)
    const sign = signOf(pointAt(bytes, at, size))
    if (sign >= DOT) return this.#stop(bytes, at, to)
    this.#skipped += size - 1
    // pictographs glued together are one
    const glued = sign === EMOJI && at - 3 >= from && signOf(pointAt(bytes, at - 3, 3)) === JOINER
    if (!glued) this.counts[sign]++
    return at + size
  }

  /** One or more marks that may end a sentence. */
  #stop(bytes: Uint8Array, at: number, to: number): number {
    let wide = false
    let end = at
    while (end < to) {
      const size = sizeAt(bytes, end)
      const sign = signOf(pointAt(bytes, end, size))
      if (sign < DOT) break
      this.counts[sign]++
      this.#skipped += size - 1
      wide ||= size > 1
      end += size
    }
    if (wide || end === to || closes(bytes[end])) this.counts[SENTENCES]++
    return end
  }

  /** Two marks open what the next two on the same line close; underscores do so only at the edge of a word. */
  #emphasise(bytes: Uint8Array, at: number, from: number, to: number): number {
    const mark = bytes[at]
    let end = at + 1
    while (end < to && bytes[end] === mark) end++
    if (end - at !== 2 && end - at !== 3) return end
    const inWord = (place: number): boolean => place >= from && place < to && ASCII_WORD[bytes[place]] === 1
    if (this.#boldMark === mark) {
      if (mark === UNDERSCORE && inWord(end)) return end
      this.counts[BOLD]++
      this.#boldMark = 0
    } else if (mark !== UNDERSCORE || !inWord(at - 1)) this.#boldMark = mark
    return end
  }

  /** Three or more open a block that the next three or the end of the text close. */
  #readBackticks(bytes: Uint8Array, at: number, to: number): number {
    let open = at
    while (open < to && bytes[open] === BACKTICK) open++
    if (open - at < 3) return open
    let close = open
    while (close < to && !isFence(bytes, close, to)) {
      if ((bytes[close] & 0xc0) !== 0x80) this.counts[CODE_CHARACTERS]++
      close++
    }
    while (close < to && bytes[close] === BACKTICK) close++
    this.counts[CODE_BLOCKS]++
    this.code.push(at, close)
    this.#skipped += close - at
    this.#afterBlank = true
    return close
  }
}
