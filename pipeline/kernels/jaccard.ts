/**
 * Jaccard similarity of two sorted runs of distinct integers, values[aFrom .. aTo) and values[bFrom .. bTo), or -1 where it is below the
 * threshold: sets of too different sizes are not read, and reading stops once the rest cannot reach it.
 */
export function jaccardAbove(
  threshold: number,
  a: Int32Array,
  aFrom: number,
  aTo: number,
  b: Int32Array,
  bFrom: number,
  bTo: number,
): number {
  const sizes = aTo - aFrom + (bTo - bFrom)
  // J >= t if and only if the overlap is at least t / (1 + t) of both sizes together; half a unit spares rounding
  let spare = aTo - aFrom - Math.max(0, (threshold * sizes) / (1 + threshold) - 0.5)
  if (bTo - bFrom < (threshold * sizes) / (1 + threshold) - 0.5) return -1
  let shared = 0
  let i = aFrom
  let j = bFrom
  while (i < aTo && j < bTo && spare >= 0) {
    const x = a[i]
    const y = b[j]
    if (x === y) shared++
    else if (x < y) spare--
    if (x <= y) i++
    if (y <= x) j++
  }
  const jaccard = shared / (sizes - shared)
  return jaccard >= threshold ? jaccard : -1
}
