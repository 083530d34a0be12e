/** Strengths of responses under their prompts, from the pairs in which they were compared. */
import type { Comparisons } from './comparisons.ts'
import { mix32 } from './mix.ts'
import { type PairPulls, pullsOf, roomFor } from './pair-pulls.ts'

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
/** After a step of less the next would be about its square. */
const NEAR = 1e-5

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
  const degrees = new Int32Array(graph.nodes)
  const room = roomFor(graph)
  for (let from = 0, to = 0; from < rows; from = to) {
    while (to < rows && graph.prompt_of[order[to]] === graph.prompt_of[order[from]]) to++
    const pairs = order.subarray(from, to)
    const folds = graph.prompt_folds[pairs[0]]
    if (folds < 2) continue
    const pulls = pullsOf(graph, fit, pairs, room)
    const places = Int32Array.from(pairs.keys())
    for (let fold = 0; fold < folds; fold++) {
      const others = places.filter(j => graph.folds[pairs[j]] !== fold)
      countDegrees(graph, pairs, others, degrees)
      learn(pulls, pairs, others, graph.ties, fit.label_noise)
      for (const j of places.filter(j => graph.folds[pairs[j]] === fold)) {
        margins[pairs[j]] = pulls.marginOf(j)
        linked[pairs[j]] = degrees[graph.winners[pairs[j]]] + degrees[graph.losers[pairs[j]]] > 0 ? 1 : 0
      }
    }
  }
  return { margins, linked }
}

/** How many pairs of `index`, places in the prompt, have each response of it. */
function countDegrees({ winners, losers }: Comparisons, pairs: Int32Array, index: Int32Array, degrees: Int32Array): void {
  for (const e of pairs) degrees[winners[e]] = degrees[losers[e]] = 0
  for (const j of index) {
    degrees[winners[pairs[j]]]++
    degrees[losers[pairs[j]]]++
  }
}

/**
 * What the pairs of `index` say. Fits by coordinate descent on the dual (Yu, Huang & Lin 2011, algorithm 5): weights
 * are sums of pairs, each by alpha = target - P(label), and one pair at a time gets the alpha that solves this for it. The target is 1, or the
 * posterior that the label is right (EM of Raykar et al. 2010, with one rate).
 */
function learn(pulls: PairPulls, pairs: Int32Array, index: Int32Array, ties: Uint8Array, label_noise: number): void {
  const alphas = new Float64Array(index.length)
  pulls.forget()
  for (let epoch = 0, moved = 1; epoch < MOST_EPOCHS && (epoch <= TRUSTING_EPOCHS || moved > CONVERGED); epoch++) {
    moved = 0
    const noise = epoch < TRUSTING_EPOCHS ? 0 : label_noise
    for (let k = 0; k < index.length; k++) {
      const j = index[k]
      const margin = pulls.marginOf(j)
      const target = ties[pairs[j]] ? 0.5 : noise > 0 ? rightOf(margin, noise) : 1
      const change = alphaOf(margin, pulls.ownOf(j), alphas[k], target) - alphas[k]
      alphas[k] += change
      pulls.add(j, change)
      moved = Math.max(moved, Math.abs(change))
    }
  }
}

/** The alpha that is target - P(label), where `own` times it is a part of the margin; by Newton's method. */
function alphaOf(margin: number, own: number, alpha: number, target: number): number {
  const others = margin - own * alpha
  let next = Math.min(target, Math.max(target - 1, alpha === 0 ? target / 2 : alpha))
  for (let step = 0, move = 1; step < NEWTON_STEPS && Math.abs(move) > NEAR; step++) {
    const p = 1 / (1 + Math.exp(-others - own * next))
    move = (next - target + p) / (1 + own * p * (1 - p))
    next = Math.min(target, Math.max(target - 1, next - move))
  }
  return next
}

/** That a label is right which the model gives this margin, where so many are wrong by chance. */
function rightOf(margin: number, noise: number): number {
  const p = 1 / (1 + Math.exp(-margin))
  return (p * (1 - noise)) / (p * (1 - noise) + (1 - p) * noise)
}
