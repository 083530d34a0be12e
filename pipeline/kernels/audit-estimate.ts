/** What a stratified random sample says of a part of the corpus (Horvitz and Thompson 1952, as a ratio of two totals). */
import { type Interval, wilson } from './intervals.ts'

/** One audited pair. `stratum` numbers from 0; `member`: it is in the part of interest; `right`: what is estimated holds. */
export interface Audited {
  readonly stratum: number
  readonly inclusion_probability: number
  readonly member: boolean
  readonly right: boolean
}

export interface Share extends Interval {
  /** Audited pairs of the part. */
  readonly n: number
  /** Pairs of the part in the corpus, estimated. */
  readonly pairs: number
  readonly share: number
}

/**
 * The share of right pairs in the part, with an interval of 95 %. `drawn[h]` pairs of stratum h were drawn, of which the audited ones answer
 * for all (people take them in random order). The interval is Wilson's at the effective sample size that the design variance comes to, as
 * in Korn and Graubard (1998): near 0 and 1 a normal interval would be too short. Undefined without a member.
 */
export function shareOf(audited: readonly Audited[], drawn: readonly number[]): Share | undefined {
  const members = audited.filter(({ member }) => member)
  if (members.length === 0) return undefined
  const answered = drawn.map(() => 0)
  for (const { stratum } of audited) answered[stratum]++
  const weight = ({ stratum, inclusion_probability }: Audited): number => drawn[stratum] / answered[stratum] / inclusion_probability
  const pairs = members.reduce((sum, one) => sum + weight(one), 0)
  const share = members.reduce((sum, one) => sum + (one.right ? weight(one) : 0), 0) / pairs
  const squares = members.reduce((sum, one) => sum + weight(one) ** 2, 0)
  const kish = pairs ** 2 / squares
  // At 0 and 1 the estimated variance is 0 whatever the sample, so the weights alone say how much it is worth.
  const spread = Math.max(0, varianceOf(audited, answered, weight, share, pairs))
  const effective = share > 0 && share < 1 && spread > 0 ? Math.min((share * (1 - share)) / spread, LARGEST_GAIN * kish) : kish
  return { n: members.length, pairs, share, ...wilson(share, effective) }
}

/** Pairs of a kind, those of them that people answered, and how many of these are right. */
export interface Cell {
  readonly pairs: number
  readonly n: number
  readonly right: number
}

/**
 * The share of right pairs over all cells, each of whose answers stand for it (post-stratified: Cochran 1977, 5A.9), with Wilson's interval
 * of 95 %, which takes in all and none of the cells without an answer; null where no cell has one.
 */
export function cellShare(cells: readonly Cell[]): Interval & { readonly share: number | null } {
  const answered = cells.filter(({ n }) => n > 0)
  const sum = (of: readonly Cell[], value: (cell: Cell) => number): number => of.reduce((total, cell) => total + value(cell), 0)
  const known = sum(answered, c => c.pairs)
  if (known === 0) return { share: null, low: 0, high: 1 }
  const share = sum(answered, c => (c.pairs * c.right) / c.n) / known
  const { low, high } = wilson(share, known ** 2 / sum(answered, c => c.pairs ** 2 / c.n))
  const seen = known / sum(cells, c => c.pairs)
  return { share, low: low * seen, high: high * seen + 1 - seen }
}

/** Stratification and a finite corpus make a sample worth more than its weights say, but a variance from few pairs must not claim wonders. */
const LARGEST_GAIN = 4

/** Taylor's variance of the ratio under stratified sampling without replacement. */
function varianceOf(
  audited: readonly Audited[],
  answered: readonly number[],
  weight: (one: Audited) => number,
  share: number,
  pairs: number,
): number {
  const sums = answered.map(() => ({ sum: 0, squares: 0, inverse: 0 }))
  for (const one of audited) {
    const residual = one.member ? (weight(one) * ((one.right ? 1 : 0) - share)) / pairs : 0
    const of = sums[one.stratum]
    of.sum += residual
    of.squares += residual ** 2
    of.inverse = 1 / weight(one)
  }
  let variance = 0
  for (const [h, { sum, squares, inverse }] of sums.entries()) {
    const n = answered[h]
    if (n === 0) continue
    const left = Math.max(0, 1 - inverse)
    // One pair tells no spread: its own residual stands for it.
    variance += n === 1 ? left * squares : left * (n / (n - 1)) * (squares - sum ** 2 / n)
  }
  return variance
}
