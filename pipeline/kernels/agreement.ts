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

/** Share of pairs of answers to one unit that are the same, over the units with two or more; NaN without any. */
export function percentAgreement(ratings: Ratings): number {
  let same = 0
  let all = 0
  for (let u = 0; u + 1 < ratings.starts.length; u++) {
    const n = ratings.starts[u + 1] - ratings.starts[u]
    for (const count of countsOf(ratings, u)) same += count * (count - 1)
    all += n * (n - 1)
  }
  return all > 0 ? same / all : Number.NaN
}

/** Cohen's kappa (1960) of two annotators on the same units; 1 where they always agree on one category. */
export function cohenKappa(a: ArrayLike<number>, b: ArrayLike<number>, categories: number): number {
  const [left, right] = [new Float64Array(categories), new Float64Array(categories)]
  let same = 0
  for (let u = 0; u < a.length; u++) {
    left[a[u]]++
    right[b[u]]++
    if (a[u] === b[u]) same++
  }
  const observed = same / a.length
  const expected = left.reduce((sum, n, c) => sum + n * right[c], 0) / a.length ** 2
  return expected === 1 ? 1 : (observed - expected) / (1 - expected)
}

/** Fleiss' kappa (1971); every unit must have as many answers as the first. NaN where there are none. */
export function fleissKappa(ratings: Ratings): number {
  const units = ratings.starts.length - 1
  const n = units > 0 ? ratings.starts[1] : 0
  const totals = new Float64Array(ratings.categories)
  let agreement = 0
  for (let u = 0; u < units; u++) {
    if (ratings.starts[u + 1] - ratings.starts[u] !== n) throw new RangeError(`unit ${u} has another number of answers than unit 0`)
    const counts = countsOf(ratings, u)
    for (const [c, count] of counts.entries()) {
      totals[c] += count
      agreement += (count * (count - 1)) / (n * (n - 1))
    }
  }
  const observed = agreement / units
  const expected = totals.reduce((sum, total) => sum + (total / (units * n)) ** 2, 0)
  return expected === 1 ? 1 : (observed - expected) / (1 - expected)
}

export type Metric = 'nominal' | 'ordinal'

/**
 * Krippendorff's alpha (2011, Computing Krippendorff's Alpha-Reliability) with any number of answers a unit. 1 where nobody differs from
 * anybody anywhere; NaN where no unit has two answers.
 */
export function krippendorffAlpha(ratings: Ratings, metric: Metric = 'nominal'): number {
  const { categories } = ratings
  const coincidences = coincidencesOf(ratings)
  const totals = new Float64Array(categories)
  for (let c = 0; c < categories; c++) for (let k = 0; k < categories; k++) totals[c] += coincidences[c * categories + k]
  const n = totals.reduce((a, b) => a + b, 0)
  if (n === 0) return Number.NaN
  const distance = metric === 'nominal' ? (c: number, k: number) => (c === k ? 0 : 1) : ordinalDistance(totals)
  let observed = 0
  let expected = 0
  for (let c = 0; c < categories; c++)
    for (let k = 0; k < categories; k++) {
      observed += coincidences[c * categories + k] * distance(c, k)
      expected += totals[c] * totals[k] * distance(c, k)
    }
  return expected === 0 ? 1 : 1 - ((n - 1) * observed) / expected
}

function coincidencesOf(ratings: Ratings): Float64Array {
  const { categories } = ratings
  const matrix = new Float64Array(categories * categories)
  for (let u = 0; u + 1 < ratings.starts.length; u++) {
    const answers = ratings.starts[u + 1] - ratings.starts[u]
    if (answers < 2) continue
    const counts = countsOf(ratings, u)
    for (let c = 0; c < categories; c++)
      for (let k = 0; k < categories; k++) matrix[c * categories + k] += (counts[c] * (counts[k] - (c === k ? 1 : 0))) / (answers - 1)
  }
  return matrix
}

/** Squared number of values between two ranks, half of the ends' own counted. */
function ordinalDistance(totals: Float64Array): (c: number, k: number) => number {
  const below = new Float64Array(totals.length + 1)
  for (let c = 0; c < totals.length; c++) below[c + 1] = below[c] + totals[c]
  return (c, k) => {
    const [low, high] = c < k ? [c, k] : [k, c]
    return (below[high + 1] - below[low] - (totals[low] + totals[high]) / 2) ** 2
  }
}
