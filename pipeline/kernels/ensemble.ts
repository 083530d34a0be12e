/** Several reward models as one opinion on a pair. */
import { type Calibration, probabilityOf } from './calibration.ts'
import type { Folds } from './folded-logistic.ts'
import { sigmoid } from './logistic.ts'
import { type Opinions, type Stack, stackedMargins } from './stack.ts'

/** One model: what holds for all sources, and for those with pairs enough of their own. */
export type FittedModel = {
  readonly shared: Calibration
  readonly own: Readonly<Record<string, Calibration>>
}

/** Plain values: may be stored as JSON. */
export type Ensemble = {
  readonly models: readonly FittedModel[]
  /** Takes the place of fixed weights in the sources of `stacked`, by number. */
  readonly stack: Stack | null
  readonly stacked: readonly number[]
}

/** What an ensemble says of rows; everything but `p` is 0 where no model that counts judges a row (`judged` 0). */
export interface Said {
  /** That the label is right, row by row and model by model; NaN where a model does not judge. */
  readonly p: Float64Array
  readonly judged: Uint8Array
  readonly mean: Float64Array
  /** Weighted standard deviation of p around its weighted mean. */
  readonly spread: Float64Array
  /** Models that count and are against the label, 255 at most. */
  readonly against: Uint8Array
  /** Of the votes of the models that count, in bits: 0 = all alike, 1 = as many for as against. */
  readonly entropy: Float64Array
}

/** A model that knows nothing of a source says 1/2 there, and does not count. */
export function opinionsOf({ models, stack, stacked }: Ensemble, opinions: Opinions, folds: Folds): Said {
  const rows = folds.source.length
  const width = models.length
  const said = emptySaid(rows, width)
  const isStacked = new Set(stacked)
  const odds = stack && stacked.length > 0 ? stackedMargins(stack, opinions, folds) : undefined
  for (let i = 0; i < rows; i++) {
    let [total, sum, squares, against, votes] = [0, 0, 0, 0, 0]
    for (let j = 0; j < width; j++) {
      const margin = opinions.margins[i * width + j]
      if (Number.isNaN(margin)) continue
      const calibration = models[j].own[folds.source[i]] ?? models[j].shared
      const { weight } = calibration
      const p = probabilityOf(calibration, margin)
      said.p[i * width + j] = p
      total += weight
      sum += weight * p
      squares += weight * p * p
      if (weight > 0 && p !== 0.5) votes++
      if (weight > 0 && p < 0.5) against++
    }
    if (!(total > 0)) continue
    const mean = sum / total
    said.judged[i] = 1
    said.mean[i] = odds && isStacked.has(folds.source[i]) ? sigmoid(odds[i]) : mean
    said.spread[i] = Math.sqrt(Math.max(0, squares / total - mean ** 2))
    said.against[i] = Math.min(255, against)
    said.entropy[i] = votes > 0 ? bits(against / votes) : 0
  }
  return said
}

const emptySaid = (rows: number, models: number): Said => ({
  p: new Float64Array(rows * models).fill(Number.NaN),
  judged: new Uint8Array(rows),
  mean: new Float64Array(rows),
  spread: new Float64Array(rows),
  against: new Uint8Array(rows),
  entropy: new Float64Array(rows),
})

/** Entropy of a coin, in bits. */
export const bits = (share: number): number =>
  share <= 0 || share >= 1 ? 0 : -share * Math.log2(share) - (1 - share) * Math.log2(1 - share)
