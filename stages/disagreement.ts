import { z } from 'zod'
import { type Batch, batchOf, type Column, columnsOf, gather, isValid, type Numbers, type Schema } from '../pipeline/batch.ts'
import { pairAuc } from '../pipeline/kernels/auc.ts'
import { accuracyOf, type Calibration, calibrationError, fitCalibration, UNCALIBRATED } from '../pipeline/kernels/calibration.ts'
import { lanesOf } from '../pipeline/kernels/groups.ts'
import { sigmoid } from '../pipeline/kernels/logistic.ts'
import { mix32 } from '../pipeline/kernels/mix.ts'
import { sourceNumbers } from '../pipeline/kernels/sources.ts'
import { defineStage, type Env, type Json, type Part, type Round } from '../pipeline/stage.ts'

const params = z.strictObject({
  max_calibration_pairs: z
    .int()
    .min(100)
    .default(200_000)
    .describe('pairs that temperatures and weights are fitted on, about, drawn by hash of pair_id'),
  min_source_pairs: z
    .int()
    .min(50)
    .default(500)
    .describe('sources with so many drawn pairs that a model scored get a temperature and weight of their own; others share one'),
  weights: z
    .enum(['auc', 'equal'])
    .default('auc')
    .describe(
      'how models count in p_mean: by how far their margins tell labels from their opposites (AUC above .5, less one standard error), or all alike that do',
    ),
})
type Params = z.infer<typeof params>

const SAMPLE = 0x7ca1
const modelsOf = ({ upstream }: Env): string[] =>
  Object.keys(upstream)
    .filter(name => name.startsWith('margin_'))
    .map(name => name.slice('margin_'.length))

const marginColumns = (env: Env): Schema => Object.fromEntries(modelsOf(env).map(model => [`margin_${model}`, 'f32' as const]))
const sampled = (env: Env): Schema => ({ ordinal: 'i32', source: 'i32', ...marginColumns(env) })

/** A sample of pairs with the margins of every model. */
const sample: Round<Params> = {
  reads: (_, env) => ({ ordinal: 'i32', pair_id: 'id', source: 'utf8', ...marginColumns(env) }),
  emits: (_, env) => sampled(env),
  partitions: () => 1,
  observe: (params, { env, seed, corpus }) => {
    const share = params.max_calibration_pairs / Math.max(1, corpus.pairs)
    const schema: Schema = { ...sampled(env), partition: 'i32' }
    return batch => {
      const { pair_id, source } = columnsOf(batch, { pair_id: 'id', source: 'utf8' })
      const lane = lanesOf(pair_id, batch.rows)[0]
      const drawn = Int32Array.from(lane.keys()).filter(i => mix32(lane[i] ^ mix32(seed ^ SAMPLE)) * 2 ** -32 < share)
      const numbers = { source: { values: sourceNumbers(source, corpus.sources) }, partition: { values: new Int32Array(batch.rows) } }
      return gather(batchOf(schema, batch.rows, { ...batch.columns, ...numbers }), drawn)
    }
  },
  reduce: (params, { env, corpus }, rows) => calibrate(params, modelsOf(env), corpus.sources, rows),
  combine: (params, { env, corpus }, parts) =>
    parts[0] ?? calibrate(params, modelsOf(env), corpus.sources, gather(emptyOf(env), new Int32Array(0))),
}

const emptyOf = (env: Env): Batch => {
  const schema = sampled(env)
  const columns = Object.fromEntries(
    Object.keys(schema).map(name => [name, { values: name === 'ordinal' || name === 'source' ? new Int32Array(0) : new Float32Array(0) }]),
  )
  return batchOf(schema, 0, columns)
}

/** By model: what holds for all sources, and for those with pairs enough of their own. */
interface Fitted {
  readonly shared: Calibration
  readonly own: Readonly<Record<string, Calibration>>
}

function calibrate(params: Params, models: readonly string[], sources: readonly string[], rows: Batch): Part {
  const { ordinal, source } = columnsOf(rows, { ordinal: 'i32', source: 'i32' })
  const order = Int32Array.from(ordinal.values.keys()).sort((a, b) => ordinal.values[a] - ordinal.values[b])
  const fits = models.map(model => fitModel(params, rows.columns[`margin_${model}`] as Numbers<Float32Array>, source.values, order))
  const facts = {
    calibrated_on: 'agreement with the labels as they came in (the built-in models: out of fold); no gold',
    pairs: rows.rows,
    models: Object.fromEntries(models.map((model, j) => [model, factsOf(fits[j], sources)])),
  }
  return { facts, state: fits.map(({ shared, own }) => ({ shared, own })) as unknown as Json }
}

interface FittedModel extends Fitted {
  readonly margins: Float64Array
  readonly source: Int32Array
}

function fitModel(
  { min_source_pairs, weights }: Params,
  column: Numbers<Float32Array>,
  sources: Int32Array,
  order: Int32Array,
): FittedModel {
  const index = order.filter(i => isValid(column, i) && Number.isFinite(column.values[i]))
  const margins = Float64Array.from(index, i => column.values[i])
  const source = Int32Array.from(index, i => sources[i])
  const lists = new Map<number, number[]>()
  for (const [k, s] of source.entries()) {
    const list = lists.get(s)
    if (list) list.push(margins[k])
    else lists.set(s, [margins[k]])
  }
  const calibrated = (of: Float64Array): Calibration => {
    const calibration = fitCalibration(of)
    return weights === 'equal' && calibration.weight > 0 ? { ...calibration, weight: 1 } : calibration
  }
  const large = [...lists].filter(([, list]) => list.length >= min_source_pairs)
  return {
    shared: calibrated(margins),
    own: Object.fromEntries(large.map(([s, list]) => [s, calibrated(Float64Array.from(list))])),
    margins,
    source,
  }
}

const rounded = (value: number): number => Number(value.toPrecision(5))

function factsOf({ shared, own, margins, source }: FittedModel, sources: readonly string[]): Json {
  const scaled = margins.map((m, k) => m * (own[source[k]] ?? shared).scale)
  const error = (of: Float64Array): Json => {
    const { ece, brier } = calibrationError(of)
    return { ece: rounded(ece), brier: rounded(brier) }
  }
  const bySource = Object.entries(own).map(([s, { scale, weight }]): [string, Json] => [
    sources[Number(s)],
    { temperature: temperatureOf(scale), weight: rounded(weight) },
  ])
  return {
    pairs: margins.length,
    accuracy: rounded(accuracyOf(margins)),
    auc: rounded(pairAuc(margins)),
    temperature: temperatureOf(shared.scale),
    weight: rounded(shared.weight),
    before: error(margins),
    after: error(scaled),
    by_source: Object.fromEntries(bySource.sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}

/** null where margins say nothing of the labels. */
const temperatureOf = (scale: number): number | null => (scale > 0 ? rounded(1 / scale) : null)

export const disagreement = defineStage<Params>({
  name: 'disagreement',
  doc: 'Calibrates every reward model, and says per pair how probable its label is, how far the models differ, and how many are against it.',
  version: 2,
  params,
  reads: (_, env) => ({ source: 'utf8', ...marginColumns(env) }),
  adds: (_, env) => ({
    ...Object.fromEntries(modelsOf(env).map(model => [`p_${model}`, 'f32' as const])),
    p_mean: 'f32',
    disagreement: 'f32',
    against: 'u8',
  }),
  rounds: [sample],
  judge: (_, { summary, env, corpus }) => {
    const fits = summary.state as unknown as readonly Fitted[]
    return batch => {
      const { source } = columnsOf(batch, { source: 'utf8' })
      return { add: opinions(batch, modelsOf(env), fits, sourceNumbers(source, corpus.sources)) }
    }
  },
})

/** A pair that no model can judge has nulls. A model that knows nothing of a source says .5 there, and does not count. */
function opinions(batch: Batch, models: readonly string[], fits: readonly Fitted[], source: Int32Array): Record<string, Column> {
  const { rows } = batch
  const total = new Float64Array(rows)
  const sum = new Float64Array(rows)
  const squares = new Float64Array(rows)
  const against = new Uint8Array(rows)
  const columns: Record<string, Column> = {}
  for (const [j, model] of models.entries()) {
    const margin = batch.columns[`margin_${model}`] as Numbers<Float32Array>
    const { shared, own } = fits[j] ?? { shared: UNCALIBRATED, own: {} }
    const values = new Float32Array(rows)
    const valid = Uint8Array.from({ length: rows }, (_, i) => (isValid(margin, i) && Number.isFinite(margin.values[i]) ? 1 : 0))
    for (let i = 0; i < rows; i++) {
      if (!valid[i]) continue
      const { scale, weight } = own[source[i]] ?? shared
      const p = sigmoid(margin.values[i] * scale)
      values[i] = p
      total[i] += weight
      sum[i] += weight * p
      squares[i] += weight * p * p
      if (weight > 0 && p < 0.5 && against[i] < 255) against[i]++
    }
    columns[`p_${model}`] = { values, valid }
  }
  const valid = Uint8Array.from(total, weight => (weight > 0 ? 1 : 0))
  const over = (at: (i: number) => number): Float32Array => Float32Array.from(valid, (judged, i) => (judged ? at(i) : 0))
  columns.p_mean = { values: over(i => sum[i] / total[i]), valid }
  columns.disagreement = { values: over(i => Math.sqrt(Math.max(0, squares[i] / total[i] - (sum[i] / total[i]) ** 2))), valid }
  columns.against = { values: against, valid }
  return columns
}
