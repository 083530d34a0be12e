/** A logistic model on top of reward models: how much each counts beside the others, with what they share taken out. */
import { crossFitLogistic, type FoldedLogistic, type Folds, foldedMargins } from './folded-logistic.ts'

/** Plain values: may be stored as JSON. */
export type Stack = {
  /** Root mean square of every model's margins. */
  readonly sizes: readonly number[]
  readonly model: FoldedLogistic
}

/** Margins of models, row by row; NaN where a model does not judge. */
export interface Opinions {
  readonly models: number
  readonly margins: Float64Array
}

/** On features of mean square about 1. */
const RIDGE = 5

/** Fits to margins whose signs say whether the model is for the right side. */
export function fitStack(opinions: Opinions, folds: Folds): Stack {
  const sizes = Array.from({ length: opinions.models }, (_, j) => sizeOf(opinions, j))
  return { sizes, model: crossFitLogistic(featuresOf(opinions, sizes), folds, RIDGE) }
}

/** Log odds of each row by the model of its source that has not seen its fold. */
export const stackedMargins = ({ sizes, model }: Stack, opinions: Opinions, folds: Folds): Float64Array =>
  foldedMargins(model, featuresOf(opinions, sizes), folds)

function sizeOf({ models, margins }: Opinions, model: number): number {
  let [squares, n] = [0, 0]
  for (let at = model; at < margins.length; at += models) {
    if (Number.isNaN(margins[at])) continue
    squares += margins[at] ** 2
    n++
  }
  return squares > 0 ? Math.sqrt(squares / n) : 1
}

/** Squashed, so that no single margin outvotes all other models; who does not judge says nothing. */
function featuresOf({ models, margins }: Opinions, sizes: readonly number[]): { width: number; values: Float64Array } {
  return { width: models, values: margins.map((m, at) => (Number.isNaN(m) ? 0 : Math.tanh(m / sizes[at % models]))) }
}
