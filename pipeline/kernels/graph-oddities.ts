/** What is odd in judgements of one prompt: circles, and responses on which labels contradict each other. */

import type { Comparisons } from './comparisons.ts'
import { groupsOf } from './groups.ts'

/** By prompt. A triple is three responses of which each two were compared and one of them won more often. */
export interface Triples {
  readonly triples: Float64Array
  /** a beats b, b beats c, c beats a (Kendall & Babington Smith 1940). */
  readonly cyclic: Float64Array
  /** 1 where a prompt has so many that they were not counted. */
  readonly left_out: Uint8Array
}

/** Looks at edges of one prompt, about; more would take minutes. */
const MOST_STEPS = 5e7

/** Counts triples in the time of E^1.5: every edge leads from the response with fewer comparisons to that with more. */
export function cyclicTriples(graph: Comparisons, prompts: number): Triples {
  const { from, to, firstWins, starts, promptOf } = adjacencyOf(graph)
  const steps = new Float64Array(prompts)
  for (let k = 0; k < to.length; k++) steps[promptOf[k]] += starts[to[k] + 1] - starts[to[k]]
  const triples = new Float64Array(prompts)
  const cyclic = new Float64Array(prompts)
  const edgeTo = new Int32Array(graph.nodes).fill(-1)
  for (let k = 0, first = 0; k < to.length; k++) {
    if (k === 0 || from[k] !== from[k - 1]) {
      first = starts[from[k]]
      for (let e = first; e < starts[from[k] + 1]; e++) edgeTo[to[e]] = e
    }
    if (steps[promptOf[k]] > MOST_STEPS) continue
    for (let e = starts[to[k]]; e < starts[to[k] + 1]; e++) {
      const closing = edgeTo[to[e]]
      // an entry may be that of an earlier response
      if (closing < first || from[closing] !== from[k]) continue
      triples[promptOf[k]]++
      if (firstWins[k] === firstWins[e] && firstWins[closing] !== firstWins[k]) cyclic[promptOf[k]]++
    }
  }
  return { triples, cyclic, left_out: Uint8Array.from(steps, n => (n > MOST_STEPS ? 1 : 0)) }
}

interface Adjacency {
  readonly from: Int32Array
  readonly to: Int32Array
  readonly firstWins: Uint8Array
  /** Edges of node n lie at starts[n] .. starts[n + 1). */
  readonly starts: Int32Array
  readonly promptOf: Int32Array
}

/** Each two responses one of which won more often, once. */
function adjacencyOf({ nodes, winners, losers, ties, prompt_of }: Comparisons): Adjacency {
  const low = winners.map((w, e) => Math.min(w, losers[e]))
  const high = winners.map((w, e) => Math.max(w, losers[e]))
  const couples = groupsOf([low, high])
  const net = new Int32Array(couples.count)
  const some = new Int32Array(couples.count)
  for (let e = 0; e < winners.length; e++) {
    some[couples.of[e]] = e
    if (!ties[e]) net[couples.of[e]] += winners[e] === low[e] ? 1 : -1
  }
  const decided = Int32Array.from(net.keys()).filter(c => net[c] !== 0 && low[some[c]] !== high[some[c]])
  const degrees = new Int32Array(nodes)
  for (const c of decided) {
    degrees[low[some[c]]]++
    degrees[high[some[c]]]++
  }
  const starts = new Int32Array(nodes + 1)
  const lowFirst = Uint8Array.from(decided, c => (degrees[low[some[c]]] <= degrees[high[some[c]]] ? 1 : 0))
  const heads = decided.map((c, k) => (lowFirst[k] ? low : high)[some[c]])
  for (const head of heads) starts[head + 1]++
  for (let n = 0; n < nodes; n++) starts[n + 1] += starts[n]
  const next = starts.slice()
  const size = decided.length
  const edges = { from: new Int32Array(size), to: new Int32Array(size), firstWins: new Uint8Array(size), promptOf: new Int32Array(size) }
  for (let k = 0; k < size; k++) {
    const e = some[decided[k]]
    const at = next[heads[k]]++
    edges.from[at] = heads[k]
    edges.to[at] = (lowFirst[k] ? high : low)[e]
    edges.firstWins[at] = net[decided[k]] > 0 === (lowFirst[k] === 1) ? 1 : 0
    edges.promptOf[at] = prompt_of[e]
  }
  return { ...edges, starts }
}

/** By response: in how many pairs it was compared, and how many of their labels the other pairs contradict. */
export interface Contested {
  readonly comparisons: Int32Array
  readonly contradicted: Int32Array
}

/** `margins` and `linked` as graphMargins gives them; ties and pairs of which the graph knows nothing do not count. */
export function contestedResponses(graph: Comparisons, margins: Float64Array, linked: Uint8Array): Contested {
  const comparisons = new Int32Array(graph.nodes)
  const contradicted = new Int32Array(graph.nodes)
  for (let e = 0; e < margins.length; e++) {
    if (graph.ties[e] || !linked[e]) continue
    for (const n of [graph.winners[e], graph.losers[e]]) {
      comparisons[n]++
      if (margins[e] < 0) contradicted[n]++
    }
  }
  return { comparisons, contradicted }
}
