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
  const sum = new Float64Array(width)
  const draws = new Draws().start(seed, tallies.length, POISSON)
  const values: number[] = []
  for (let r = 0; r <= resamples; r++) {
    sum.fill(0)
    for (let g = 0; g < tallies.length; g++) {
      const times = r === 0 ? 1 : poisson(draws.unit())
      if (times > 0) for (let k = 0; k < width; k++) sum[k] += times * rows[g * width + k]
    }
    values.push(statistic(sum))
  }
  return { value: values[0], ...middle(values.slice(1)) }
}

/**
 * The interval of 95 % of each of `figures` of weighted rows, over resamples in which each group of rows counts as often as a Poisson variable of
 * mean 1 says; the same resamples for every call with this seed, so that figures under other weights can be compared.
 */
export function bootstrapWeights(
  figures: Readonly<Record<string, (weights: Float64Array) => number>>,
  weights: Float64Array,
  group: Int32Array,
  seed: number,
  resamples: number,
): Record<string, Interval> {
  const names = Object.keys(figures)
  const groups = group.reduce((most, g) => Math.max(most, g + 1), 0)
  const values = new Map<string, number[]>(names.map(name => [name, []]))
  const draws = new Draws().start(seed, groups, POISSON)
  const times = new Uint8Array(groups)
  const drawn = new Float64Array(weights.length)
  for (let r = 0; r < resamples; r++) {
    for (let g = 0; g < groups; g++) times[g] = poisson(draws.unit())
    for (let row = 0; row < drawn.length; row++) drawn[row] = weights[row] * times[group[row]]
    for (const name of names) values.get(name)!.push(figures[name](drawn))
  }
  return Object.fromEntries(names.map(name => [name, middle(values.get(name)!)]))
}

const POISSON = 0x9015
/** Distribution function of a Poisson variable of mean 1. */
const AT_MOST = [0.36787944117144233, 0.7357588823428847, 0.9196986029286058, 0.9810118431238462, 0.9963401531726563, 0.9994058151824183]
const poisson = (u: number): number => {
  let times = 0
  while (times < AT_MOST.length && u > AT_MOST[times]) times++
  return times
}
