/** A linear Bradley-Terry model over dense vectors, cross-fitted, for vectors too wide for Newton's method. */
import type { FoldedLogistic, Folds } from './folded-logistic.ts'
import type { Differences } from './logistic.ts'
import { shuffledRows } from './text-model.ts'

export interface DenseFit {
  readonly differences: Differences
  readonly folds: Folds
  /** What else speaks for the label in each fold's eyes (style): offsets[row * folds + fold]. */
  readonly offsets: Float32Array
  readonly epochs: number
  /** Of AdaGrad (Duchi et al. 2011). */
  readonly rate: number
}

const FIRST_SQUARE = 1e-3

/** Weights and the sums of their squared slopes. */
interface Learning {
  readonly weights: Float32Array
  readonly squares: Float32Array
}

const blank = (width: number): Learning => ({ weights: new Float32Array(width), squares: new Float32Array(width).fill(FIRST_SQUARE) })

/**
 * Each fold's weights come from the rows of the other folds: those that all sources share and, added to them, those of a source (Daumé 2007).
 * Sees the rows in an order that depends on their number and the epoch alone.
 */
export function fitDense({ differences: { width, values }, folds, offsets, epochs, rate }: DenseFit): FoldedLogistic {
  const rows = folds.of.length
  const shared = Array.from({ length: folds.count }, () => blank(width))
  const own = Array.from({ length: folds.count }, () => new Map<number, Learning>())
  for (let epoch = 0; epoch < epochs; epoch++)
    for (const row of shuffledRows(rows, epoch))
      for (let fold = 0; fold < folds.count; fold++) {
        if (fold === folds.of[row]) continue
        const ofSource = own[fold].get(folds.source[row]) ?? blank(width)
        own[fold].set(folds.source[row], ofSource)
        const x = values.subarray(row * width, (row + 1) * width)
        const margin = product(shared[fold].weights, x) + product(ofSource.weights, x) + offsets[row * folds.count + fold]
        const step = 1 / (1 + Math.exp(margin))
        descend(shared[fold], x, step, rate)
        descend(ofSource, x, step, rate)
      }
  return shared.map(({ weights }, fold) => ({
    shared: Array.from(weights),
    own: Object.fromEntries([...own[fold]].map(([source, added]) => [source, Array.from(weights, (w, k) => w + added.weights[k])])),
  }))
}

function product(weights: Float32Array, x: ArrayLike<number>): number {
  let sum = 0
  for (let k = 0; k < weights.length; k++) sum += weights[k] * x[k]
  return sum
}

function descend({ weights, squares }: Learning, x: ArrayLike<number>, step: number, rate: number): void {
  for (let k = 0; k < weights.length; k++) {
    const slope = step * x[k]
    squares[k] += slope * slope
    weights[k] += (rate * slope) / Math.sqrt(squares[k])
  }
}
