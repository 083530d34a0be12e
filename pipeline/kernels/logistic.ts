/** Logistic models of signed differences: P(label) = sigmoid(w . d), fitted with a ridge, so that separable labels converge too. */
import { Curve } from './logistic-curve.ts'

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
const SHORTEST = 1e-4
/** A step that promises to lower the loss by no more than this share of it is the last one, as what follows it is its square. */
const NEAR = 1e-6
/** Likewise from the fit of all rows to that without a fold, which need not be exact: the rows left out change it by far more. */
const NEAR_WITHOUT_FOLD = 2e-3

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
  const curve = new Curve(d, sizes, index, { ridge, centre: rescaled(d.width, sizes, centre), importance })
  const { weights, factor } = descend(curve, rescaled(d.width, sizes, start ?? centre), NEAR)
  return { weights, sizes, factor }
}

export interface FoldFits {
  readonly whole: Weights
  /** Fits to the rows outside each fold. */
  readonly without: readonly Weights[]
}

/**
 * The fit to all rows, and those to all rows but one fold's: each a Newton step from the former by what the same pass has added up outside
 * the fold, and more of them only where that step is a long one.
 */
export function fitWithoutFolds(
  d: Differences,
  fold: Uint8Array,
  folds: number,
  ridge: number,
  importance?: Float64Array,
  start?: Weights,
): FoldFits {
  const all = new Int32Array(fold.length)
  for (let row = 0; row < all.length; row++) all[row] = row
  const sizes = sizesOf(d, all)
  const terms = { ridge, centre: new Float64Array(d.width), importance }
  const curve = new Curve(d, sizes, all, { ...terms, fold, folds })
  let steps: Stepped[] = []
  const { weights } = descend(curve, rescaled(d.width, sizes, start), NEAR, at => {
    steps = Array.from({ length: folds }, (_, f) => stepWithout(curve, at, f))
    return steps.every(step => step.isNear)
  })
  const without = steps.map((step, f) => {
    if (step.isNear) return { weights: step.weights, sizes }
    const outside = new Curve(
      d,
      sizes,
      all.filter(row => fold[row] !== f),
      terms,
    )
    return { weights: descend(outside, step.weights, NEAR).weights, sizes }
  })
  return { whole: { weights, sizes }, without }
}

interface Stepped {
  readonly weights: Float64Array
  readonly isNear: boolean
}

function stepWithout(curve: Curve, at: Float64Array, fold: number): Stepped {
  const { direction, loss, promise } = curve.step(at, fold)
  return { weights: at.map((w, k) => w - direction[k]), isNear: promise <= NEAR_WITHOUT_FOLD * (1 + loss) }
}

/** Newton's method with steps halved where they go too far; `stop` is asked wherever it gets, and ends it there. */
function descend(
  curve: Curve,
  start: Float64Array,
  near: number,
  stop: (weights: Float64Array) => boolean = () => false,
): { weights: Float64Array; factor: Float64Array } {
  let weights = start
  curve.measure(weights)
  let step = curve.step(weights)
  for (let k = 0, size = 1; k < STEPS && size > SHORTEST; k++) {
    if (size === 1 && stop(weights)) break
    const next = weights.map((w, f) => w - size * step.direction[f])
    if (size === 1 && step.promise <= near * (1 + step.loss)) return { weights: next, factor: step.factor }
    curve.measure(next)
    const there = curve.step(next)
    if (there.loss > step.loss) {
      size /= 2
      continue
    }
    weights = next
    step = there
    size = 1
  }
  return { weights, factor: step.factor }
}

const rescaled = (width: number, sizes: Float64Array, from?: Weights): Float64Array =>
  from ? from.weights.map((w, k) => (w / from.sizes[k]) * sizes[k]) : new Float64Array(width)

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
