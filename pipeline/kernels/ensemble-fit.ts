/** Fits an ensemble to pairs of which is known, or believed, which side is right. */
import { pairAuc } from './auc.ts'
import {
  accuracyOf,
  type Calibration,
  calibrationError,
  fitCalibration,
  probabilityOf,
  type Reliability,
  reliabilityOf,
  UNCALIBRATED,
  withKnots,
} from './calibration.ts'
import { type Ensemble, type FittedModel, opinionsOf } from './ensemble.ts'
import type { Folds } from './folded-logistic.ts'
import { fitStack, type Opinions } from './stack.ts'

export interface FitRows {
  /** Margins of the right side over the other. */
  readonly opinions: Opinions
  readonly folds: Folds
  /** Sources, by number, whose rows are all of gold. */
  readonly gilded: ReadonlySet<number>
}

export interface FitOptions {
  readonly weights: 'auc' | 'equal'
  readonly isotonic: boolean
  /** Rows of a source from which its models are calibrated for it alone; gold always is. */
  readonly min_source_rows: number
  /** Sources whose models a logistic stack weighs. */
  readonly stacked: readonly number[]
  /** What an audit said of each model stands in place of what the rows say. */
  readonly audited?: readonly ({ readonly scale: number; readonly weight: number } | undefined)[]
}

export function fitEnsemble(rows: FitRows, options: FitOptions): Ensemble {
  const width = rows.opinions.models
  const models = Array.from({ length: width }, (_, j) => fitModel(rows, options, j))
  const stack = options.stacked.length > 0 && rows.folds.of.length > 0 ? fitStack(rows.opinions, rows.folds) : null
  return { models, stack, stacked: options.stacked }
}

/**
 * The best models may count much more than the rest: a model's weight is its AUC's excess over chance, cubed. Measured with one label in ten
 * turned: 31 real models weighed on gold have an AUC for a turned label of .879 with weights as they are, .884 squared, .887 cubed; the built-in
 * ones weighed on the labels themselves .937, .939 and .939 (alpaca-eval .952, .954 and .954).
 */
const SHARPNESS = 3

function fitModel({ opinions, folds, gilded }: FitRows, options: FitOptions, model: number): FittedModel {
  const audited = options.audited && (options.audited[model] ?? UNCALIBRATED)
  if (audited) return { shared: { ...audited }, own: {} }
  const { all, bySource } = marginsOf(opinions, folds.source, model)
  const calibrated = (margins: Float64Array): Calibration => {
    const fitted = fitCalibration(margins)
    const weight = fitted.weight === 0 ? 0 : options.weights === 'equal' ? 1 : fitted.weight ** SHARPNESS
    const calibration = { ...fitted, weight }
    return options.isotonic ? withKnots(calibration, margins) : calibration
  }
  const own = [...bySource].filter(([source, margins]) => gilded.has(source) || margins.length >= options.min_source_rows)
  return {
    shared: calibrated(all),
    own: Object.fromEntries(own.map(([source, margins]) => [source, calibrated(Float64Array.from(margins))])),
  }
}

function marginsOf(
  { models, margins }: Opinions,
  source: Int32Array,
  model: number,
): { all: Float64Array; bySource: Map<number, number[]> } {
  const all: number[] = []
  const bySource = new Map<number, number[]>()
  for (const [row, s] of source.entries()) {
    const margin = margins[row * models + model]
    if (Number.isNaN(margin)) continue
    all.push(margin)
    const list = bySource.get(s)
    if (list) list.push(margin)
    else bySource.set(s, [margin])
  }
  return { all: Float64Array.from(all), bySource }
}

export interface ModelFigures {
  readonly pairs: number
  readonly accuracy: number
  readonly auc: number
  readonly before: Reliability
  /** Temperatures are two numbers a model and judged by the rows they were fitted to; curves by rows they have not seen. */
  readonly after: Reliability
}

export function modelFigures(rows: FitRows, options: FitOptions, { models }: Ensemble, model: number): ModelFigures {
  const { opinions, folds } = rows
  const width = opinions.models
  const unseen = options.isotonic && !options.audited ? unseenFits(rows, options, model) : undefined
  const margins: number[] = []
  const after: number[] = []
  for (const [row, source] of folds.source.entries()) {
    const margin = opinions.margins[row * width + model]
    if (Number.isNaN(margin)) continue
    const { shared, own } = unseen ? unseen[folds.of[row]] : models[model]
    margins.push(margin)
    after.push(probabilityOf(own[source] ?? shared, margin))
  }
  const all = Float64Array.from(margins)
  return {
    pairs: all.length,
    accuracy: accuracyOf(all),
    auc: pairAuc(all),
    before: calibrationError(all),
    after: reliabilityOf(Float64Array.from(after)),
  }
}

/** By fold, the model fitted to the rows outside it. */
function unseenFits(rows: FitRows, options: FitOptions, model: number): FittedModel[] {
  const { models, margins } = rows.opinions
  const one = Float64Array.from(rows.folds.of, (_, row) => margins[row * models + model])
  return Array.from({ length: rows.folds.count }, (_, fold) => {
    const index = Int32Array.from(rows.folds.of.keys()).filter(row => rows.folds.of[row] !== fold)
    const outside: FitRows = {
      opinions: { models: 1, margins: Float64Array.from(index, row => one[row]) },
      folds: {
        count: rows.folds.count,
        of: Uint8Array.from(index, row => rows.folds.of[row]),
        source: Int32Array.from(index, row => rows.folds.source[row]),
      },
      gilded: rows.gilded,
    }
    return fitModel(outside, options, 0)
  })
}

export interface TogetherFigures extends Reliability {
  readonly pairs: number
  /** Of log odds, as `auc` of a model. */
  readonly auc: number
}

/** How good the models are together; a stack judges only rows that it has not seen. */
export function togetherFigures({ opinions, folds }: FitRows, ensemble: Ensemble): TogetherFigures {
  const { judged, mean } = opinionsOf(ensemble, opinions, folds)
  const p = mean.filter((_, row) => judged[row] === 1)
  return { pairs: p.length, auc: pairAuc(p.map(q => q - 0.5)), ...reliabilityOf(p) }
}
