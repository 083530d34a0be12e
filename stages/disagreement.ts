import { z } from 'zod'
import { type Batch, batchOf, columnsOf, emptyBatch, type Ids, isValid, type Numbers, type Schema } from '../pipeline/batch.ts'
import { hint, UserError } from '../pipeline/errors.ts'
import { gather } from '../pipeline/gather.ts'
import type { Ensemble } from '../pipeline/kernels/ensemble.ts'
import { type FitOptions, fitEnsemble } from '../pipeline/kernels/ensemble-fit.ts'
import { lanesOf } from '../pipeline/kernels/groups.ts'
import { mix32 } from '../pipeline/kernels/mix.ts'
import { modelColumn } from '../pipeline/kernels/recorded.ts'
import { sourceNumbers } from '../pipeline/kernels/sources.ts'
import { auditFor } from '../pipeline/measures/audited-models.ts'
import { ensembleColumns } from '../pipeline/measures/ensemble-columns.ts'
import { ensembleFacts, type Fitting } from '../pipeline/measures/ensemble-facts.ts'
import { goldOf, goldReads } from '../pipeline/measures/gold.ts'
import { pairFacts } from '../pipeline/pair.ts'
import { type Context, defineStage, type Env, type Json, type JudgedPairs, type Part, type Preview, type Round } from '../pipeline/stage.ts'

const params = z.strictObject({
  gold: z
    .enum(['votes', 'people', 'ignore'])
    .default('votes')
    .describe(
      'what models are calibrated on, in sources with min_gold_pairs of it alone, elsewhere on the labels corrected by it: votes = two or more votes that came with a pair; people = the judgement log too, so that every new answer fits the models anew; ignore = the labels as they came in',
    ),
  min_gold_pairs: z.int().min(50).default(300).describe('pairs of a source with gold from which its models are calibrated on gold alone'),
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
  calibration: z
    .enum(['temperature', 'isotonic'])
    .default('temperature')
    .describe('how margins become probabilities: one temperature, or a curve that only has to rise, for models with many pairs'),
  weights: z
    .enum(['auto', 'auc', 'equal', 'audit', 'stack'])
    .default('auto')
    .describe(
      'how models count in p_mean: auc = by how far their margins tell right sides from wrong ones (AUC above .5, less one standard error, cubed); equal = all alike that do; audit = as the file `audit` says; stack = a logistic model on top of them, which judges only prompts that it has not seen, takes the place of the weighted mean; auto = stack in sources with min_gold_pairs, else audit if there is a file, else auc',
    ),
  audit: z
    .string()
    .min(1)
    .optional()
    .describe(
      'what `goldpan audit-rm FILE --json` printed: temperatures and weights max(0, MRR - random) of the models it names; others do not count',
    ),
  gold_model: z
    .string()
    .optional()
    .describe('a model that learned from gold: gold_against_best then tells where it and the best model prefer different sides'),
  best_model: z.string().optional().describe('the other model of gold_against_best; default: the one with the largest weight'),
})
type Params = z.infer<typeof params>

const FOLDS = 5
const NOBODY: JudgedPairs = { size: 0, of: () => undefined }
const SAMPLE = 0x7ca1
const DEALT = 0x57ac
const modelsOf = ({ upstream }: Env): string[] =>
  Object.keys(upstream)
    .filter(name => name.startsWith('margin_'))
    .map(name => name.slice('margin_'.length))

const marginColumns = (env: Env): Schema => Object.fromEntries(modelsOf(env).map(model => [`margin_${model}`, 'f32' as const]))
const clusterColumn = ({ upstream }: Env): string => ('prompt_cluster' in upstream ? 'prompt_cluster' : 'prompt_id')
const judgedBy = (env: Env): Schema => ({ source: 'utf8', [clusterColumn(env)]: 'id', ...marginColumns(env) })
const sampled = { ordinal: 'i32', source: 'i32', fold: 'u8', gold: 'i32' } as const

/** Pairs of one prompt are in one fold, so that no stack judges a pair whose like it has seen. */
const foldsOf = (batch: Batch, env: Env): Uint8Array =>
  Uint8Array.from(lanesOf(batch.columns[clusterColumn(env)] as Ids, batch.rows)[0], lane => mix32(lane ^ DEALT) % FOLDS)

/** A sample of pairs with the margins of every model, and every pair that people judged. */
const sample: Round<Params> = {
  reads: (_, env) => ({ ordinal: 'i32', ...goldReads, tie: pairFacts.tie, ...judgedBy(env) }),
  emits: (_, env) => ({ ...sampled, ...marginColumns(env) }),
  partitions: () => 1,
  observe: (params, { env, seed, corpus, judged: log }) => {
    const judged = params.gold === 'people' ? log : NOBODY
    const share = params.max_calibration_pairs / Math.max(1, corpus.pairs)
    const schema: Schema = { ...sampled, ...marginColumns(env), partition: 'i32' }
    return batch => {
      const { pair_id, source, tie } = columnsOf(batch, { pair_id: 'id', source: 'utf8', tie: pairFacts.tie })
      const lane = lanesOf(pair_id, batch.rows)[0]
      const isDrawn = (i: number): boolean => mix32(lane[i] ^ mix32(seed ^ SAMPLE)) * 2 ** -32 < share
      const drawn = Int32Array.from(lane.keys()).filter(i => tie.values[i] === 0 && (isDrawn(i) || judged.of(pair_id, i) !== undefined))
      const added = {
        source: { values: sourceNumbers(source, corpus.sources) },
        fold: { values: foldsOf(batch, env) },
        gold: { values: params.gold === 'ignore' ? new Int32Array(batch.rows) : goldOf(batch, judged) },
        partition: { values: new Int32Array(batch.rows) },
      }
      return gather(batchOf(schema, batch.rows, { ...batch.columns, ...added }), drawn)
    }
  },
  reduce: (params, context, rows) => fitted(params, context, rows),
  combine: (params, context, parts) =>
    parts[0] ?? fitted(params, context, emptyBatch({ ...sampled, ...marginColumns(context.env) } as Schema)),
}

async function fitted(params: Params, context: Context, rows: Batch): Promise<Part> {
  const models = modelsOf(context.env)
  const fitting = rowsToFit(params, models, rows)
  const audited = await auditFor(params, context, models)
  const stackedSources =
    params.weights === 'stack' ? new Set(fitting.rows.folds.source) : params.weights === 'auto' ? fitting.rows.gilded : []
  const options: FitOptions = {
    weights: params.weights === 'equal' ? 'equal' : 'auc',
    isotonic: params.calibration === 'isotonic',
    min_source_rows: params.min_source_pairs,
    stacked: models.length > 1 ? [...stackedSources].sort((a, b) => a - b) : [],
    ...(audited ? { audited: models.map(model => audited.of.get(model)) } : {}),
  }
  const ensemble = fitEnsemble(fitting.rows, options)
  const dual = dualOf(params, models, ensemble)
  const facts = ensembleFacts(fitting, options, ensemble, { models, sources: context.corpus.sources, audit: audited?.told })
  return { facts: { ...facts, ...dual?.facts }, state: { ensemble, dual: dual?.places ?? null } as unknown as Json }
}

/** Rows in the order of the corpus, with margins turned to the side that gold, else the label, prefers. */
function rowsToFit(params: Params, models: readonly string[], batch: Batch): Fitting {
  const { ordinal, source, fold, gold } = columnsOf(batch, sampled)
  const counts = new Map<number, number>()
  for (const [i, s] of source.values.entries()) if (gold.values[i] !== 0) counts.set(s, (counts.get(s) ?? 0) + 1)
  const gilded = new Set([...counts].filter(([, n]) => n >= params.min_gold_pairs).map(([s]) => s))
  const index = Int32Array.from(ordinal.values.keys())
    .filter(i => gold.values[i] !== 0 || !gilded.has(source.values[i]))
    .sort((a, b) => ordinal.values[a] - ordinal.values[b])
  const margins = marginsOf(batch, models, index)
  for (const [row, i] of index.entries())
    if (gold.values[i] < 0) for (let at = row * models.length; at < (row + 1) * models.length; at++) margins[at] = -margins[at]
  return {
    rows: {
      opinions: { models: models.length, margins },
      folds: { count: FOLDS, of: Uint8Array.from(index, i => fold.values[i]), source: Int32Array.from(index, i => source.values[i]) },
      gilded,
    },
    gold: index.reduce((n, i) => n + (gold.values[i] !== 0 ? 1 : 0), 0),
  }
}

/** Margins row by row, NaN where there is none. */
function marginsOf(batch: Batch, models: readonly string[], index: Int32Array): Float64Array {
  const margins = new Float64Array(index.length * models.length)
  for (const [j, model] of models.entries()) {
    const column = batch.columns[`margin_${model}`] as Numbers<Float32Array>
    for (const [row, i] of index.entries())
      margins[row * models.length + j] = isValid(column, i) && Number.isFinite(column.values[i]) ? column.values[i] : Number.NaN
  }
  return margins
}

interface Dual {
  readonly facts: Record<string, Json>
  /** Of the gold model and the best one among the models. */
  readonly places: readonly [number, number]
}

function dualOf({ gold_model, best_model }: Params, models: readonly string[], ensemble: Ensemble): Dual | undefined {
  if (gold_model === undefined) return undefined
  const gold = placeOf(gold_model, 'gold_model', models)
  const others = models.map((_, j) => j).filter(j => j !== gold)
  if (others.length === 0) throw new UserError('disagreement: gold_model: expected a second model beside it, got one model')
  const weightOf = (j: number): number => ensemble.models[j].shared.weight
  const best =
    best_model === undefined ? others.reduce((a, b) => (weightOf(b) > weightOf(a) ? b : a)) : placeOf(best_model, 'best_model', models)
  return { facts: { gold_model: models[gold], best_model: models[best] }, places: [gold, best] }
}

function placeOf(name: string, param: string, models: readonly string[]): number {
  const place = models.indexOf(modelColumn(name))
  if (place < 0) throw new UserError(`disagreement: ${param}: no model "${name}"${hint(name, models)}`)
  return place
}

/** Refuses names of models that no step scores, and an audit of others. */
async function check(params: Params, { env, file }: Preview): Promise<void> {
  const { audit, weights, gold_model, best_model } = params
  if (best_model !== undefined && gold_model === undefined) throw new UserError('disagreement: best_model: needs gold_model beside it')
  if (audit === undefined && gold_model === undefined && weights !== 'audit') return
  const models = modelsOf(await env())
  await auditFor(params, { file }, models)
  if (gold_model !== undefined) placeOf(gold_model, 'gold_model', models)
  if (best_model !== undefined) placeOf(best_model, 'best_model', models)
}

export const disagreement = defineStage<Params>({
  name: 'disagreement',
  doc: 'Calibrates every reward model, and says per pair how probable its label is, how far the models differ, and how many are against it.',
  version: 5,
  params,
  files: ({ audit }) => (audit === undefined ? [] : [audit]),
  judgements: ({ gold }) => gold === 'people',
  reads: (_, env) => judgedBy(env),
  check,
  adds: ({ gold_model }, env) => ({
    ...Object.fromEntries(modelsOf(env).map(model => [`p_${model}`, 'f32' as const])),
    p_mean: 'f32',
    disagreement: 'f32',
    against: 'u8',
    vote_entropy: 'f32',
    ...(gold_model === undefined ? {} : { gold_against_best: 'u8' as const }),
  }),
  rounds: [sample],
  judge: (_, { summary, env, corpus }) => {
    const models = modelsOf(env)
    const { ensemble, dual } = summary.state as unknown as { ensemble: Ensemble; dual: Dual['places'] | null }
    return batch => {
      const { source } = columnsOf(batch, { source: 'utf8' })
      const folds = { count: FOLDS, of: foldsOf(batch, env), source: sourceNumbers(source, corpus.sources) }
      const margins = marginsOf(
        batch,
        models,
        Int32Array.from({ length: batch.rows }, (_, i) => i),
      )
      return { add: ensembleColumns(ensemble, { models, margins, dual }, folds) }
    }
  },
})
