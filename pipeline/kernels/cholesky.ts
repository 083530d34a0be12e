/** Factors of positive definite matrices, row by row. */

/** Factors a positive definite matrix, given by its lower half, in place. */
export function cholesky(a: Float64Array, width: number): Float64Array {
  for (let k = 0; k < width; k++)
    for (let l = 0; l <= k; l++) {
      let sum = a[k * width + l]
      for (let m = 0; m < l; m++) sum -= a[k * width + m] * a[l * width + m]
      a[k * width + l] = k === l ? Math.sqrt(Math.max(sum, 1e-12)) : sum / a[l * width + l]
    }
  return a
}

/** Solves L L' x = b. */
export function solveCholesky(factor: Float64Array, b: Float64Array): Float64Array {
  const width = b.length
  const x = b.slice()
  for (let k = 0; k < width; k++) {
    for (let l = 0; l < k; l++) x[k] -= factor[k * width + l] * x[l]
    x[k] /= factor[k * width + k]
  }
  for (let k = width - 1; k >= 0; k--) {
    for (let l = k + 1; l < width; l++) x[k] -= factor[l * width + k] * x[l]
    x[k] /= factor[k * width + k]
  }
  return x
}
