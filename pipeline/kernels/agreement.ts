/** Agreement of annotators beyond chance. An answer is a category from 0; answers of one unit lie side by side. */

/** Units with the answers they got: `values[starts[u] .. starts[u + 1])`, in any order. */
export interface Ratings {
  readonly categories: number
  readonly starts: Int32Array
  readonly values: Uint8Array
}

export const ratingsOf = (units: readonly (readonly number[])[], categories: number): Ratings => {
  const starts = new Int32Array(units.length + 1)
  for (const [u, unit] of units.entries()) starts[u + 1] = starts[u] + unit.length
  return { categories, starts, values: Uint8Array.from(units.flat()) }
}

const countsOf = ({ categories, starts, values }: Ratings, u: number): Float64Array => {
  const counts = new Float64Array(categories)
  for (let k = starts[u]; k < starts[u + 1]; k++) counts[values[k]]++
  return counts
}

/**
 * Sums over units from which the coefficients follow; those of disjoint sets of units add up, so a bootstrap resamples sums. In this order:
 * coincidences (categories^2), answers by category, then the four of TAIL.
 */
export function tallyOf(ratings: Ratings): Float64Array {
  const { categories, starts } = ratings
  const tally = new Float64Array(categories * categories + categories + TAIL)
  const answers = categories * categories
  const tail = answers + categories
  for (let u = 0; u + 1 < starts.length; u++) {
    const counts = countsOf(ratings, u)
    const n = starts[u + 1] - starts[u]
    let same = 0
    for (let c = 0; c < categories; c++) {
      tally[answers + c] += counts[c]
      same += counts[c] * (counts[c] - 1)
      if (n < 2) continue
      for (let k = 0; k < categories; k++) tally[c * categories + k] += (counts[c] * (counts[k] - (c === k ? 1 : 0))) / (n - 1)
    }
    tally[tail + SAME] += same
    tally[tail + PAIRS] += n * (n - 1)
    tally[tail + AGREEMENT] += n > 1 ? same / (n * (n - 1)) : 0
    tally[tail + UNITS]++
  }
  return tally
}

/** Ordered pairs of answers to one unit that are the same, all such pairs, the units' own shares of the same, and units. */
const [SAME, PAIRS, AGREEMENT, UNITS] = [0, 1, 2, 3]
const TAIL = 4
const tailOf = (tally: Float64Array): Float64Array => tally.subarray(tally.length - TAIL)

/** Share of pairs of answers to one unit that are the same, over the units with two or more; NaN without any. */
export const percentOf = (tally: Float64Array): number => tailOf(tally)[SAME] / tailOf(tally)[PAIRS]
export const percentAgreement = (ratings: Ratings): number => percentOf(tallyOf(ratings))

/** How often two annotators said a and b of one unit, at a * categories + b. */
export function contingencyOf(a: ArrayLike<number>, b: ArrayLike<number>, categories: number): Float64Array {
  const matrix = new Float64Array(categories * categories)
  for (let u = 0; u < a.length; u++) matrix[a[u] * categories + b[u]]++
  return matrix
}

/** Cohen's kappa (1960) of two annotators on the same units; 1 where they always agree on one category. */
export function cohenOf(contingency: Float64Array, categories: number): number {
  const [left, right] = [new Float64Array(categories), new Float64Array(categories)]
  let [same, all] = [0, 0]
  for (let a = 0; a < categories; a++)
    for (let b = 0; b < categories; b++) {
      const n = contingency[a * categories + b]
      left[a] += n
      right[b] += n
      all += n
      if (a === b) same += n
    }
  const expected = left.reduce((sum, n, c) => sum + n * right[c], 0) / all ** 2
  return expected === 1 ? 1 : (same / all - expected) / (1 - expected)
}
export const cohenKappa = (a: ArrayLike<number>, b: ArrayLike<number>, categories: number): number =>
  cohenOf(contingencyOf(a, b, categories), categories)

/** Fleiss' kappa (1971) of units that all have as many answers. NaN where there are none. */
export function fleissOf(tally: Float64Array, categories: number): number {
  const answers = tally.subarray(categories * categories, categories * categories + categories)
  const all = answers.reduce((a, b) => a + b, 0)
  const observed = tailOf(tally)[AGREEMENT] / tailOf(tally)[UNITS]
  const expected = answers.reduce((sum, n) => sum + (n / all) ** 2, 0)
  return expected === 1 ? 1 : (observed - expected) / (1 - expected)
}

/** Fleiss' kappa; refuses units with other numbers of answers than the first. */
export function fleissKappa(ratings: Ratings): number {
  const { starts, categories } = ratings
  for (let u = 1; u + 1 < starts.length; u++)
    if (starts[u + 1] - starts[u] !== starts[1]) throw new RangeError(`unit ${u} has another number of answers than unit 0`)
  return fleissOf(tallyOf(ratings), categories)
}

export type Metric = 'nominal' | 'ordinal'

/**
 * Krippendorff's alpha (2011, Computing Krippendorff's Alpha-Reliability) with any number of answers a unit. 1 where nobody differs from
 * anybody anywhere; NaN where no unit has two answers.
 */
export function alphaOf(tally: Float64Array, categories: number, metric: Metric): number {
  const totals = new Float64Array(categories)
  for (let c = 0; c < categories; c++) for (let k = 0; k < categories; k++) totals[c] += tally[c * categories + k]
  const n = totals.reduce((a, b) => a + b, 0)
  if (n === 0) return Number.NaN
  const distance = metric === 'nominal' ? (c: number, k: number) => (c === k ? 0 : 1) : ordinalDistance(totals)
  let observed = 0
  let expected = 0
  for (let c = 0; c < categories; c++)
    for (let k = 0; k < categories; k++) {
      observed += tally[c * categories + k] * distance(c, k)
      expected += totals[c] * totals[k] * distance(c, k)
    }
  return expected === 0 ? 1 : 1 - ((n - 1) * observed) / expected
}
export const krippendorffAlpha = (ratings: Ratings, metric: Metric = 'nominal'): number =>
  alphaOf(tallyOf(ratings), ratings.categories, metric)

/** Squared number of values between two ranks, half of the ends' own counted. */
function ordinalDistance(totals: Float64Array): (c: number, k: number) => number {
  const below = new Float64Array(totals.length + 1)
  for (let c = 0; c < totals.length; c++) below[c + 1] = below[c] + totals[c]
  return (c, k) => {
    const [low, high] = c < k ? [c, k] : [k, c]
    return (below[high + 1] - below[low] - (totals[low] + totals[high]) / 2) ** 2
  }
}
