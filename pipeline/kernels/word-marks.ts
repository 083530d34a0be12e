/** A table above this is given back, so that one giant text does not stay in memory. */
const KEPT_SLOTS = 1 << 20

/** A set of 32-bit hashes with eight marks each, emptied in constant time: made once, used for every pair. */
export class WordMarks {
  #keys = new Uint32Array(1 << 10)
  #rounds = new Int32Array(1 << 10)
  #marks = new Uint8Array(1 << 10)
  #mask = (1 << 10) - 1
  #round = 0

  /** Forgets all marks and makes room for `words` distinct hashes. */
  clear(words: number): void {
    if (++this.#round === 0x7fffffff) {
      this.#rounds.fill(0)
      this.#round = 1
    }
    const size = Math.max(1 << 10, 2 ** Math.ceil(Math.log2(words * 2 + 2)))
    if (size <= this.#keys.length && (this.#keys.length <= KEPT_SLOTS || size > KEPT_SLOTS)) return
    this.#keys = new Uint32Array(size)
    this.#rounds = new Int32Array(size)
    this.#marks = new Uint8Array(size)
    this.#mask = size - 1
    this.#round = 1
  }

  /** Adds marks to a hash and gives the marks it had before. */
  mark(hash: number, marks: number): number {
    const slot = this.#slot(hash)
    if (this.#rounds[slot] !== this.#round) {
      this.#rounds[slot] = this.#round
      this.#keys[slot] = hash
      this.#marks[slot] = marks
      return 0
    }
    const before = this.#marks[slot]
    this.#marks[slot] = before | marks
    return before
  }

  /** Where a hash is or would go; hashes are well mixed, so that their low bits serve as they are. */
  #slot(hash: number): number {
    let slot = hash & this.#mask
    while (this.#rounds[slot] === this.#round && this.#keys[slot] !== hash >>> 0) slot = (slot + 1) & this.#mask
    return slot
  }
}
