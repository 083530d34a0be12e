/** From shared words to evidence: which items a pair holds, how much of them, and whether that counts as contamination. */
import type { Columns } from '../batch.ts'
import { type Overlap, overlapOf, type Telling, tellingWords } from '../kernels/overlap.ts'
import type { BenchmarkIndex } from './benchmark-index.ts'
import type { hitColumns } from './contamination.ts'

/** A turn says the item and nothing else; it holds an item shorter than an n-gram; it shares n-grams with the item. */
export const kinds = ['exact', 'whole', 'ngram'] as const

export interface Evidence {
  readonly text: number
  /** Index into `kinds`. */
  readonly kind: number
  readonly counts: boolean
  /** Shares of the item's words and of the turn's words that are the same. */
  readonly coverage: number
  readonly turn_coverage: number
  /** The longest run: its place among the hits of the column. */
  readonly hit: number
}

type Hits = Columns<typeof hitColumns>['hits']

/** Of one pair at most so many items are told, those that count and the best covered first. */
const MOST_ITEMS = 20

/** Weighs the hits of pairs against n-grams that are boilerplate. */
export class Evidences {
  readonly #index: BenchmarkIndex
  readonly #stopped: ReadonlySet<number>
  readonly #telling: Telling
  readonly #minCoverage: number

  constructor(index: BenchmarkIndex, stopped: ReadonlySet<number>, minCoverage: number) {
    this.#index = index
    this.#stopped = stopped
    this.#telling = tellingWords(index.ngrams, stopped)
    this.#minCoverage = minCoverage
  }

  /** Evidence of row `row`, one an item, the strongest first; `strict` = whatever is shared counts. */
  of(hits: Hits, row: number, strict: boolean): Evidence[] {
    const byItem = new Map<number, Evidence>()
    for (const places of byTurn(hits, row)) {
      const evidence = this.#weigh(hits, places, strict)
      const item = this.#index.ngrams.item[evidence.text]
      const before = byItem.get(item)
      if (!before || compare(evidence, before) < 0) byItem.set(item, evidence)
    }
    return [...byItem.values()].sort(compare).slice(0, MOST_ITEMS)
  }

  /** `places`: hits of one text in one turn. */
  #weigh(hits: Hits, places: readonly number[], strict: boolean): Evidence {
    const { text: texts, from, words, at, turn_words } = hits.items.columns
    const text = texts.values[places[0]]
    const { starts, ngram } = this.#index.ngrams
    const size = starts[text + 1] - starts[text]
    const overlap = overlapOf(
      this.#index.ngrams,
      this.#telling,
      text,
      places.map(k => ({ from: from.values[k], words: words.values[k], at: at.values[k] })),
    )
    const exact = places.some(k => words.values[k] === size && turn_words.values[k] === size)
    const short = size < ngram[text]
    return {
      text,
      kind: exact ? 0 : short ? 1 : 2,
      counts: strict || exact || (short ? !this.#stopped.has(starts[text]) : this.#suffices(overlap, ngram[text])),
      coverage: overlap.covered / size,
      turn_coverage: overlap.shared / turn_words.values[places[0]],
      hit: places.reduce((best, k) => (words.values[k] > words.values[best] ? k : best)),
    }
  }

  /** A whole item always does, however common its words; a piece of one, if it is enough of what sets the item apart. */
  #suffices({ whole, left, leftOf, quotation }: Overlap, ngram: number): boolean {
    if (whole) return true
    if (left < ngram / 2) return false
    return this.#minCoverage === 0 || (left >= this.#minCoverage * leftOf && !quotation)
  }
}

function byTurn({ starts, items }: Hits, row: number): Iterable<number[]> {
  const { text, field, turn } = items.columns
  const groups = new Map<string, number[]>()
  for (let k = starts[row]; k < starts[row + 1]; k++) {
    const key = `${text.values[k]} ${field.values[k]} ${turn.values[k]}`
    const group = groups.get(key)
    if (group) group.push(k)
    else groups.set(key, [k])
  }
  return groups.values()
}

const compare = (a: Evidence, b: Evidence): number =>
  Number(b.counts) - Number(a.counts) || b.coverage - a.coverage || a.kind - b.kind || a.text - b.text || a.hit - b.hit
