/** What a pair whose label style predicts is worth. */
import { sigmoid } from './logistic.ts'

/** Odds beyond e^6 : 1 are not believed, so that no weight of one style is less than a 400th of another. */
export const MOST_MARGIN = 6

/**
 * What a pair is worth by the margin of its label under a style model. `left` is the share of style that may remain: 1 = nothing is changed.
 * `support`: 1 where votes or models are for the label, -1 where they are against it.
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
 * What a pair is worth to a draw: its chance where that is below 1, else it is certain to be drawn and weighs as much. No weight is above `most`,
 * to which pairs come whose label style speaks against. At `most` 1 all drawn pairs are alike: then a share p of labels that follow style leaves
 * 2 (1 - p) of the pairs at most, whatever the model. The higher `most`, the nearer to the overlap weights of `reweight`, and the more is kept.
 */
export const subsample =
  (most: number): Weigh =>
  (margin, left, support) => {
    const ratio = Math.exp(-(1 - left) * Math.min(Math.abs(margin), MOST_MARGIN))
    const unlikely = Math.min(most, (1 + most) / (1 + ratio))
    return margin > 0 || support < 0 ? ratio * unlikely : unlikely
  }

/**
 * The largest effective sample, as a share of the pairs, of a draw with weights up to `most` that evens out what a share of them has in common:
 * q of the pairs weigh `most`, as much of the others is drawn at 1; never more than by weights alone, 4 q (1 - q).
 */
export function mostKept(share: number, most: number): number {
  const few = Math.min(share, 1 - share)
  return Math.min(4 * few * (1 - few), (4 * few * most) / (most + 1))
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
