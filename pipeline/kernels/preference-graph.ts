/** Strengths of responses under their prompts, from the pairs in which they were compared. */
import { type Groups, groupsOf } from './groups.ts'
import { mix32 } from './mix.ts'

/** Compared responses: pair e says that node winners[e] beats node losers[e]. */
export interface Comparisons {
  readonly nodes: number
  readonly winners: Int32Array
  readonly losers: Int32Array
  /** What is known of each pair beside the graph, as log odds of its label. */
  readonly offsets: Float64Array
  /** Pairs of one fold do not vouch for one another. */
  readonly folds: Uint8Array
  readonly fold_count: number
}

export interface GraphMargins {
  /** Log odds of each label by the pairs of the other folds and the offset. */
  readonly margins: Float64Array
  /** 1 where a pair of another fold has one of its responses; elsewhere the graph knows nothing. */
  readonly linked: Uint8Array
}

const MOST_STEPS = 100
const CONVERGED = 1e-3

/**
 * Margins of a Bradley-Terry model with a strength a response, cross-fitted by pair. Strengths of one fold's model minimise
 * sum log(1 + exp(-(u_w - u_l + offset))) + l2 / 2 sum u^2 over the pairs of the other folds. Each step minimises a quadratic bound of that
 * sum (Jaakkola & Jordan 2000) made diagonal: it never goes up, and costs one look at each pair.
 */
export function graphMargins(graph: Comparisons, l2: number): GraphMargins {
  const rows = graph.winners.length
  const margins = new Float64Array(rows)
  const linked = new Uint8Array(rows)
  for (let fold = 0; fold < graph.fold_count; fold++) {
    const { strengths, degrees } = fitStrengths(graph, fold, l2)
    for (let e = 0; e < rows; e++) {
      if (graph.folds[e] !== fold) continue
      margins[e] = strengths[graph.winners[e]] - strengths[graph.losers[e]] + graph.offsets[e]
      linked[e] = degrees[graph.winners[e]] + degrees[graph.losers[e]] > 0 ? 1 : 0
    }
  }
  return { margins, linked }
}

function fitStrengths(graph: Comparisons, without: number, l2: number): { strengths: Float64Array; degrees: Int32Array } {
  const strengths = new Float64Array(graph.nodes)
  const gradient = new Float64Array(graph.nodes)
  const bound = new Float64Array(graph.nodes)
  const degrees = new Int32Array(graph.nodes)
  for (let e = 0; e < graph.winners.length; e++) {
    if (graph.folds[e] === without) continue
    degrees[graph.winners[e]]++
    degrees[graph.losers[e]]++
  }
  for (let step = 0, moved = 1; step < MOST_STEPS && moved > CONVERGED; step++) {
    for (let n = 0; n < graph.nodes; n++) gradient[n] = l2 * strengths[n]
    bound.fill(l2)
    addPairs(graph, without, strengths, gradient, bound)
    moved = 0
    for (let n = 0; n < graph.nodes; n++) {
      const change = gradient[n] / bound[n]
      strengths[n] -= change
      moved = Math.max(moved, Math.abs(change))
    }
  }
  return { strengths, degrees }
}

function addPairs(graph: Comparisons, without: number, strengths: Float64Array, gradient: Float64Array, bound: Float64Array): void {
  const { winners, losers, offsets, folds } = graph
  for (let e = 0; e < winners.length; e++) {
    if (folds[e] === without) continue
    const w = winners[e]
    const l = losers[e]
    const margin = strengths[w] - strengths[l] + offsets[e]
    const wrong = 1 / (1 + Math.exp(margin))
    gradient[w] -= wrong
    gradient[l] += wrong
    // a pair moves both its strengths, hence twice the curvature of the bound
    const curvature = 2 * (Math.abs(margin) < 1e-6 ? 0.25 : (1 - 2 * wrong) / (2 * margin))
    bound[w] += curvature
    bound[l] += curvature
  }
}

/** Ids as the four lanes of `lanesOf`. */
type Lanes = readonly Int32Array[]

export interface Compared {
  readonly prompt: Lanes
  readonly chosen: Lanes
  readonly rejected: Lanes
  /** Copies of one pair have the same key here, whatever else they share. */
  readonly copies: Lanes
  readonly offsets: Float64Array
}

const FOLDS = 10

/**
 * The graph of pairs: a node for each response under its prompt. Pairs of a prompt are dealt to ten folds, so that a prompt of ten pairs or
 * fewer has each judged by all others; copies of a pair are in one fold.
 */
export function comparisonsOf({ prompt, chosen, rejected, copies, offsets }: Compared): Comparisons {
  const rows = offsets.length
  const responses = groupsOf([...chosen, ...prompt].map((lane, k) => joined(lane, (k < 4 ? rejected : prompt)[k % 4])))
  return {
    nodes: responses.count,
    winners: responses.of.subarray(0, rows),
    losers: responses.of.subarray(rows),
    offsets,
    folds: dealt(groupsOf(prompt), groupsOf([...copies, ...prompt]), copies),
    fold_count: FOLDS,
  }
}

function joined(a: Int32Array, b: Int32Array): Int32Array {
  const both = new Int32Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

/** The fold of each row: groups of copies take turns within their prompt, in the order of a hash. */
function dealt(prompts: Groups, copies: Groups, lanes: Lanes): Uint8Array {
  const promptOf = new Int32Array(copies.count)
  const hash = new Float64Array(copies.count)
  for (let i = 0; i < copies.of.length; i++) {
    promptOf[copies.of[i]] = prompts.of[i]
    hash[copies.of[i]] = mix32(lanes[0][i] ^ mix32(lanes[1][i]))
  }
  const order = Int32Array.from(promptOf.keys()).sort((a, b) => promptOf[a] - promptOf[b] || hash[a] - hash[b] || a - b)
  const fold = new Uint8Array(copies.count)
  for (let k = 0, turn = 0; k < order.length; k++) {
    turn = k > 0 && promptOf[order[k]] === promptOf[order[k - 1]] ? turn + 1 : 0
    fold[order[k]] = turn % FOLDS
  }
  return Uint8Array.from(copies.of, group => fold[group])
}
