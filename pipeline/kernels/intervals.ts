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
    values.push(statistic(drawn))
  }
  return middle(values)
}

/** What 95 % of the values lie within; NaN is left out. */
function middle(all: readonly number[]): Interval {
  const values = all.filter(value => !Number.isNaN(value)).sort((a, b) => a - b)
  if (values.length === 0) return { low: Number.NaN, high: Number.NaN }
  const at = (q: number): number => values[Math.min(values.length - 1, Math.floor(q * values.length))]
  return { low: at(0.025), high: at(0.975) }
}

/**
 * A statistic of the sum of all tallies, and its interval of 95 % where each group counts as often as a Poisson variable of mean 1 says
 * (Chamandy et al. 2012): groups are then read in their order, not all over the memory.
 */
export function bootstrapSums(
  tallies: readonly Float64Array[],
  statistic: (sum: Float64Array) => number,
  seed: number,
  resamples: number,
): Interval & { readonly value: number } {
  const width = tallies[0]?.length ?? 0
  const rows = new Float64Array(tallies.length * width)
  for (const [g, tally] of tallies.entries()) rows.set(tally, g * width)
  const sums = resampledSums(rows, width, seed, resamples)
  return { value: statistic(totals(rows, width)), ...middle(sums.map(statistic)) }
}

/**
 * The intervals of 95 % of statistics that are `values` (k of them); `slopes` (groups x k) is by how much each grows with how often a group
 * counts. The variance is the sum of their squares (the infinitesimal jackknife, Efron 1982, chapter 6), which is what resamples without end
 * would come to.
 */
export function slopesIntervals(values: ArrayLike<number>, slopes: Float64Array): Interval[] {
  const width = values.length
  const squares = totals(
    slopes.map(slope => slope * slope),
    width,
  )
  return Array.from(values, (value, k) => ({ low: value - Z95 * Math.sqrt(squares[k]), high: value + Z95 * Math.sqrt(squares[k]) }))
}

function totals(rows: Float64Array, width: number): Float64Array {
  const sum = new Float64Array(width)
  for (let at = 0; at < rows.length; at += width) for (let k = 0; k < width; k++) sum[k] += rows[at + k]
  return sum
}

/** For each resample the sums of `rows` (groups x width), each group as often as its Poisson variable of mean 1 says. */
function resampledSums(rows: Float64Array, width: number, seed: number, resamples: number): Float64Array[] {
  const groups = width === 0 ? 0 : rows.length / width
  const draws = new Draws().start(seed, groups, POISSON)
  return Array.from({ length: resamples }, () => {
    const sum = new Float64Array(width)
    for (let at = 0; at < rows.length; at += width) {
      const times = poisson(draws.unit())
      if (times > 0) for (let k = 0; k < width; k++) sum[k] += times * rows[at + k]
    }
    return sum
  })
}

const POISSON = 0x9015
/** Distribution function of a Poisson variable of mean 1. */
const AT_MOST = [0.36787944117144233, 0.7357588823428847, 0.9196986029286058, 0.9810118431238462, 0.9963401531726563, 0.9994058151824183]
const poisson = (u: number): number => {
  let times = 0
  while (times < AT_MOST.length && u > AT_MOST[times]) times++
  return times
}
