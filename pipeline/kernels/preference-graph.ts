/** Strengths of responses under their prompts, from the pairs in which they were compared. */
import type { Comparisons } from './comparisons.ts'
import { mix32 } from './mix.ts'

export interface GraphFit {
  /** Penalty of strengths: lambda / 2 u^2. */
  readonly strength_l2: number
  /** Penalty of the weights of terms. */
  readonly term_l2: number
  /** Share of labels taken to be wrong by chance. */
  readonly label_noise: number
}

export interface GraphMargins {
  /** Log odds of each label by the pairs of the other folds and the offset. */
  readonly margins: Float64Array
  /** 1 where a pair of another fold has one of its responses; elsewhere the graph knows nothing. */
  readonly linked: Uint8Array
}

const MOST_EPOCHS = 8
const CONVERGED = 1e-3
/** Epochs before labels are doubted. */
const TRUSTING_EPOCHS = 2
const NEWTON_STEPS = 4

/**
 * Margins of a Bradley-Terry model cross-fitted by pair: offset + strength of the winner - that of the loser + weights of the prompt's terms that
 * tell them apart, so that answers which say the same vouch for one another too. A label is wrong with probability `label_noise` whatever the
 * margin, so that single ones pull little. A tie is half a win of each.
 */
export function graphMargins(graph: Comparisons, fit: GraphFit): GraphMargins {
  const rows = graph.winners.length
  const margins = Float64Array.from(graph.offsets)
  const linked = new Uint8Array(rows)
  const order = Int32Array.from({ length: rows }, (_, e) => e)
  const keys = Float64Array.from(order, e => mix32(e + 1))
  order.sort((a, b) => graph.prompt_of[a] - graph.prompt_of[b] || keys[a] - keys[b] || a - b)
  const model = new FoldModel(graph, fit)
  for (let from = 0, to = 0; from < rows; from = to) {
    while (to < rows && graph.prompt_of[order[to]] === graph.prompt_of[order[from]]) to++
    const pairs = order.subarray(from, to)
    const folds = graph.prompt_folds[pairs[0]]
    for (let fold = 0; folds > 1 && fold < folds; fold++) {
      model.learn(pairs, fold)
      for (const e of pairs) {
        if (graph.folds[e] !== fold) continue
        margins[e] = model.marginOf(e)
        linked[e] = model.degrees[graph.winners[e]] + model.degrees[graph.losers[e]] > 0 ? 1 : 0
      }
    }
  }
  return { margins, linked }
}

/**
 * What the pairs of a prompt say but for those of one fold. Fits by coordinate descent on the dual (Yu, Huang & Lin 2011, algorithm 5): weights
 * are sums of pairs, each by alpha = target - P(label), and one pair at a time gets the alpha that solves this for it. The target is 1, or the
 * posterior that the label is right (EM of Raykar et al. 2010, with one rate).
 */
class FoldModel {
  readonly degrees: Int32Array
  readonly #graph: Comparisons
  readonly #fit: GraphFit
  readonly #strengths: Float64Array
  /** Of the terms of one prompt, so that they stay in the cache. */
  readonly #weights: Float32Array

  constructor(graph: Comparisons, fit: GraphFit) {
    this.degrees = new Int32Array(graph.nodes)
    this.#graph = graph
    this.#fit = fit
    this.#strengths = new Float64Array(graph.nodes)
    this.#weights = new Float32Array(2 ** graph.term_bits.reduce((most, bits) => Math.max(most, bits), 0))
  }

  /** Forgets all it knew. `pairs`: those of a prompt. */
  learn(pairs: Int32Array, fold: number): void {
    const { winners, losers, folds, prompt_of, term_bits } = this.#graph
    for (const e of pairs) for (const node of [winners[e], losers[e]]) this.degrees[node] = this.#strengths[node] = 0
    this.#weights.fill(0, 0, 2 ** term_bits[prompt_of[pairs[0]]])
    const index = pairs.filter(e => folds[e] !== fold)
    for (const e of index) {
      this.degrees[winners[e]]++
      this.degrees[losers[e]]++
    }
    this.#fitTo(index)
  }

  #fitTo(index: Int32Array): void {
    const alphas = new Float64Array(index.length)
    for (let epoch = 0, moved = 1; epoch < MOST_EPOCHS && (epoch <= TRUSTING_EPOCHS || moved > CONVERGED); epoch++) {
      moved = 0
      const noise = epoch < TRUSTING_EPOCHS ? 0 : this.#fit.label_noise
      for (let j = 0; j < index.length; j++) {
        const change = this.#alphaOf(index[j], alphas[j], noise) - alphas[j]
        alphas[j] += change
        this.#add(index[j], change)
        moved = Math.max(moved, Math.abs(change))
      }
    }
  }

  marginOf(e: number): number {
    const { winners, losers, offsets, terms } = this.#graph
    const [from, to] = [terms.starts[e], terms.starts[e + 1]]
    let sum = 0
    for (let k = from; k < to; k++) {
      const slot = terms.values[k]
      sum += slot & 1 ? -this.#weights[slot >>> 1] : this.#weights[slot >>> 1]
    }
    return offsets[e] + this.#strengths[winners[e]] - this.#strengths[losers[e]] + sum / Math.sqrt(to - from + 1)
  }

  #alphaOf(e: number, alpha: number, noise: number): number {
    const { ties, terms } = this.#graph
    const { strength_l2, term_l2 } = this.#fit
    const count = terms.starts[e + 1] - terms.starts[e]
    const own = 2 / strength_l2 + count / (count + 1) / term_l2
    const margin = this.marginOf(e)
    const others = margin - own * alpha
    const target = ties[e] ? 0.5 : noise > 0 ? rightOf(margin, noise) : 1
    let next = Math.min(target, Math.max(target - 1, alpha === 0 ? target / 2 : alpha))
    for (let step = 0; step < NEWTON_STEPS; step++) {
      const p = 1 / (1 + Math.exp(-others - own * next))
      next -= (next - target + p) / (1 + own * p * (1 - p))
      next = Math.min(target, Math.max(target - 1, next))
    }
    return next
  }

  #add(e: number, change: number): void {
    const { winners, losers, terms } = this.#graph
    const { strength_l2, term_l2 } = this.#fit
    this.#strengths[winners[e]] += change / strength_l2
    this.#strengths[losers[e]] -= change / strength_l2
    const [from, to] = [terms.starts[e], terms.starts[e + 1]]
    const step = change / term_l2 / Math.sqrt(to - from + 1)
    for (let k = from; k < to; k++) {
      const slot = terms.values[k]
      this.#weights[slot >>> 1] += slot & 1 ? -step : step
    }
  }
}

/** That a label is right which the model gives this margin, where so many are wrong by chance. */
function rightOf(margin: number, noise: number): number {
  const p = 1 / (1 + Math.exp(-margin))
  return (p * (1 - noise)) / (p * (1 - noise) + (1 - p) * noise)
}
