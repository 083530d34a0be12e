/** A page too large to lie in memory unpacked, read from its beginning to its end; what is taken of it stays valid. */

/** Pieces are gathered in so many bytes at least. */
const WINDOW = 4 * 2 ** 20
/** Most that a piece has. */
const PIECE = 1 << 18

const endsEarly = (): RangeError => new RangeError('a page ends before its values do')

export class PageStream {
  readonly #pieces: Iterator<Uint8Array>
  #left: number
  #window = new Uint8Array(0)
  #at = 0
  #end = 0

  /** `size`: bytes of all pieces. */
  constructor(pieces: Iterator<Uint8Array>, size: number) {
    this.#pieces = pieces
    this.#left = size
  }

  /** The next bytes; throws RangeError where there are fewer. */
  take(length: number): Uint8Array {
    if (this.#end - this.#at < length) this.#fill(length)
    this.#at += length
    return this.#window.subarray(this.#at - length, this.#at)
  }

  /** A whole number of four bytes, the lowest first. */
  size(): number {
    if (this.#end - this.#at < 4) this.#fill(4)
    const window = this.#window
    const at = this.#at
    this.#at += 4
    return window[at] + window[at + 1] * 2 ** 8 + window[at + 2] * 2 ** 16 + window[at + 3] * 2 ** 24
  }

  /** What was given out lies in the window of before, so a new one is begun. */
  #fill(length: number): void {
    const rest = this.#window.subarray(this.#at, this.#end)
    if (length > rest.length + this.#left) throw endsEarly()
    const window = new Uint8Array(Math.max(length, Math.min(WINDOW, rest.length + this.#left)) + PIECE)
    window.set(rest)
    let end = rest.length
    while (end + PIECE <= window.length && this.#left > 0) {
      const { value, done } = this.#pieces.next()
      if (done) throw endsEarly()
      window.set(value, end)
      end += value.length
      this.#left -= value.length
    }
    if (this.#left === 0 && !this.#pieces.next().done) throw new RangeError('a page has more bytes than it says')
    this.#window = window
    this.#at = 0
    this.#end = end
  }
}
