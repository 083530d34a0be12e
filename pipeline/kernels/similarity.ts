/** What near means for two pairs: every field compared is, straight or with the responses crossed. */
import { jaccardAbove } from './jaccard.ts'
import type { Sets } from './sets.ts'

/** The fields of pairs that are compared: those that are always laid side by side, and the two responses, which may be crossed. */
export interface PairSets {
  readonly straight: readonly Sets[]
  readonly responses?: readonly [Sets, Sets]
}

const compare = (a: Sets, i: number, b: Sets, j: number, threshold: number): number =>
  jaccardAbove(threshold, a.values, a.starts[i], a.starts[i + 1], b.values, b.starts[j], b.starts[j + 1])

/** Every field compared may be short-cut: -1 as soon as one is below the threshold. */
export function similarity(
  { straight, responses }: PairSets,
  i: number,
  j: number,
  threshold: number,
): { straight: number; crossed: number } {
  let least = 1
  for (const sets of straight) {
    const jaccard = compare(sets, i, sets, j, threshold)
    if (jaccard < 0) return { straight: -1, crossed: -1 }
    least = Math.min(least, jaccard)
  }
  if (!responses) return { straight: least, crossed: -1 }
  const [chosen, rejected] = responses
  return {
    straight: both(least, compare(chosen, i, chosen, j, threshold), () => compare(rejected, i, rejected, j, threshold)),
    crossed: both(least, compare(chosen, i, rejected, j, threshold), () => compare(rejected, i, chosen, j, threshold)),
  }
}

function both(least: number, first: number, second: () => number): number {
  if (first < 0) return -1
  const other = second()
  return other < 0 ? -1 : Math.min(least, first, other)
}
