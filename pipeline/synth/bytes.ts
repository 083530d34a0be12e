/** A growing piece of UTF-8: text is made here byte by byte, because strings of millions of rows cost more than the rows. */
import { GrowingBytes } from '../codecs/growing-bytes.ts'

const HEX = '0123456789abcdef'
const UNICODE = 0x75
/** The letter after the backslash; 0 = no escape. */
const ESCAPES = Uint8Array.from({ length: 256 }, (_, byte) => {
  const short = '\b\t\n\f\r"\\'.indexOf(String.fromCharCode(byte))
  if (short >= 0) return 'btnfr"\\'.charCodeAt(short)
  return byte < 32 ? UNICODE : 0
})

/** `lay` may write, and read, this many bytes more than it is told to. */
export const OVERRUN = 12

/**
 * Copies source[from .. from + length) to `target` at `at`. Most words are short: twelve bytes are copied without asking, then four at a
 * time; 3 times as fast as a loop over bytes (12 against 38 ns a word, drawing it included).
 */
export function lay(target: DataView, at: number, source: DataView, from: number, length: number): void {
  target.setUint32(at, source.getUint32(from, true), true)
  target.setUint32(at + 4, source.getUint32(from + 4, true), true)
  target.setUint32(at + 8, source.getUint32(from + 8, true), true)
  for (let i = 12; i < length; i += 4) target.setUint32(at + i, source.getUint32(from + i, true), true)
}

/** A copy of the bytes with room for `lay` to read past the end. */
export function readable(bytes: Uint8Array): DataView {
  const padded = new Uint8Array(bytes.length + OVERRUN)
  padded.set(bytes)
  return new DataView(padded.buffer)
}

/** Whether one of four bytes is a control character, a quote or a backslash (Mycroft's test for a zero byte). */
function needsEscape(four: number): boolean {
  const quote = four ^ 0x22222222
  const backslash = four ^ 0x5c5c5c5c
  const control = (four - 0x20202020) & ~four
  return ((control | ((quote - 0x01010101) & ~quote) | ((backslash - 0x01010101) & ~backslash)) & 0x80808080) !== 0
}

export class Bytes extends GrowingBytes {
  /** Appends a string of ASCII characters. */
  ascii(text: string): void {
    this.reserve(text.length)
    for (let i = 0; i < text.length; i++) this.bytes[this.length++] = text.charCodeAt(i)
  }

  /** Appends a part of another piece as the inside of a JSON string. */
  json({ bytes, view }: Bytes, from: number, to: number): void {
    this.reserve((to - from) * 6)
    const out = this.view
    let at = this.length
    let i = from
    while (i < to) {
      const four = i + 4 <= to ? view.getUint32(i, true) : 0
      if (!needsEscape(four)) {
        out.setUint32(at, four, true)
        at += 4
        i += 4
      } else {
        for (const end = Math.min(i + 4, to); i < end; i++) at = this.#escaped(bytes[i], at)
      }
    }
    this.length = at
  }

  #escaped(byte: number, at: number): number {
    const letter = ESCAPES[byte]
    if (letter === 0) {
      this.bytes[at] = byte
      return at + 1
    }
    this.bytes[at] = 0x5c
    this.bytes[at + 1] = letter
    if (letter !== UNICODE) return at + 2
    for (const [k, c] of [...`00${HEX[byte >> 4]}${HEX[byte & 15]}`].entries()) this.bytes[at + 2 + k] = c.charCodeAt(0)
    return at + 6
  }
}
