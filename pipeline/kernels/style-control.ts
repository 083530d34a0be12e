/** How far to correct for style: no further than the target asks for, as every step costs effective sample. */
import { pairAuc } from './auc.ts'
import type { Weights } from './logistic.ts'
import { crossFitLinear } from './style-audit.ts'
import { styleFeatures } from './style-features.ts'
import type { StyleRows } from './style-model.ts'
import type { Weigh } from './style-weights.ts'

export interface Control {
  /** Share of style that the weights leave in the labels; 1 where nothing needs to be done. */
  readonly left: number
  /** The higher of two held-out areas under the curve under these weights: of the margins themselves, and of a plain model fitted anew. */
  readonly auc: number
}

const HALVINGS = 4
/** By how much the areas stay below the target: an auditor with other features or folds sees a little more. */
const RESERVE = 0.02

/** The largest share left, to a 16th, with which both areas stay safely below the target; 0 where none does. */
export function tuneControl(rows: StyleRows, margins: Float64Array, support: Int32Array, target: number, weigh: Weigh): Control {
  const differences = { width: styleFeatures.length, values: rows.differences }
  let start: Weights | undefined
  const at = (left: number): Control => {
    const weights = margins.map((margin, row) => weigh(margin, left, support[row]))
    const plain = crossFitLinear(differences, rows.fold, weights, start)
    start = plain.whole
    return { left, auc: Math.max(pairAuc(margins, weights), pairAuc(plain.margins, weights)) }
  }
  const aim = Math.max(0.5, target - RESERVE)
  const untouched = at(1)
  if (untouched.auc <= aim) return untouched
  let best = at(0)
  if (best.auc > aim) return best
  let high = 1
  for (let k = 0; k < HALVINGS; k++) {
    const middle = at((best.left + high) / 2)
    if (middle.auc <= aim) best = middle
    else high = middle.left
  }
  return best
}
