/** The loss of a logistic model of signed differences, with its slope and curvature, and the Newton steps that these give. */
import { cholesky, solveCholesky } from './cholesky.ts'
import type { Differences } from './logistic.ts'

interface Step {
  readonly loss: number
  readonly direction: Float64Array
  /** By how much a quadratic of the same slope and curvature falls. */
  readonly promise: number
  readonly factor: Float64Array
}

interface Terms {
  readonly ridge: number
  readonly centre: Float64Array
  readonly importance?: Float64Array
  /** What is measured is kept by fold. */
  readonly fold?: Uint8Array
  readonly folds?: number
}

/** Loss, slope and curvature of rows at the weights where they were measured last. */
export class Curve {
  readonly #d: Differences
  readonly #scales: Float64Array
  readonly #index: Int32Array
  readonly #terms: Terms
  readonly #losses: Float64Array
  readonly #slopes: Float64Array
  /** Lower halves. */
  readonly #hessians: Float64Array

  constructor(d: Differences, sizes: Float64Array, index: Int32Array, terms: Terms) {
    const folds = terms.folds ?? 1
    this.#d = d
    this.#scales = sizes.map(size => 1 / size)
    this.#index = index
    this.#terms = terms
    this.#losses = new Float64Array(folds)
    this.#slopes = new Float64Array(folds * d.width)
    this.#hessians = new Float64Array(folds * d.width ** 2)
  }

  measure(weights: Float64Array): void {
    const { width, values } = this.#d
    const { importance, fold } = this.#terms
    const scales = this.#scales
    const index = this.#index
    const [losses, slopes, hessians] = [this.#losses.fill(0), this.#slopes.fill(0), this.#hessians.fill(0)]
    // most differences are 0: those of features that a text may lack
    const x = new Float64Array(width)
    const features = new Int32Array(width)
    for (let i = 0; i < index.length; i++) {
      const row = index[i]
      const weight = importance ? importance[row] : 1
      if (weight === 0) continue
      let margin = 0
      let count = 0
      for (let k = 0, at = row * width; k < width; k++) {
        const value = values[at + k]
        if (value === 0) continue
        x[count] = value * scales[k]
        margin += weights[k] * x[count]
        features[count++] = k
      }
      const part = fold ? fold[row] : 0
      const small = Math.exp(-Math.abs(margin))
      const wrong = (margin > 0 ? small : 1) / (1 + small)
      losses[part] += weight * ((margin > 0 ? 0 : -margin) + Math.log1p(small))
      const slope = weight * wrong
      const curvature = slope * (1 - wrong)
      for (let k = 0; k < count; k++) {
        const feature = part * width + features[k]
        const at = feature * width
        const scaled = curvature * x[k]
        slopes[feature] -= slope * x[k]
        for (let l = 0; l <= k; l++) hessians[at + features[l]] += scaled * x[l]
      }
    }
  }

  /** Newton's step of all rows, or of those outside a fold, at the weights that were measured. */
  step(weights: Float64Array, without?: number): Step {
    const { width } = this.#d
    const { ridge, centre } = this.#terms
    const slope = weights.map((w, k) => ridge * (w - centre[k]))
    const hessian = new Float64Array(width ** 2)
    let loss = 0
    for (let k = 0; k < width; k++) {
      hessian[k * width + k] = ridge
      loss += (ridge / 2) * (weights[k] - centre[k]) ** 2
    }
    for (let part = 0; part < this.#losses.length; part++) {
      if (part === without) continue
      loss += this.#losses[part]
      for (let k = 0; k < width; k++) slope[k] += this.#slopes[part * width + k]
      for (let k = 0, from = part * hessian.length; k < hessian.length; k++) hessian[k] += this.#hessians[from + k]
    }
    const factor = cholesky(hessian, width)
    const direction = solveCholesky(factor, slope)
    let promise = 0
    for (let k = 0; k < width; k++) promise += (slope[k] * direction[k]) / 2
    return { loss, direction, promise, factor }
  }
}
