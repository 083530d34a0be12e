/**
 * Area under the ROC curve of pairs whose sides are shown in random order, without drawing the order: each pair stands once as it is (margin
 * m, label 1) and once turned (margin -m, label 0). One half = the margin says nothing of the label; ties count half.
 */
export const pairAuc = (margins: Float64Array, weights: Float64Array = new Float64Array(margins.length).fill(1)): number =>
  rankedAuc(margins)(weights)

/** The same for margins that are asked for under many weights: they are sorted once. */
export function rankedAuc(margins: Float64Array): (weights: Float64Array) => number {
  const order = Int32Array.from(margins.keys()).sort((a, b) => margins[a] - margins[b])
  const sorted = Float64Array.from(order, row => margins[row])
  // By place: where in the order those begin that are above the turned margin, and those that are level with it or above.
  const above = placesOf(sorted, (margin, turned) => margin > turned)
  const level = placesOf(sorted, (margin, turned) => margin >= turned)
  const below = new Float64Array(order.length + 1)
  return weights => {
    for (let k = 0; k < order.length; k++) below[k + 1] = below[k] + weights[order[k]]
    const total = below[order.length]
    if (total === 0) return 0.5
    let won = 0
    for (let k = 0; k < order.length; k++)
      won += (below[k + 1] - below[k]) * (total - below[above[k]] + (below[above[k]] - below[level[k]]) / 2)
    return won / total ** 2
  }
}

/** For each margin from low to high, the first place whose margin passes `beats` against its negative. */
function placesOf(sorted: Float64Array, beats: (margin: number, turned: number) => boolean): Int32Array {
  let high = sorted.length
  return Int32Array.from(sorted, margin => {
    while (high > 0 && beats(sorted[high - 1], -margin)) high--
    return high
  })
}
