/** Finds runs of words that a stream of texts shares with the texts of an index. */
import { absorbWord, FILTER_SHIFT, type NgramIndex, seedHash, wordPower } from './ngram-index.ts'

/** Bounds the work on hostile repetition: words compared for each word of the stream. */
const PATIENCE = 64

/** Words of the stream, in texts that lie one after another. */
export class NgramMatcher {
  readonly #index: NgramIndex
  readonly #lengths: readonly { readonly length: number; readonly leaving: number }[]
  /** Polynomials of the first words of a text, by their number: the difference of two is that of the words between. */
  #absorbed = new Int32Array(1 << 12)
  /** By text of the index: where its last run ended, and how far the stream was ahead of the text. */
  readonly #ends: Int32Array
  readonly #shifts: Int32Array
  /** Words that may still be compared in this text of the stream for seeds that lie inside another run of theirs. */
  #patience = 0
  /** Runs found by the last `find`: `words` words from word `from` of text `text`, at word `at` of the stream. */
  count = 0
  text = new Int32Array(16)
  from = new Int32Array(16)
  words = new Int32Array(16)
  at = new Int32Array(16)

  constructor(index: NgramIndex) {
    this.#index = index
    this.#lengths = index.seeds.lengths.map(length => ({ length, leaving: wordPower(length) }))
    this.#ends = new Int32Array(index.starts.length - 1)
    this.#shifts = new Int32Array(index.starts.length - 1)
  }

  /** To be called before the first text of another stream. */
  restart(): void {
    this.#ends.fill(0)
  }

  /** Looks at words hashes[begin .. end), one text of the stream; texts must come in their order. */
  find(hashes: Uint32Array, begin: number, end: number): void {
    this.count = 0
    this.#patience = PATIENCE * (end - begin)
    if (end - begin >= this.#absorbed.length) this.#absorbed = new Int32Array(2 * (end - begin) + 1)
    for (let i = begin, h = 0; i < end; i++) this.#absorbed[i - begin + 1] = h = absorbWord(h, hashes[i])
    for (const { length, leaving } of this.#lengths) {
      // a text of one or two words counts only where it is all there is
      if (length < 3 && end - begin !== length) continue
      this.#scan(hashes, begin, end, length, leaving)
    }
  }

  #scan(hashes: Uint32Array, begin: number, end: number, length: number, leaving: number): void {
    const { filter } = this.#index.seeds
    const absorbed = this.#absorbed
    const mask = filter.length * 32 - 1
    const last = end - begin - length
    for (let i = 0; i <= last; i++) {
      const hash = seedHash((absorbed[i + length] - Math.imul(absorbed[i], leaving)) | 0, length)
      const bit = (hash >>> FILTER_SHIFT) & mask
      if (filter[bit >>> 5] & (1 << (bit & 31))) this.#lookUp(hash, hashes, begin, end, begin + i, length)
    }
  }

  #lookUp(hash: number, hashes: Uint32Array, begin: number, end: number, at: number, length: number): void {
    const { slots, hash: known, text, offset, next } = this.#index.seeds
    const mask = slots.length - 1
    let slot = hash & mask
    while (slots[slot] !== 0 && known[slots[slot] - 1] !== hash) slot = (slot + 1) & mask
    for (let place = slots[slot] - 1; place >= 0; place = next[place])
      if (!this.#isKnown(text[place], at - offset[place], at)) this.#extend(text[place], offset[place], hashes, begin, end, at, length)
  }

  /** Inside the text's last run; a run with another shift, as repetitive texts have them, is looked at while patience lasts. */
  #isKnown(text: number, shift: number, at: number): boolean {
    return at < this.#ends[text] && (this.#shifts[text] === shift || this.#patience <= 0)
  }

  /** Compares words themselves: what a hash promised is checked, and the run goes on both ways as far as it is true. */
  #extend(text: number, offset: number, hashes: Uint32Array, begin: number, end: number, at: number, length: number): void {
    const { hashes: own, starts } = this.#index
    const last = starts[text + 1]
    let right = 0
    let k = starts[text] + offset
    while (k + right < last && at + right < end && own[k + right] === hashes[at + right]) right++
    if (right < length) return
    let left = 0
    while (k > starts[text] && at - left > begin && own[k - 1] === hashes[at - left - 1]) {
      k--
      left++
    }
    this.#patience -= left + right
    if (!this.#counts(text, left + right)) return
    this.#ends[text] = at + right
    this.#shifts[text] = at - offset
    this.#push(text, k - starts[text], left + right, at - left)
  }

  #counts(text: number, words: number): boolean {
    const { starts, ngram } = this.#index
    return words >= Math.min(ngram[text], starts[text + 1] - starts[text])
  }

  #push(text: number, from: number, words: number, at: number): void {
    if (this.count === this.text.length) this.#grow()
    this.text[this.count] = text
    this.from[this.count] = from
    this.words[this.count] = words
    this.at[this.count++] = at
  }

  #grow(): void {
    const grown = (array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> => {
      const twice = new Int32Array(array.length * 2)
      twice.set(array)
      return twice
    }
    this.text = grown(this.text)
    this.from = grown(this.from)
    this.words = grown(this.words)
    this.at = grown(this.at)
  }
}
