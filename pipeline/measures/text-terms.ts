/** What one response says and the other does not: the terms by which a linear model of text tells a pair's sides apart. */
import { type Batch, batchOf, type Columns, columnsOf, type List, listOf, type Schema, type Turns } from '../batch.ts'
import { mix32 } from '../kernels/mix.ts'
import { rowStarts, type Tokens, tokensOf } from '../kernels/tokens.ts'
import { WordMarks } from '../kernels/word-marks.ts'
import { pairTexts } from '../pair.ts'
import { defineMeasure } from '../stage.ts'

/** A term's low bit is 0 where chosen alone has it, 1 where rejected alone has it; the other 31 bits are a hash of the term. */
export const termsField = { list: { term: 'i32' } } as const
export const termColumns = { terms: termsField } as const

const PROMPT = 1
const CHOSEN = 2
const REJECTED = 4
const TOLD = 8

const WORD = 0x2545f491
const PROMPT_WORD = 0x6c8e9cf5
const WORD_PAIR = 0x1b56c4e9

const termOf = (hash: number, kind: number, rejected: number): number => (mix32(hash ^ kind) & ~1) | rejected

/** Hashes of one row's words of one text. */
const wordsOf = (tokens: Tokens, starts: Int32Array, row: number): Uint32Array => tokens.hashes.subarray(starts[row], starts[row + 1])

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

/** `max_terms`: terms of one pair, about. Words come before word pairs, each thinned by hash where there are too many. */
export const textTerms = defineMeasure<{ max_terms: number }>({
  name: 'text-terms',
  version: 1,
  reads: pairTexts,
  adds: () => termColumns,
  open: ({ max_terms }) => {
    const finder = new TermFinder(max_terms)
    return batch => termsOf(columnsOf(batch, pairTexts), batch.rows, finder)
  },
})

function termsOf(texts: Columns<typeof pairTexts>, rows: number, finder: TermFinder): Columns<Schema> {
  const sides = [texts.prompt, texts.chosen, texts.rejected].map(turns => {
    const tokens = tokensOf((turns as Turns).items.columns.content)
    return { tokens, starts: rowStarts(turns as Turns, tokens) }
  })
  const starts = new Int32Array(rows + 1)
  const parts: Int32Array[] = []
  for (let i = 0; i < rows; i++) {
    const [prompt, chosen, rejected] = sides.map(side => wordsOf(side.tokens, side.starts, i))
    finder.find(prompt, chosen, rejected)
    parts.push(finder.found.slice(0, finder.count))
    starts[i + 1] = starts[i] + finder.count
  }
  const values = new Int32Array(starts[rows])
  for (let i = 0; i < rows; i++) values.set(parts[i], starts[i])
  return { terms: { starts, items: batchOf(termsField.list, values.length, { term: { values } }) as unknown as Batch } }
}

const THIN = 0x5bd1e995

/** Leaves about `most` terms of each pair: those of the smallest hashes, so that pairs keep the same terms. */
export function thinned({ starts, items }: List<typeof termsField.list>, most: number): List<typeof termsField.list> {
  const { values } = items.columns.term
  const counts = new Int32Array(starts.length - 1)
  const kept = new Int32Array(values.length)
  let at = 0
  for (let row = 0; row < counts.length; row++) {
    const share = most / (starts[row + 1] - starts[row])
    const from = at
    for (let k = starts[row]; k < starts[row + 1]; k++) if (mix32((values[k] >>> 1) ^ THIN) * 2 ** -32 < share) kept[at++] = values[k]
    counts[row] = at - from
  }
  return listOf(counts, batchOf(termsField.list, at, { term: { values: kept.slice(0, at) } }))
}
