/** What a pair whose label style predicts is worth. */
import { sigmoid } from './logistic.ts'

/** Odds beyond e^6 : 1 are not believed, so that no weight of one style is less than a 400th of another. */
export const MOST_MARGIN = 6

/**
 * What a pair is worth by the margin of its label under a style model. `left` is the share of style that may remain: 1 = nothing is changed.
 * `support`: 1 where votes or scores are for the label, -1 where they are against it.
 */
export type Weigh = (margin: number, left: number, support: number) => number

/**
 * At 0 left, pairs of one style weigh the same whichever side was chosen. Of the weights that leave as much these lose the least effective
 * sample; at 0 they are 2 (1 - s), the overlap weights of Li, Morgan & Zaslavsky (2018). A label that votes contradict earns nothing by
 * contradicting style too.
 */
export const reweight: Weigh = (margin, left, support) => {
  const size = Math.min(Math.abs(margin), MOST_MARGIN)
  const likely = sigmoid(size)
  const ratio = Math.exp(-(1 - left) * size)
  const unlikely = (likely * ratio + 1 - likely) / (likely * ratio ** 2 + 1 - likely)
  return margin > 0 || support < 0 ? ratio * unlikely : unlikely
}

/**
 * The chance to be drawn: certain where style speaks against the label. Where a share p of the labels has one style chosen, no draw that evens
 * it out keeps more than 2 (1 - p) of the pairs, whatever the model: only weights can be worth more.
 */
export const subsample: Weigh = (margin, left, support) => {
  const size = Math.min(Math.abs(margin), MOST_MARGIN)
  return margin > 0 || support < 0 ? Math.exp(-(1 - left) * size) : 1
}

/** 0 where style explains the label, with a probability above (1 + left) / 2, and nothing else supports it. */
export const drop: Weigh = (margin, left, support) => (support < 1 && sigmoid(margin) > (1 + left) / 2 ? 0 : 1)

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
