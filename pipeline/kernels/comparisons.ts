/** Pairs as comparisons of responses under their prompts: the nodes and edges of the preference graph. */
import { type Groups, groupsOf } from './groups.ts'
import { mix32 } from './mix.ts'
import type { Terms } from './text-model.ts'

/** Compared responses: pair e says that node winners[e] beats node losers[e]. */
export interface Comparisons {
  readonly nodes: number
  /** The prompt of each pair, and how many there are. */
  readonly prompt_of: Int32Array
  readonly prompts: number
  readonly winners: Int32Array
  readonly losers: Int32Array
  /** 1 = neither was found better. */
  readonly ties: Uint8Array
  /** What is known of each pair beside the graph, as log odds of its label. */
  readonly offsets: Float64Array
  /** What one response says and the other does not: slots of the prompt's own table; the low bit = the loser's. */
  readonly terms: Terms
  /** Log2 of the slots of each prompt's table. */
  readonly term_bits: Uint8Array
  /** Pairs of one fold do not vouch for one another. */
  readonly folds: Uint8Array
  /** Folds that the pair's prompt has pairs in, counted from fold 0. */
  readonly prompt_folds: Uint8Array
}

/** Ids as the four lanes of `lanesOf`. */
type Lanes = readonly Int32Array[]

export interface Compared {
  readonly prompt: Lanes
  readonly chosen: Lanes
  readonly rejected: Lanes
  /** Copies of one pair have the same key here, whatever else they share. */
  readonly copies: Lanes
  readonly ties: Uint8Array
  readonly offsets: Float64Array
  /** Hashed terms of each pair as the measure text-terms gives them, or fewer. */
  readonly terms: Terms
}

const FOLDS = 20
const MOST_TERM_BITS = 24

/**
 * The graph of pairs: a node for each response under its prompt. Pairs of a prompt are dealt to twenty folds, so that a prompt of twenty pairs or
 * fewer has each judged by all others; copies of a pair are in one fold.
 */
export function comparisonsOf({ prompt, chosen, rejected, copies, ties, offsets, terms }: Compared): Comparisons {
  const rows = offsets.length
  const prompts = groupsOf(prompt)
  const { folds, prompt_folds } = dealt(prompts, groupsOf([...copies, ...prompt]), copies)
  const term_bits = bitsOf(terms, prompts)
  const responses = groupsOf([...chosen, ...prompt].map((lane, k) => joined(lane, (k < 4 ? rejected : prompt)[k % 4])))
  return {
    nodes: responses.count,
    prompt_of: prompts.of,
    prompts: prompts.count,
    winners: responses.of.subarray(0, rows),
    losers: responses.of.subarray(rows),
    ties,
    offsets,
    terms: { starts: terms.starts, values: slotsOf(terms, prompts, term_bits) },
    term_bits,
    folds,
    prompt_folds,
  }
}

/** Twice as many slots as the pairs of a prompt have terms, to a power of two. */
function bitsOf({ starts }: Terms, prompts: Groups): Uint8Array {
  const counts = new Int32Array(prompts.count)
  for (let row = 0; row + 1 < starts.length; row++) counts[prompts.of[row]] += starts[row + 1] - starts[row]
  return Uint8Array.from(counts, count => Math.min(MOST_TERM_BITS, 1 + Math.ceil(Math.log2(count + 1))))
}

/** The place of each term under its prompt; two may share one. */
function slotsOf({ starts, values }: Terms, prompts: Groups, bits: Uint8Array): Int32Array {
  const slots = new Int32Array(values.length)
  for (let row = 0; row + 1 < starts.length; row++) {
    const shift = 32 - bits[prompts.of[row]]
    for (let k = starts[row]; k < starts[row + 1]; k++) slots[k] = ((mix32(values[k] >>> 1) >>> shift) << 1) | (values[k] & 1)
  }
  return slots
}

function joined(a: Int32Array, b: Int32Array): Int32Array {
  const both = new Int32Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

/** The fold of each row: groups of copies take turns within their prompt, in the order of a hash; and how many folds its prompt has. */
function dealt(prompts: Groups, copies: Groups, lanes: Lanes): { folds: Uint8Array; prompt_folds: Uint8Array } {
  const promptOf = new Int32Array(copies.count)
  const hash = new Float64Array(copies.count)
  for (let i = 0; i < copies.of.length; i++) {
    promptOf[copies.of[i]] = prompts.of[i]
    hash[copies.of[i]] = mix32(lanes[0][i] ^ mix32(lanes[1][i]))
  }
  const order = Int32Array.from(promptOf.keys()).sort((a, b) => promptOf[a] - promptOf[b] || hash[a] - hash[b] || a - b)
  const fold = new Uint8Array(copies.count)
  const used = new Uint8Array(prompts.count)
  for (let k = 0, turn = 0; k < order.length; k++) {
    turn = k > 0 && promptOf[order[k]] === promptOf[order[k - 1]] ? turn + 1 : 0
    fold[order[k]] = turn % FOLDS
    used[promptOf[order[k]]] = Math.min(FOLDS, turn + 1)
  }
  return { folds: Uint8Array.from(copies.of, group => fold[group]), prompt_folds: Uint8Array.from(prompts.of, prompt => used[prompt]) }
}
