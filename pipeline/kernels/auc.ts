/**
 * Area under the ROC curve of pairs whose sides are shown in random order, without drawing the order: each pair stands once as it is (margin
 * m, label 1) and once turned (margin -m, label 0). One half = the margin says nothing of the label; ties count half. `margins`, `weights` by row.
 */
export const pairAuc = (margins: Float64Array, weights: Float64Array = new Float64Array(margins.length).fill(1)): number =>
  areaOf(compared(margins, weights), weights)

/** The area, and by row how fast it grows with how often the row counts: 2 w / sum w * (share of the turned pairs that it beats - area). */
export function pairAucSlopes(margins: Float64Array, weights: Float64Array): { value: number; slopes: Float64Array } {
  const ranks = compared(margins, weights)
  const value = areaOf(ranks, weights)
  const slopes = new Float64Array(margins.length)
  const { order, beaten, total } = ranks
  if (total === 0) return { value, slopes }
  for (let k = 0; k < order.length; k++) slopes[order[k]] = (2 * weights[order[k]] * (beaten[k] / total - value)) / total
  return { value, slopes }
}

interface Ranks {
  /** Rows from low to high margin. */
  readonly order: Int32Array
  /** By place in that order: the weight of the turned pairs that the row beats, ties half. */
  readonly beaten: Float64Array
  readonly total: number
}

function areaOf({ order, beaten, total }: Ranks, weights: Float64Array): number {
  if (total === 0) return 0.5
  let won = 0
  for (let k = 0; k < order.length; k++) won += weights[order[k]] * beaten[k]
  return won / total ** 2
}

function compared(margins: Float64Array, weights: Float64Array): Ranks {
  const order = Int32Array.from(margins.keys()).sort((a, b) => margins[a] - margins[b])
  const sorted = Float64Array.from(order, row => margins[row])
  const below = new Float64Array(order.length + 1)
  for (let k = 0; k < order.length; k++) below[k + 1] = below[k] + weights[order[k]]
  const total = below[order.length]
  // By place: where in the order those begin that are above the turned margin, and those that are level with it or above.
  const above = placesOf(sorted, (margin, turned) => margin > turned)
  const level = placesOf(sorted, (margin, turned) => margin >= turned)
  const beaten = Float64Array.from(above, (place, k) => total - below[place] + (below[place] - below[level[k]]) / 2)
  return { order, beaten, total }
}

/** For each margin from low to high, the first place whose margin passes `beats` against its negative. */
function placesOf(sorted: Float64Array, beats: (margin: number, turned: number) => boolean): Int32Array {
  let high = sorted.length
  return Int32Array.from(sorted, margin => {
    while (high > 0 && beats(sorted[high - 1], -margin)) high--
    return high
  })
}
