/** Logistic models of signed differences: P(label) = sigmoid(w . d), fitted with a ridge, so that separable labels converge too. */

/** Row i's differences are values[i * width .. (i + 1) * width), chosen less rejected. */
export interface Differences {
  readonly width: number
  readonly values: Float32Array | Float64Array
}

export interface Weights {
  /** By feature, for differences divided by `sizes`. */
  readonly weights: Float64Array
  readonly sizes: Float64Array
}

export interface LogisticFit extends Weights {
  /** Lower half of the penalised Hessian's Cholesky factor, row by row. */
  readonly factor: Float64Array
}

const STEPS = 30
const CONVERGED = 1e-6
const SHORTEST = 1e-4

/**
 * Minimises sum_i importance_i log(1 + exp(-w . d_i)) + ridge / 2 |w|^2 over the rows of `index` by Newton's method (iteratively reweighted
 * least squares), features scaled to a mean square of 1. Without an intercept the fit does not depend on which side is shown first. `start`:
 * the fit of similar rows, which saves steps; `centre`: weights that the ridge pulls towards instead of 0.
 */
export function fitPairLogistic(
  d: Differences,
  index: Int32Array,
  ridge: number,
  importance?: Float64Array,
  start?: Weights,
  centre?: Weights,
): LogisticFit {
  const sizes = sizesOf(d, index)
  const rescaled = (from?: Weights): Float64Array =>
    from ? from.weights.map((w, k) => (w / from.sizes[k]) * sizes[k]) : new Float64Array(d.width)
  const pull = { ridge, centre: rescaled(centre) }
  let weights = rescaled(start ?? centre)
  let step = newton(d, index, sizes, pull, weights, importance)
  for (let k = 0, size = 1; k < STEPS && size > SHORTEST; k++) {
    const next = weights.map((w, f) => w - size * step.direction[f])
    const there = newton(d, index, sizes, pull, next, importance)
    if (there.loss > step.loss) {
      size /= 2
      continue
    }
    const gain = step.loss - there.loss
    weights = next
    step = there
    size = 1
    if (gain <= CONVERGED * (1 + step.loss)) break
  }
  return { weights, sizes, factor: step.factor }
}

/** w . d / sizes of one row. */
export function marginOf({ width, values }: Differences, row: number, { weights, sizes }: Weights): number {
  let margin = 0
  for (let k = 0; k < width; k++) margin += (weights[k] * values[row * width + k]) / sizes[k]
  return margin
}

/** log(1 + exp(-margin)), without overflow. */
export const logLoss = (margin: number): number => (margin > 0 ? 0 : -margin) + Math.log1p(Math.exp(-Math.abs(margin)))

export const sigmoid = (margin: number): number => 1 / (1 + Math.exp(-margin))

function sizesOf({ width, values }: Differences, index: Int32Array): Float64Array {
  const squares = new Float64Array(width)
  for (const row of index) for (let k = 0; k < width; k++) squares[k] += values[row * width + k] ** 2
  return squares.map(square => (square > 0 ? Math.sqrt(square / index.length) : 1))
}

interface Step {
  readonly loss: number
  readonly direction: Float64Array
  readonly factor: Float64Array
}

interface Pull {
  readonly ridge: number
  readonly centre: Float64Array
}

function newton(
  d: Differences,
  index: Int32Array,
  sizes: Float64Array,
  { ridge, centre }: Pull,
  weights: Float64Array,
  importance?: Float64Array,
): Step {
  const { width, values } = d
  const gradient = weights.map((w, k) => ridge * (w - centre[k]))
  const hessian = new Float64Array(width * width)
  // most differences are 0: those of features that a text may lack
  const x = new Float64Array(width)
  const features = new Int32Array(width)
  let loss = 0
  for (let k = 0; k < width; k++) {
    hessian[k * width + k] = ridge
    loss += (ridge / 2) * weights[k] ** 2
  }
  for (const row of index) {
    let margin = 0
    let count = 0
    for (let k = 0; k < width; k++) {
      const value = values[row * width + k]
      if (value === 0) continue
      x[count] = value / sizes[k]
      margin += weights[k] * x[count]
      features[count++] = k
    }
    const weight = importance?.[row] ?? 1
    const wrong = sigmoid(-margin)
    const curvature = weight * wrong * (1 - wrong)
    loss += weight * logLoss(margin)
    for (let k = 0; k < count; k++) {
      const at = features[k] * width
      const scaled = curvature * x[k]
      gradient[features[k]] -= weight * wrong * x[k]
      for (let l = 0; l <= k; l++) hessian[at + features[l]] += scaled * x[l]
    }
  }
  const factor = cholesky(hessian, width)
  return { loss, direction: solveCholesky(factor, gradient), factor }
}

/** Factors a positive definite matrix, given by its lower half, in place. */
function cholesky(a: Float64Array, width: number): Float64Array {
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
