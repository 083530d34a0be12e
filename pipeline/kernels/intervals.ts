/** Intervals around shares and statistics. */
import { Draws } from './random.ts'

export interface Interval {
  readonly low: number
  readonly high: number
}

/** The two-sided quantile of the normal distribution that holds 95 %. */
const Z95 = 1.959963984540054

/** Wilson's score interval (1927) of 95 % for a share `p` seen in `n` draws; n need not be whole (an effective sample size). */
export function wilson(p: number, n: number, z = Z95): Interval {
  if (!(n > 0)) return { low: 0, high: 1 }
  const middle = (p + z ** 2 / (2 * n)) / (1 + z ** 2 / n)
  const half = (z / (1 + z ** 2 / n)) * Math.sqrt((p * (1 - p)) / n + z ** 2 / (4 * n ** 2))
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}

const RESAMPLES = 1000
const BOOTSTRAP = 0xb007

/** Percentile interval of 95 % over resamples of whole groups: pairs of one prompt are no independent draws. NaN values are left out. */
export function bootstrap(groups: number, statistic: (drawn: Int32Array) => number, seed: number, resamples = RESAMPLES): Interval {
  const values: number[] = []
  const draws = new Draws().start(seed, groups, BOOTSTRAP)
  const drawn = new Int32Array(groups)
  for (let r = 0; r < resamples; r++) {
    for (let g = 0; g < groups; g++) drawn[g] = draws.below(groups)
    const value = statistic(drawn)
    if (!Number.isNaN(value)) values.push(value)
  }
  if (values.length === 0) return { low: Number.NaN, high: Number.NaN }
  values.sort((a, b) => a - b)
  const at = (q: number): number => values[Math.min(values.length - 1, Math.floor(q * values.length))]
  return { low: at(0.025), high: at(0.975) }
}

/** The sum of all tallies, and of each resample of them the same statistic. */
export function bootstrapSums(
  tallies: readonly Float64Array[],
  statistic: (sum: Float64Array) => number,
  seed: number,
  resamples: number,
): Interval & { readonly value: number } {
  const sum = new Float64Array(tallies[0]?.length ?? 0)
  const over = (of: Iterable<number>): number => {
    sum.fill(0)
    for (const g of of) {
      const tally = tallies[g]
      for (let k = 0; k < tally.length; k++) sum[k] += tally[k]
    }
    return statistic(sum)
  }
  const value = over(tallies.keys())
  return { value, ...bootstrap(tallies.length, over, seed, resamples) }
}
