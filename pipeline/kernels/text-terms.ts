/** Terms that tell the sides of a pair apart: words, words of the prompt once more, and word pairs that one response has and the other has not. */
import { mix32 } from './mix.ts'
import { compiled } from './native.ts'
import { nativeTerms, type TermCollector } from './native-terms.ts'
import { WordMarks } from './word-marks.ts'

/** Words of one side of rows: row i's are hashes[starts[i] .. starts[i + 1]). */
export interface SideWords {
  readonly hashes: Uint32Array
  readonly starts: Int32Array
}

const PROMPT = 1
const CHOSEN = 2
const REJECTED = 4
const TOLD = 8

const WORD = 0x2545f491
const PROMPT_WORD = 0x6c8e9cf5
const WORD_PAIR = 0x1b56c4e9

const wasm = compiled('terms')
const builtIn = wasm ? nativeTerms(wasm) : null

/**
 * The terms of every row, about `most` of each: row i's are values[starts[i] .. starts[i + 1]), in the low bit whose side alone has it (1 =
 * rejected), the other 31 bits a hash. Words come before word pairs, each thinned by hash where there are too many.
 */
export function termLists(
  sides: readonly [prompt: SideWords, chosen: SideWords, rejected: SideWords],
  rows: number,
  most: number,
  native: TermCollector | null = builtIn,
): { starts: Int32Array; values: Int32Array } {
  const finder = new TermFinder(most)
  const starts = new Int32Array(rows + 1)
  const parts: Int32Array[] = []
  let end = 0
  const add = (terms: Int32Array): void => {
    parts.push(terms)
    end += terms.length
  }
  for (let i = 0; i < rows; ) {
    const done = native?.(sides, i, rows, most, starts, add) ?? i
    if (done > i) i = done
    else {
      const [prompt, chosen, rejected] = sides.map(side => side.hashes.subarray(side.starts[i], side.starts[i + 1]))
      finder.find(prompt, chosen, rejected)
      add(finder.found.slice(0, finder.count))
      starts[++i] = end
    }
  }
  const values = new Int32Array(end)
  for (let k = 0, at = 0; k < parts.length; at += parts[k++].length) values.set(parts[k], at)
  return { starts, values }
}

const termOf = (hash: number, kind: number, rejected: number): number => (mix32(hash ^ kind) & ~1) | rejected

/** Looks at one pair at a time; its buffers are used again for the next. */
class TermFinder {
  readonly #words = new WordMarks()
  readonly #pairs = new WordMarks()
  readonly #most: number
  /** Terms of the pair last seen are found[0 .. count). */
  found = new Int32Array(1 << 12)
  count = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Words and words shared with the prompt first, then as many word pairs as there is room for. */
  find(prompt: Uint32Array, chosen: Uint32Array, rejected: Uint32Array): void {
    const size = prompt.length + chosen.length + rejected.length
    this.#words.clear(size)
    this.#pairs.clear(size)
    this.count = 0
    const room = 3 * (chosen.length + rejected.length)
    if (room > this.found.length) this.found = new Int32Array(room)
    for (const word of prompt) this.#words.mark(word, PROMPT)
    for (const word of chosen) this.#words.mark(word, CHOSEN)
    for (const word of rejected) this.#words.mark(word, REJECTED)
    this.#tell(chosen, REJECTED, 0)
    this.#tell(rejected, CHOSEN, 1)
    this.#thin(0, this.#most)
    const words = this.count
    if (words >= this.#most) return
    this.#markPairs(chosen, CHOSEN)
    this.#markPairs(rejected, REJECTED)
    this.#tellPairs(chosen, REJECTED, 0)
    this.#tellPairs(rejected, CHOSEN, 1)
    this.#thin(words, this.#most - words)
  }

  #tell(words: Uint32Array, other: number, rejected: number): void {
    for (const word of words) {
      const marks = this.#words.mark(word, TOLD)
      if (marks & (other | TOLD)) continue
      this.found[this.count++] = termOf(word, WORD, rejected)
      if (marks & PROMPT) this.found[this.count++] = termOf(word, PROMPT_WORD, rejected)
    }
  }

  #markPairs(words: Uint32Array, side: number): void {
    for (let k = 1; k < words.length; k++) this.#pairs.mark(pairHash(words[k - 1], words[k]), side)
  }

  #tellPairs(words: Uint32Array, other: number, rejected: number): void {
    for (let k = 1; k < words.length; k++) {
      const hash = pairHash(words[k - 1], words[k])
      if ((this.#pairs.mark(hash, TOLD) & (other | TOLD)) === 0) this.found[this.count++] = termOf(hash, WORD_PAIR, rejected)
    }
  }

  /** Leaves about `most` of the terms from `from` on: those of the smallest hashes, so that pairs keep the same terms. */
  #thin(from: number, most: number): void {
    const share = most / (this.count - from)
    if (!(share < 1)) return
    let kept = from
    for (let k = from; k < this.count; k++) if (mix32(this.found[k] >>> 1) * 2 ** -32 < share) this.found[kept++] = this.found[k]
    this.count = kept
  }
}

/** All terms of one response, as those of a pair whose other side is empty. */
export class ResponseTerms {
  readonly #finder = new TermFinder(Number.POSITIVE_INFINITY)

  /** Hashes of words in, terms out. */
  of(prompt: Uint32Array, response: Uint32Array): Int32Array {
    this.#finder.find(prompt, response, new Uint32Array(0))
    return this.#finder.found.slice(0, this.#finder.count)
  }
}

const pairHash = (first: number, second: number): number => mix32(Math.imul(first, 0x9e3779b1) ^ second)
