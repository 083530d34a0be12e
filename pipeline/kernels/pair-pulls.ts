/** How pairs of one prompt pull at one another's margins: each by its alpha, through responses and terms that it shares with others. */
import type { Comparisons } from './comparisons.ts'
import type { GraphFit } from './preference-graph.ts'

/** Pairs are named by their places in the prompt. */
export interface PairPulls {
  /** Forgets all alphas. */
  forget(): void
  /** The offset and what the alphas of all pairs add to it. */
  marginOf(j: number): number
  /** What a pair's own alpha adds to its margin, for every unit of it. */
  ownOf(j: number): number
  /** Gives a pair so much more alpha. */
  add(j: number, change: number): void
}

/** So many pairs have the pull of each at each other in one table, which is made once and serves every fold. */
const MOST_DENSE = 128

/** What one prompt after the other uses. */
export interface Room {
  /** By slot of a prompt's terms, so that they stay in the cache. */
  readonly weights: Float32Array
  /** By response. */
  readonly strengths: Float64Array
}

export const roomFor = ({ nodes, term_bits }: Comparisons): Room => ({
  weights: new Float32Array(2 ** term_bits.reduce((most, bits) => Math.max(most, bits), 0)),
  strengths: new Float64Array(nodes),
})

export const pullsOf = (graph: Comparisons, fit: GraphFit, pairs: Int32Array, room: Room): PairPulls =>
  pairs.length <= MOST_DENSE ? new DensePulls(graph, fit, pairs, room) : new SparsePulls(graph, fit, pairs, room)

/** The dual: margins of all pairs are kept, and moved by every change. */
export class DensePulls implements PairPulls {
  readonly #offsets: Float64Array
  readonly #margins: Float64Array
  /** pulls[j * pairs + i]: by how much a unit of j's alpha moves the margin of i. */
  readonly #pulls: Float64Array

  constructor(graph: Comparisons, fit: GraphFit, pairs: Int32Array, { weights }: Room) {
    this.#offsets = Float64Array.from(pairs, e => graph.offsets[e])
    this.#margins = new Float64Array(pairs.length)
    this.#pulls = pullTable(graph, fit, pairs, weights)
  }

  forget(): void {
    this.#margins.set(this.#offsets)
  }

  marginOf(j: number): number {
    return this.#margins[j]
  }

  ownOf(j: number): number {
    return this.#pulls[j * this.#margins.length + j]
  }

  add(j: number, change: number): void {
    const margins = this.#margins
    const pulls = this.#pulls
    for (let i = 0, at = j * margins.length; i < margins.length; i++, at++) margins[i] += change * pulls[at]
  }
}

function pullTable(graph: Comparisons, { strength_l2, term_l2 }: GraphFit, pairs: Int32Array, weights: Float32Array): Float64Array {
  const { winners, losers } = graph
  const table = new Float64Array(pairs.length ** 2)
  for (const e of pairs) clearTerms(graph, e, weights)
  for (let j = 0; j < pairs.length; j++) {
    const [winner, loser] = [winners[pairs[j]], losers[pairs[j]]]
    addTerms(graph, pairs[j], 1 / term_l2, weights)
    for (let i = j; i < pairs.length; i++) {
      const [w, l] = [winners[pairs[i]], losers[pairs[i]]]
      const shared = Number(w === winner) + Number(l === loser) - Number(w === loser) - Number(l === winner)
      const pull = shared / strength_l2 + termsOf(graph, pairs[i], weights)
      table[j * pairs.length + i] = table[i * pairs.length + j] = pull
    }
    clearTerms(graph, pairs[j], weights)
  }
  return table
}

/** The primal: strengths of responses and weights of terms. */
export class SparsePulls implements PairPulls {
  readonly #graph: Comparisons
  readonly #fit: GraphFit
  readonly #pairs: Int32Array
  readonly #strengths: Float64Array
  readonly #weights: Float32Array

  constructor(graph: Comparisons, fit: GraphFit, pairs: Int32Array, { strengths, weights }: Room) {
    this.#graph = graph
    this.#fit = fit
    this.#pairs = pairs
    this.#strengths = strengths
    this.#weights = weights
  }

  forget(): void {
    const { winners, losers } = this.#graph
    for (const e of this.#pairs) {
      this.#strengths[winners[e]] = this.#strengths[losers[e]] = 0
      clearTerms(this.#graph, e, this.#weights)
    }
  }

  marginOf(j: number): number {
    const e = this.#pairs[j]
    const { winners, losers, offsets } = this.#graph
    return offsets[e] + this.#strengths[winners[e]] - this.#strengths[losers[e]] + termsOf(this.#graph, e, this.#weights)
  }

  ownOf(j: number): number {
    const { starts } = this.#graph.terms
    const count = starts[this.#pairs[j] + 1] - starts[this.#pairs[j]]
    return 2 / this.#fit.strength_l2 + count / (count + 1) / this.#fit.term_l2
  }

  add(j: number, change: number): void {
    const e = this.#pairs[j]
    const { winners, losers } = this.#graph
    const { strength_l2, term_l2 } = this.#fit
    this.#strengths[winners[e]] += change / strength_l2
    this.#strengths[losers[e]] -= change / strength_l2
    addTerms(this.#graph, e, change / term_l2, this.#weights)
  }
}

/** What the weights say of a pair: longer lists of terms weigh less, as in cosine-normalised text. */
function termsOf({ terms: { starts, values } }: Comparisons, e: number, weights: Float32Array): number {
  let sum = 0
  for (let k = starts[e]; k < starts[e + 1]; k++) sum += values[k] & 1 ? -weights[values[k] >>> 1] : weights[values[k] >>> 1]
  return sum / Math.sqrt(starts[e + 1] - starts[e] + 1)
}

function addTerms({ terms: { starts, values } }: Comparisons, e: number, amount: number, weights: Float32Array): void {
  const step = amount / Math.sqrt(starts[e + 1] - starts[e] + 1)
  for (let k = starts[e]; k < starts[e + 1]; k++) weights[values[k] >>> 1] += values[k] & 1 ? -step : step
}

function clearTerms({ terms: { starts, values } }: Comparisons, e: number, weights: Float32Array): void {
  for (let k = starts[e]; k < starts[e + 1]; k++) weights[values[k] >>> 1] = 0
}
