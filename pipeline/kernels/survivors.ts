/** Which near-duplicates stay: no chains, so that every pair removed is near the pair that stands for it. */
import { candidateIndex } from './candidates.ts'
import { type PairSets, similarity } from './similarity.ts'

/** A pair is compared with at most this many survivors: bounds the time on pairs that are all nearly near-duplicates. */
const MOST_COMPARED = 4096

export interface Rules {
  readonly threshold: number
  /** Ties have no order of responses: crossed is as good as straight. */
  readonly orderless: boolean
  /** Whether a pair that meets a survivor crossed may stand for others. */
  readonly keepCrossed: boolean
}

/** Per row its match among the survivors: a place in `rows` or -1, the smallest Jaccard similarity, and whether crossed. */
export interface Matches {
  readonly of: Int32Array
  readonly jaccard: Float64Array
  readonly crossed: Uint8Array
  /** Comparisons made, and rows whose comparisons were cut short. */
  compared: number
  cut: number
}

/**
 * Walks `rows` (in the order of their rank) and matches each with the survivors before it; one without a straight match is a survivor,
 * with a crossed one where the rules say so. Of several matches straight comes before crossed, then the highest similarity, then rank.
 */
export function matchSurvivors(sets: PairSets, rows: Int32Array, rules: Rules): Matches {
  const matches: Matches = {
    of: new Int32Array(rows.length).fill(-1),
    jaccard: new Float64Array(rows.length),
    crossed: new Uint8Array(rows.length),
    compared: 0,
    cut: 0,
  }
  const index = candidateIndex(sets, rows, rules.threshold)
  for (let i = 0; i < rows.length; i++) {
    let left = MOST_COMPARED
    index.visit(i, candidate => {
      if (left-- === 0) return false
      consider(matches, i, candidate, similarity(sets, rows[i], rows[candidate], rules.threshold), rules.orderless)
      return true
    })
    if (left < 0) matches.cut++
    matches.compared += MOST_COMPARED - Math.max(0, left)
    if (matches.of[i] < 0 || (matches.crossed[i] && rules.keepCrossed)) index.add(i)
  }
  return matches
}

function consider(matches: Matches, i: number, candidate: number, found: { straight: number; crossed: number }, orderless: boolean): void {
  const straight = orderless ? Math.max(found.straight, found.crossed) : found.straight
  if (straight < 0 && found.crossed < 0) return
  const crossed = straight < 0 ? 1 : 0
  const jaccard = crossed ? found.crossed : straight
  const none = matches.of[i] < 0
  const better = none || crossed < matches.crossed[i] || (crossed === matches.crossed[i] && jaccard > matches.jaccard[i])
  const tied = !none && crossed === matches.crossed[i] && jaccard === matches.jaccard[i] && candidate < matches.of[i]
  if (!better && !tied) return
  matches.of[i] = candidate
  matches.jaccard[i] = jaccard
  matches.crossed[i] = crossed
}
