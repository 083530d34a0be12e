/** How well scores put one right response before k wrong ones (RewardMATH, Kim et al. 2024, arXiv 2410.01729). */
import { bootstrapSums, type Interval, wilson } from './intervals.ts'

/** Where a model put the right response of one problem. */
export interface Placed {
  /** Wrong responses. */
  readonly wrong: number
  /** Wrong responses with a higher score. */
  readonly above: number
  /** Wrong responses with the same score. */
  readonly level: number
}

/** By scores of the right response and of the wrong ones. */
export function placedByScores(right: number, wrong: readonly number[]): Placed {
  let [above, level] = [0, 0]
  for (const score of wrong) {
    if (score > right) above++
    else if (score === right) level++
  }
  return { wrong: wrong.length, above, level }
}

/** By how a judge of two responses decided between the right and each wrong one: 1 = for the right one, 0 = against, between = undecided. */
export function placedByWins(wins: readonly number[]): Placed {
  return { wrong: wins.length, above: wins.filter(w => w <= 0).length, level: wins.filter(w => w > 0 && w < 1).length }
}

export interface RankMeans {
  readonly problems: number
  /** Problems whose right response is before all others, where a tie is a loss. */
  readonly accuracy: number
  /** The same, where a tie is a win. */
  readonly accuracy_ties: number
  /** Of the right response; 1 is best, and a tie counts against it. */
  readonly mean_rank: number
  readonly mrr: number
  /** What scores at random come to. */
  readonly random: { readonly accuracy: number; readonly mrr: number }
}

export interface RankFigures extends RankMeans {
  /** Of 95 %, by bootstrap over prompts. */
  readonly accuracy_interval: Interval
  readonly mrr_interval: Interval
  /** max(0, mrr - random mrr): how much the model deserves to count beside others. */
  readonly excess: number
}

/** By group: problems, first, first or level, ranks, reciprocal ranks, and what chance gives of firsts and reciprocal ranks. */
const [COUNT, FIRST, LEVEL, RANK, RECIPROCAL, RANDOM_FIRST, RANDOM_RECIPROCAL, WIDTH] = [0, 1, 2, 3, 4, 5, 6, 7]
const RESAMPLES = 1000

/** Of at least one problem. */
export function rankMeans(placed: readonly Placed[]): RankMeans {
  const sum = new Float64Array(WIDTH)
  for (const one of placed) add(sum, one)
  const mean = (at: number): number => sum[at] / sum[COUNT]
  return {
    problems: placed.length,
    accuracy: mean(FIRST),
    accuracy_ties: mean(LEVEL),
    mean_rank: mean(RANK),
    mrr: mean(RECIPROCAL),
    random: { accuracy: mean(RANDOM_FIRST), mrr: mean(RANDOM_RECIPROCAL) },
  }
}

/** `group` numbers the prompts: problems of one prompt are drawn together into every bootstrap sample. */
export function rankFigures(placed: readonly Placed[], group: readonly number[], seed: number): RankFigures {
  const tallies = new Map<number, Float64Array>()
  for (const [i, one] of placed.entries()) {
    let tally = tallies.get(group[i])
    if (!tally) tallies.set(group[i], (tally = new Float64Array(WIDTH)))
    add(tally, one)
  }
  const interval = (at: number, mean: number): Interval => {
    // resamples of what is all right or all wrong are all alike
    if (mean === 0 || mean === 1) return wilson(mean, tallies.size)
    const { low, high } = bootstrapSums([...tallies.values()], sum => (sum[COUNT] > 0 ? sum[at] / sum[COUNT] : Number.NaN), seed, RESAMPLES)
    return { low, high }
  }
  const means = rankMeans(placed)
  return {
    ...means,
    accuracy_interval: interval(FIRST, means.accuracy),
    mrr_interval: interval(RECIPROCAL, means.mrr),
    excess: Math.max(0, means.mrr - means.random.mrr),
  }
}

function add(tally: Float64Array, { wrong, above, level }: Placed): void {
  const rank = 1 + above + level
  tally[COUNT]++
  tally[FIRST] += rank === 1 ? 1 : 0
  tally[LEVEL] += above === 0 ? 1 : 0
  tally[RANK] += rank
  tally[RECIPROCAL] += 1 / rank
  tally[RANDOM_FIRST] += 1 / (wrong + 1)
  tally[RANDOM_RECIPROCAL] += harmonic(wrong + 1) / (wrong + 1)
}

/** 1 + 1/2 + ... + 1/n */
export function harmonic(n: number): number {
  let sum = 0
  for (let i = n; i >= 1; i--) sum += 1 / i
  return sum
}

/**
 * Accuracy of chosen responses in n styles against rejected ones in the same n styles, plainest first (RM-Bench, Liu et al. 2024, arXiv
 * 2410.16184): easy where the chosen one is the fancier, normal where both have one style, hard where the rejected one is the fancier.
 */
export interface GridFigures {
  readonly problems: number
  readonly easy: number
  readonly normal: number
  readonly hard: number
  /** Of the three. */
  readonly average: number
}

export interface Grid {
  readonly chosen: readonly number[]
  readonly rejected: readonly number[]
}

/** Of at least one grid, all of one size from 2 up; a tie is a loss, as in the paper. */
export function gridFigures(grids: readonly Grid[]): GridFigures {
  const won = [0, 0, 0]
  const of = [0, 0, 0]
  for (const { chosen, rejected } of grids)
    for (const [i, c] of chosen.entries())
      for (const [j, r] of rejected.entries()) {
        const kind = i > j ? 0 : i === j ? 1 : 2
        of[kind]++
        if (c > r) won[kind]++
      }
  const [easy, normal, hard] = won.map((n, kind) => n / of[kind])
  return { problems: grids.length, easy, normal, hard, average: (easy + normal + hard) / 3 }
}
