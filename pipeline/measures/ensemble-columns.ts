/** What an ensemble says of pairs, as the columns that `disagreement` adds. */
import { type Column, isValid, type Numbers } from '../batch.ts'
import { type Ensemble, opinionsOf } from '../kernels/ensemble.ts'
import type { FitRows } from '../kernels/ensemble-fit.ts'

export interface Margins {
  readonly models: readonly string[]
  /** Row by row, NaN where there is none. */
  readonly margins: Float64Array
  /** Of the gold model and the best one among the models. */
  readonly dual: readonly [number, number] | null
}

/** A pair that no model can judge has nulls. */
export function ensembleColumns(ensemble: Ensemble, { models, margins, dual }: Margins, folds: FitRows['folds']): Record<string, Column> {
  const width = models.length
  const { p, judged: valid, mean, spread, against, entropy } = opinionsOf(ensemble, { models: width, margins }, folds)
  const rows = valid.length
  const by = (j: number): Numbers<Float32Array> => {
    const values = Float32Array.from({ length: rows }, (_, i) => p[i * width + j])
    const known = Uint8Array.from(values, v => (Number.isNaN(v) ? 0 : 1))
    return { values: values.map(v => (Number.isNaN(v) ? 0 : v)), valid: known }
  }
  return {
    ...Object.fromEntries(models.map((model, j) => [`p_${model}`, by(j)])),
    p_mean: { values: Float32Array.from(mean), valid },
    disagreement: { values: Float32Array.from(spread), valid },
    against: { values: against, valid },
    vote_entropy: { values: Float32Array.from(entropy), valid },
    ...(dual ? { gold_against_best: againstBest(by(dual[0]), by(dual[1])) } : {}),
  }
}

/** 1 where the two prefer different sides; null where one of them does not judge or prefers none. */
function againstBest(gold: Numbers<Float32Array>, best: Numbers<Float32Array>): Numbers<Uint8Array> {
  const sideOf = ({ values }: Numbers<Float32Array>, i: number): number => Math.sign(values[i] - 0.5)
  const valid = Uint8Array.from(gold.values, (_, i) =>
    isValid(gold, i) && isValid(best, i) && sideOf(gold, i) * sideOf(best, i) !== 0 ? 1 : 0,
  )
  return { values: Uint8Array.from(valid, (known, i) => (known && sideOf(gold, i) !== sideOf(best, i) ? 1 : 0)), valid }
}
