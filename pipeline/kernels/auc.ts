/**
 * Area under the ROC curve of pairs whose sides are shown in random order, without drawing the order: each pair stands once as it is (margin
 * m, label 1) and once turned (margin -m, label 0). One half = the margin says nothing of the label; ties count half.
 */
export function pairAuc(margins: Float64Array, weights?: Float64Array): number {
  const weightAt = (row: number): number => weights?.[row] ?? 1
  const order = Int32Array.from(margins.keys())
    .filter(row => weightAt(row) > 0)
    .sort((a, b) => margins[a] - margins[b])
  let total = 0
  for (const row of order) total += weightAt(row)
  if (total === 0) return 0.5
  // For each margin m from low to high: the weight of pairs j with -m_j < m, i.e. m_j > -m, which are taken from the high end.
  let won = 0
  let above = 0
  let level = 0
  let high = order.length
  for (const row of order) {
    while (high > 0 && margins[order[high - 1]] > -margins[row]) {
      above += weightAt(order[--high])
      level = 0
    }
    if (level === 0) for (let k = high; k > 0 && margins[order[k - 1]] === -margins[row]; k--) level += weightAt(order[k - 1])
    won += weightAt(row) * (above + level / 2)
  }
  return won / total ** 2
}
