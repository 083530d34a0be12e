/** What a pair whose label style predicts is worth. */
import { sigmoid } from './logistic.ts'

/** Odds beyond e^6 : 1 are not believed, so that no weight of one style is less than a 400th of another. */
export const MOST_MARGIN = 6

/**
 * Weight of a pair by the margin of its label under a style model. `left` is the share of the log-odds that remains: at 0, pairs of one
 * style weigh the same whichever side was chosen. Of the weights that do so these lose the least effective sample: at 0 they are 1 - s, the
 * overlap weights of Li, Morgan & Zaslavsky (2018).
 */
export function reweight(margin: number, left: number): number {
  const size = Math.min(Math.abs(margin), MOST_MARGIN)
  const likely = sigmoid(size)
  const ratio = Math.exp(-(1 - left) * size)
  const unlikely = (likely * ratio + 1 - likely) / (likely * ratio ** 2 + 1 - likely)
  return margin > 0 ? ratio * unlikely : unlikely
}

/** The share of pairs to draw: pairs that style speaks against are all kept. */
export const subsample = (margin: number, left: number): number => (margin > 0 ? Math.exp(-(1 - left) * Math.min(margin, MOST_MARGIN)) : 1)

/** Kish's effective sample, (sum w)^2 / sum w^2, as a share of the pairs. */
export function effectiveShare(weights: Float64Array): number {
  let sum = 0
  let squares = 0
  for (const weight of weights) {
    sum += weight
    squares += weight ** 2
  }
  return squares > 0 ? sum ** 2 / squares / weights.length : 0
}
