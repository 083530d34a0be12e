/** What is told of a calibrated ensemble: figures of every model, alone and together. */

import type { Ensemble } from '../kernels/ensemble.ts'
import { type FitOptions, type FitRows, modelFigures, togetherFigures } from '../kernels/ensemble-fit.ts'
import type { Json } from '../stage.ts'

/** What an ensemble was fitted to. `gold`: rows that gold speaks of. */
export interface Fitting {
  readonly rows: FitRows
  readonly gold: number
}

const rounded = (value: number): number => Number(value.toPrecision(5))
/** null where margins say nothing of the labels. */
const temperatureOf = (scale: number): number | null => (scale > 0 ? rounded(1 / scale) : null)

interface Named {
  readonly models: readonly string[]
  readonly sources: readonly string[]
  readonly audit?: Json
}

/** Facts of the report; `sources` are the names of the numbers in the rows, `audit` what is told of an audit that gave the weights. */
export function ensembleFacts(
  { rows, gold }: Fitting,
  options: FitOptions,
  ensemble: Ensemble,
  { models, sources, audit }: Named,
): Record<string, Json> {
  const gilded = [...rows.gilded].map(s => sources[s]).sort()
  const together = togetherFigures(rows, ensemble)
  const pairs = rows.folds.of.length
  const byLabels = `agreement with the labels as they came in (the built-in models: out of fold); ${gold > 0 ? `${gold.toLocaleString('en')} of them corrected or confirmed by gold` : 'no gold'}`
  const calibrated_on =
    gilded.length > 0
      ? `gold in ${gilded.join(', ')} (${gold.toLocaleString('en')} pairs)${gold < pairs ? `; elsewhere ${byLabels}` : ''}`
      : byLabels
  return {
    calibrated_on: audit ? `an audit of the models; figures by ${calibrated_on}` : calibrated_on,
    pairs,
    gold_pairs: gold,
    ...(audit ? { audit } : {}),
    stacked: options.stacked.map(s => sources[s]).sort(),
    p_mean: {
      pairs: together.pairs,
      auc: rounded(together.auc),
      ece: rounded(together.ece),
      brier: rounded(together.brier),
      bins: together.bins.map(binFacts),
    },
    models: Object.fromEntries(models.map((model, j) => [model, modelFacts(rows, options, ensemble, j, sources)])),
  }
}

const binFacts = ({ p, n, right }: { p: number; n: number; right: number }): Json => ({ p: rounded(p), n, right })

function modelFacts(rows: FitRows, options: FitOptions, ensemble: Ensemble, model: number, sources: readonly string[]): Json {
  const { pairs, accuracy, auc, before, after } = modelFigures(rows, options, ensemble, model)
  const { shared, own } = ensemble.models[model]
  const error = ({ ece, brier }: { ece: number; brier: number }): Json => ({ ece: rounded(ece), brier: rounded(brier) })
  const bySource = Object.entries(own).map(([s, { scale, weight }]): [string, Json] => [
    sources[Number(s)],
    { temperature: temperatureOf(scale), weight: rounded(weight) },
  ])
  const { stack } = ensemble
  const inStack = stack ? stack.model.reduce((sum, { shared: w }) => sum + w[model], 0) / stack.model.length : undefined
  return {
    pairs,
    accuracy: rounded(accuracy),
    auc: rounded(auc),
    temperature: temperatureOf(shared.scale),
    weight: rounded(shared.weight),
    ...(inStack === undefined ? {} : { stack_weight: rounded(inStack) }),
    before: error(before),
    after: error(after),
    bins: after.bins.map(binFacts),
    by_source: Object.fromEntries(bySource.sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}
