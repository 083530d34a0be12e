import { z } from 'zod'
import { type Batch, batchOf, type Column, columnsOf, type Ids, isValid, type Numbers, type Schema } from '../pipeline/batch.ts'
import { pairAuc } from '../pipeline/kernels/auc.ts'
import { accuracyOf, calibrationError, temperatureOf } from '../pipeline/kernels/calibration.ts'
import { lanesOf } from '../pipeline/kernels/groups.ts'
import { sigmoid } from '../pipeline/kernels/logistic.ts'
import { mix32 } from '../pipeline/kernels/mix.ts'
import { defineStage, type Env, type Json, type Round } from '../pipeline/stage.ts'

const params = z.strictObject({
  max_calibration_pairs: z
    .int()
    .min(100)
    .default(200_000)
    .describe('pairs that temperatures and weights are fitted on, about, drawn by hash of pair_id'),
  weights: z
    .enum(['auc', 'equal'])
    .default('auc')
    .describe('how models count in p_mean: by how far their margins tell the label from its opposite (AUC above .5), or all alike'),
})
type Params = z.infer<typeof params>

/** What the fit says of one model. */
interface Calibrated {
  readonly model: string
  readonly temperature: number
  readonly weight: number
}

const SAMPLE = 0x7ca1
const modelsOf = ({ upstream }: Env): string[] =>
  Object.keys(upstream)
    .filter(name => name.startsWith('margin_'))
    .map(name => name.slice('margin_'.length))

const marginsRead = (_: Params, env: Env): Schema => Object.fromEntries(modelsOf(env).map(model => [`margin_${model}`, 'f32' as const]))

/** A sample of pairs with the margins of every model, NaN where a model gave none. */
const sample: Round<Params> = {
  reads: (params, env) => ({ ordinal: 'i32', pair_id: 'id', ...marginsRead(params, env) }),
  emits: (params, env) => ({ ordinal: 'i32', ...marginsRead(params, env) }),
  partitions: () => 1,
  observe: (params, { env, seed, corpus }) => {
    const share = params.max_calibration_pairs / Math.max(1, corpus.pairs)
    const schema = { ordinal: 'i32', partition: 'i32', ...marginsRead(params, env) } as Schema
    return batch => {
      const { ordinal, pair_id } = columnsOf(batch, { ordinal: 'i32', pair_id: 'id' })
      const lane = lanesOf(pair_id as Ids, batch.rows)[0]
      const rows = Int32Array.from(lane.keys()).filter(i => mix32(lane[i] ^ mix32(seed ^ SAMPLE)) * 2 ** -32 < share)
      const columns: Record<string, Column> = {
        ordinal: { values: rows.map(i => ordinal.values[i]) },
        partition: { values: new Int32Array(rows.length) },
      }
      for (const model of modelsOf(env)) columns[`margin_${model}`] = { values: marginAt(batch, model, rows) }
      return batchOf(schema, rows.length, columns)
    }
  },
  reduce: (params, { env }, rows) => {
    const { values } = rows.columns.ordinal as Numbers<Int32Array>
    const order = Int32Array.from(values.keys()).sort((a, b) => values[a] - values[b])
    const fits = modelsOf(env).map(model => fitOf(params, model, Float64Array.from(marginAt(rows, model, order)).filter(Number.isFinite)))
    const facts = {
      calibrated_on: 'agreement of out-of-fold margins with the labels (no gold)',
      pairs: rows.rows,
      models: Object.fromEntries(fits.map(({ model, facts }) => [model, facts])),
    }
    return { facts, state: fits.map(({ model, temperature, weight }) => ({ model, temperature, weight })) as unknown as Json }
  },
  combine: (_, __, parts) => parts[0] ?? { facts: { pairs: 0, models: {} }, state: [] },
}

/** Margins of these rows as they stand, NaN for null. */
function marginAt(batch: Batch, model: string, rows: Int32Array): Float32Array {
  const column = batch.columns[`margin_${model}`] as Numbers<Float32Array>
  return Float32Array.from(rows, i => (isValid(column, i) ? column.values[i] : Number.NaN))
}

function fitOf(params: Params, model: string, margins: Float64Array) {
  const fitted = temperatureOf(margins)
  const auc = pairAuc(margins)
  const temperature = Number.isFinite(fitted) ? fitted : 0
  const weight = temperature === 0 ? 0 : params.weights === 'equal' ? 1 : Math.max(0, auc - 0.5)
  const facts = {
    pairs: margins.length,
    temperature,
    weight,
    accuracy: accuracyOf(margins),
    auc,
    before: { ...calibrationError(margins, 1) },
    ...(temperature > 0 ? { after: { ...calibrationError(margins, temperature) } } : {}),
  }
  return { model, temperature, weight, facts }
}

export const disagreement = defineStage<Params>({
  name: 'disagreement',
  doc: 'Calibrates every reward model, and says per pair how probable its label is, how far the models differ, and how many are against it.',
  version: 1,
  params,
  reads: marginsRead,
  adds: (_, env) => ({
    ...Object.fromEntries(modelsOf(env).map(model => [`p_${model}`, 'f32' as const])),
    p_mean: 'f32',
    disagreement: 'f32',
    against: 'u8',
  }),
  rounds: [sample],
  judge: (_, { summary, env }) => {
    const fits = new Map((summary.state as unknown as Calibrated[]).map(fit => [fit.model, fit]))
    return batch => ({
      add: opinions(
        batch,
        modelsOf(env).map(model => fits.get(model) ?? { model, temperature: 0, weight: 0 }),
      ),
    })
  },
})

/** Models without a usable temperature say nothing; a pair that no model judges has nulls. */
function opinions(batch: Batch, fits: readonly Calibrated[]): Record<string, Column> {
  const { rows } = batch
  const all = Int32Array.from({ length: rows }, (_, i) => i)
  const ps = fits.map(({ model, temperature }) =>
    Float64Array.from(marginAt(batch, model, all), m => (temperature > 0 && Number.isFinite(m) ? sigmoid(m / temperature) : Number.NaN)),
  )
  const mean = new Float32Array(rows)
  const spread = new Float32Array(rows)
  const against = new Uint8Array(rows)
  const judged = new Uint8Array(rows)
  for (let i = 0; i < rows; i++) {
    const { total, sum, squares, below } = moments(ps, fits, i)
    if (total === 0) continue
    judged[i] = 1
    mean[i] = sum / total
    spread[i] = Math.sqrt(Math.max(0, squares / total - (sum / total) ** 2))
    against[i] = below
  }
  const columns: Record<string, Column> = {
    p_mean: { values: mean, valid: judged },
    disagreement: { values: spread, valid: judged },
    against: { values: against, valid: judged },
  }
  for (const [j, { model }] of fits.entries())
    columns[`p_${model}`] = {
      values: Float32Array.from(ps[j], p => (Number.isNaN(p) ? 0 : p)),
      valid: Uint8Array.from(ps[j], p => (p >= 0 ? 1 : 0)),
    }
  return columns
}

function moments(ps: readonly Float64Array[], fits: readonly Calibrated[], i: number) {
  let [total, sum, squares, below] = [0, 0, 0, 0]
  for (const [j, { weight }] of fits.entries()) {
    const p = ps[j][i]
    if (!(p >= 0) || weight === 0) continue
    total += weight
    sum += weight * p
    squares += weight * p * p
    below += p < 0.5 ? 1 : 0
  }
  return { total, sum, squares, below }
}
