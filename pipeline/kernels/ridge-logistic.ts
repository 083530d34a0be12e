/** Linear Bradley-Terry models of few features, fitted by Newton's method. */

/** Differences of features, chosen less rejected, row by row; the side with the label is always the first. */
export interface Differences {
  readonly rows: number
  readonly width: number
  readonly values: Float32Array | Float64Array
}

/** Size of each feature: root of its mean square, 1 where it never differs. Differences have no mean to take away. */
export function sizesOf({ rows, width, values }: Differences): Float64Array {
  const squares = new Float64Array(width)
  for (let i = 0; i < rows; i++) for (let k = 0; k < width; k++) squares[k] += values[i * width + k] ** 2
  return squares.map(square => (square > 0 ? Math.sqrt(square / rows) : 1))
}

export interface Fit {
  /** Rows of the differences to learn from. */
  readonly index: Int32Array
  readonly sizes: Float64Array
  /** Strength of the pull towards `centre`, on features of size 1. */
  readonly ridge: number
  readonly centre: Float64Array
}

const NEWTON_STEPS = 20
const CONVERGED = 1e-6

/** Weights w that minimise sum log(1 + exp(-w . d)) + ridge / 2 |w - centre|^2 (Bradley & Terry 1952, with Gaussian prior), on d / sizes. */
export function fitLogistic(differences: Differences, fit: Fit): Float64Array {
  let weights = fit.centre.slice()
  let loss = lossOf(differences, fit, weights)
  for (let step = 0; step < NEWTON_STEPS && fit.index.length > 0; step++) {
    const direction = newtonStep(differences, fit, weights)
    let size = 1
    let next = weights
    let nextLoss = loss
    for (; size > 1e-3; size /= 2) {
      next = weights.map((w, k) => w - size * direction[k])
      nextLoss = lossOf(differences, fit, next)
      if (nextLoss <= loss) break
    }
    if (!(nextLoss <= loss)) break
    const gain = loss - nextLoss
    weights = next
    loss = nextLoss
    if (gain <= CONVERGED * (1 + Math.abs(loss))) break
  }
  return weights
}

/** w . d / sizes of one row. */
function marginOf({ width, values }: Differences, row: number, weights: Float64Array, sizes: Float64Array): number {
  let margin = 0
  for (let k = 0; k < width; k++) margin += (weights[k] * values[row * width + k]) / sizes[k]
  return margin
}

/** The part of a row's margin that features from .. to) make. */
export function partOf({ width, values }: Differences, row: number, weights: Float64Array, from = 0, to = width): number {
  let margin = 0
  for (let k = from; k < to; k++) margin += weights[k] * values[row * width + k]
  return margin
}

/** log(1 + exp(-margin)), without overflow. */
export const logLoss = (margin: number): number => (margin > 0 ? Math.log1p(Math.exp(-margin)) : Math.log1p(Math.exp(margin)) - margin)

function lossOf(differences: Differences, { index, sizes, ridge, centre }: Fit, weights: Float64Array): number {
  let loss = 0
  for (const row of index) loss += logLoss(marginOf(differences, row, weights, sizes))
  for (let k = 0; k < weights.length; k++) loss += (ridge / 2) * (weights[k] - centre[k]) ** 2
  return loss
}

/** Inverse Hessian times gradient. */
function newtonStep(differences: Differences, { index, sizes, ridge, centre }: Fit, weights: Float64Array): Float64Array {
  const { width, values } = differences
  const gradient = new Float64Array(width)
  const hessian = new Float64Array(width * width)
  const d = new Float64Array(width)
  for (const row of index) {
    for (let k = 0; k < width; k++) d[k] = values[row * width + k] / sizes[k]
    const wrong = 1 / (1 + Math.exp(marginOf(differences, row, weights, sizes)))
    const curvature = wrong * (1 - wrong)
    for (let k = 0; k < width; k++) {
      if (d[k] === 0) continue
      gradient[k] -= wrong * d[k]
      const scaled = curvature * d[k]
      for (let l = 0; l <= k; l++) hessian[k * width + l] += scaled * d[l]
    }
  }
  for (let k = 0; k < width; k++) {
    gradient[k] += ridge * (weights[k] - centre[k])
    hessian[k * width + k] += ridge
  }
  return solve(hessian, gradient, width)
}

/** Solves a x = b for a positive definite matrix given by its lower half, which is overwritten (Cholesky). */
function solve(a: Float64Array, b: Float64Array, width: number): Float64Array {
  for (let k = 0; k < width; k++)
    for (let l = 0; l <= k; l++) {
      let sum = a[k * width + l]
      for (let m = 0; m < l; m++) sum -= a[k * width + m] * a[l * width + m]
      a[k * width + l] = k === l ? Math.sqrt(Math.max(sum, 1e-12)) : sum / a[l * width + l]
    }
  const x = b.slice()
  for (let k = 0; k < width; k++) {
    for (let l = 0; l < k; l++) x[k] -= a[k * width + l] * x[l]
    x[k] /= a[k * width + k]
  }
  for (let k = width - 1; k >= 0; k--) {
    for (let l = k + 1; l < width; l++) x[k] -= a[l * width + k] * x[l]
    x[k] /= a[k * width + k]
  }
  return x
}

/** One model a fold, which all sources share, and one a fold and source, pulled towards it. Plain values: may be stored as JSON. */
export type FoldedLogistic = {
  readonly sizes: readonly number[]
  readonly folds: readonly {
    readonly shared: readonly number[]
    /** By source; a source without rows has the shared weights. */
    readonly own: Readonly<Record<string, readonly number[]>>
  }[]
}

export interface Folds {
  readonly count: number
  /** The fold of each row: no model of a fold has seen its rows. */
  readonly of: Uint8Array
  readonly source: Int32Array
}

/** How much more strongly a source's weights are held to the shared ones than those to 0. */
const SOURCE_PULL = 10

/** Fits a shared model and one a source for every fold, each on the rows of the other folds. */
export function crossFitLogistic(differences: Differences, folds: Folds, ridge: number): FoldedLogistic {
  const sizes = sizesOf(differences)
  const fitted = Array.from({ length: folds.count }, (_, fold) => {
    const seen = rowsBySource(differences.rows, folds, fold)
    const shared = fitLogistic(differences, { index: seen.rows, sizes, ridge, centre: new Float64Array(differences.width) })
    const own: Record<string, readonly number[]> = {}
    for (const [source, index] of seen.bySource)
      own[source] = Array.from(fitLogistic(differences, { index, sizes, ridge: SOURCE_PULL * ridge, centre: shared }))
    return { shared: Array.from(shared), own }
  })
  return { sizes: Array.from(sizes), folds: fitted }
}

/** Row numbers outside a fold, ascending, and those of each source. */
function rowsBySource(rows: number, folds: Folds, fold: number): { rows: Int32Array; bySource: Map<number, Int32Array> } {
  const outside: number[] = []
  const lists = new Map<number, number[]>()
  for (let row = 0; row < rows; row++) {
    if (folds.of[row] === fold) continue
    outside.push(row)
    const list = lists.get(folds.source[row])
    if (list) list.push(row)
    else lists.set(folds.source[row], [row])
  }
  const bySource = new Map([...lists].map(([source, list]) => [source, Int32Array.from(list)]))
  return { rows: Int32Array.from(outside), bySource }
}

/** The weights by which a fold judges a source's rows, made ready for features as they are. */
export function weightsOf(model: FoldedLogistic, fold: number, source: number): Float64Array {
  const { shared, own } = model.folds[fold]
  return Float64Array.from(own[source] ?? shared, (weight, k) => weight / model.sizes[k])
}
