/** What the preference graph shows of a corpus beside margins: how well labels agree, circles, contradicted pairs and responses. */
import { hexAt, type Ids } from '../batch.ts'
import type { Comparisons } from '../kernels/comparisons.ts'
import { contestedResponses, cyclicTriples } from '../kernels/graph-oddities.ts'
import { sigmoid } from '../kernels/logistic.ts'
import type { GraphMargins } from '../kernels/preference-graph.ts'
import { firstRows } from '../kernels/sampling.ts'
import type { Json } from '../stage.ts'

/** Counts of one partition; the same of all partitions are sums. `residuals`: linked pairs by 1 - p of their label, in tenths. */
interface Counts {
  readonly pairs: number
  readonly prompts: number
  readonly responses: number
  readonly pairs_linked: number
  readonly right: number
  readonly residual: number
  readonly triples: number
  readonly cyclic_triples: number
  readonly prompts_with_cycles: number
  readonly prompts_left_out: number
  readonly contested_responses: number
}

export interface PartFacts {
  readonly counts: Counts
  readonly residuals: readonly number[]
  readonly cyclic_prompts: readonly { readonly prompt_id: string; readonly triples: number; readonly cyclic: number }[]
  readonly contradicted_pairs: readonly { readonly pair_id: string; readonly residual: number }[]
  readonly contested: readonly {
    readonly prompt_id: string
    readonly response_id: string
    readonly comparisons: number
    readonly contradicted: number
  }[]
}

interface Named {
  readonly pair_id: Ids
  readonly prompt_id: Ids
  readonly chosen_id: Ids
  readonly rejected_id: Ids
}

const LISTED = 5
const BINS = 10
/** A response is contested from so many comparisons on, half of which the other pairs contradict. */
const LEAST_COMPARISONS = 4

const rounded = (value: number): number => Math.round(value * 1e4) / 1e4

/** Rows that another pair of a linked response can speak of; ties have no label to contradict. */
const heard = ({ ties }: Comparisons, { linked }: GraphMargins): Int32Array =>
  Int32Array.from(linked.keys()).filter(e => linked[e] === 1 && ties[e] === 0)

/** The ids are those of the rows of the graph's pairs. */
export function partFacts(graph: Comparisons, said: GraphMargins, ids: Named): PartFacts {
  const rows = heard(graph, said)
  const residual = Float64Array.from(said.margins, margin => sigmoid(-margin))
  const residuals = new Array<number>(BINS).fill(0)
  for (const e of rows) residuals[Math.min(BINS - 1, Math.floor(residual[e] * BINS))]++
  const { triples, cyclic, left_out } = cyclicTriples(graph, graph.prompts)
  const contested = contestedOf(graph, said)
  const total = (of: ArrayLike<number>): number => Array.prototype.reduce.call(of, (a, b) => (a as number) + (b as number), 0) as number
  const firsts = firstsOf(graph)
  const circles = Int32Array.from(cyclic.keys()).filter(p => cyclic[p] > 0)
  return {
    counts: {
      pairs: graph.winners.length,
      prompts: graph.prompts,
      responses: graph.nodes,
      pairs_linked: rows.length,
      right: rows.filter(e => said.margins[e] > 0).length,
      residual: rows.reduce((sum, e) => sum + residual[e], 0),
      triples: total(triples),
      cyclic_triples: total(cyclic),
      prompts_with_cycles: circles.length,
      prompts_left_out: total(left_out),
      contested_responses: contested.rows.length,
    },
    residuals,
    cyclic_prompts: firstRows(circles, LISTED, (p, q) => cyclic[p] > cyclic[q] || (cyclic[p] === cyclic[q] && p < q)).map(p => ({
      prompt_id: hexAt(ids.prompt_id, firsts.prompts[p]),
      triples: triples[p],
      cyclic: cyclic[p],
    })),
    contradicted_pairs: firstRows(rows, LISTED, (e, f) => residual[e] > residual[f] || (residual[e] === residual[f] && e < f)).map(e => ({
      pair_id: hexAt(ids.pair_id, e),
      residual: rounded(residual[e]),
    })),
    contested: firstRows(contested.rows, LISTED, contested.before).map(n => ({
      prompt_id: hexAt(ids.prompt_id, firsts.nodes[n] >> 1),
      response_id: hexAt(firsts.nodes[n] & 1 ? ids.rejected_id : ids.chosen_id, firsts.nodes[n] >> 1),
      comparisons: contested.comparisons[n],
      contradicted: contested.contradicted[n],
    })),
  }
}

function contestedOf(graph: Comparisons, { margins, linked }: GraphMargins) {
  const { comparisons, contradicted } = contestedResponses(graph, margins, linked)
  const rows = Int32Array.from(comparisons.keys()).filter(n => comparisons[n] >= LEAST_COMPARISONS && 2 * contradicted[n] >= comparisons[n])
  const before = (n: number, m: number): boolean => contradicted[n] > contradicted[m] || (contradicted[n] === contradicted[m] && n < m)
  return { comparisons, contradicted, rows, before }
}

/** A row of each prompt, and of each node 2 * row, + 1 where it is the loser. */
function firstsOf({ nodes, prompts, prompt_of, winners, losers }: Comparisons): { prompts: Int32Array; nodes: Int32Array } {
  const firsts = { prompts: new Int32Array(prompts), nodes: new Int32Array(nodes) }
  for (let e = winners.length - 1; e >= 0; e--) {
    firsts.prompts[prompt_of[e]] = e
    firsts.nodes[winners[e]] = 2 * e
    firsts.nodes[losers[e]] = 2 * e + 1
  }
  return firsts
}

/** Facts of all partitions, in whatever order they come. */
export function graphFacts(parts: readonly PartFacts[]): Json {
  const total = (name: keyof Counts): number => parts.reduce((n, part) => n + part.counts[name], 0)
  const share = (part: number, whole: number): number | null => (whole > 0 ? rounded(part / whole) : null)
  const linked = total('pairs_linked')
  // float sums depend on their order
  const residual = parts.map(part => part.counts.residual).sort((a, b) => a - b)
  return {
    pairs: total('pairs'),
    prompts: total('prompts'),
    responses: total('responses'),
    pairs_linked: linked,
    accuracy: share(total('right'), linked),
    mean_residual: share(
      residual.reduce((a, b) => a + b, 0),
      linked,
    ),
    residuals: Array.from({ length: BINS }, (_, k) => parts.reduce((n, part) => n + part.residuals[k], 0)),
    triples: total('triples'),
    cyclic_triples: total('cyclic_triples'),
    cyclic_share: share(total('cyclic_triples'), total('triples')),
    prompts_with_cycles: total('prompts_with_cycles'),
    prompts_left_out: total('prompts_left_out'),
    contested_responses: total('contested_responses'),
    most_cyclic_prompts: listed(
      parts.flatMap(part => part.cyclic_prompts),
      prompt => prompt.cyclic,
      prompt => prompt.prompt_id,
    ),
    most_contradicted_pairs: listed(
      parts.flatMap(part => part.contradicted_pairs),
      pair => pair.residual,
      pair => pair.pair_id,
    ),
    most_contested_responses: listed(
      parts.flatMap(part => part.contested),
      response => response.contradicted,
      response => response.prompt_id + response.response_id,
    ),
  }
}

const listed = <T>(items: readonly T[], size: (item: T) => number, name: (item: T) => string): T[] =>
  [...items].sort((a, b) => size(b) - size(a) || (name(a) < name(b) ? -1 : 1)).slice(0, LISTED)
