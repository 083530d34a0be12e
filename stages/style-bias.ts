import { z } from 'zod'
import { type Batch, batchOf, columnsOf, type Schema } from '../pipeline/batch.ts'
import { inOrder } from '../pipeline/gather.ts'
import { lanesOf } from '../pipeline/kernels/groups.ts'
import { sigmoid } from '../pipeline/kernels/logistic.ts'
import { unit } from '../pipeline/kernels/random.ts'
import { tuneControl } from '../pipeline/kernels/style-control.ts'
import { styleFeatures } from '../pipeline/kernels/style-features.ts'
import { fitStyleModel } from '../pipeline/kernels/style-model.ts'
import { drop, MOST_MARGIN, reweight, subsample, type Weigh } from '../pipeline/kernels/style-weights.ts'
import { labelSupport, turnedIn } from '../pipeline/measures/label-support.ts'
import { featureColumns, featureSchema, style } from '../pipeline/measures/style.ts'
import { census } from '../pipeline/measures/style-census.ts'
import {
  type Audit,
  audited,
  auditFacts,
  auditWarnings,
  type Facts,
  type Fit,
  fitWarnings,
  LEAST_PAIRS,
  round,
} from '../pipeline/measures/style-facts.ts'
import { encodeModel, joinModels, MODEL_FOLDS, StyleJudge } from '../pipeline/measures/style-models.ts'
import {
  asPublished,
  drawSample,
  judgedColumns,
  readsToJudge,
  readsToSample,
  type Shares,
  sampleColumns,
  sampled,
  styleRowsOf,
} from '../pipeline/measures/style-sample.ts'
import { type Context, type Corpus, defineStage, type Round, type Verdict } from '../pipeline/stage.ts'

const params = z.strictObject({
  action: z
    .enum(['flag', 'drop', 'reweight', 'subsample'])
    .default('reweight')
    .describe('only say how well style predicts a label, drop what style alone explains, give weights, or draw a subsample'),
  target_auc: z
    .number()
    .min(0.5)
    .max(1)
    .default(0.55)
    .describe('actions reweight and subsample: area under the curve that style alone must not exceed on held-out prompts; 0.5 = nothing'),
  most_weight: z
    .number()
    .min(1)
    .max(100)
    .default(1)
    .describe(
      'action subsample: how many times a drawn pair may weigh what the lightest does; above 1 more of the sample is kept and pairs get a weight, which the trainer must use; 1 = no weights',
    ),
  drop_above: z
    .number()
    .min(0.5)
    .max(1)
    .default(0.8)
    .describe('action drop: labels leave that style predicts with a higher probability and neither votes nor models support'),
  sample: z
    .int()
    .min(100)
    .default(10_000)
    .describe('most pairs of a source on which style is fitted and audited; half as many of the whole corpus'),
  columns: z
    .array(z.enum(styleFeatures))
    .default([])
    .describe('features to add to the ledger, each as style_chosen_NAME and style_rejected_NAME'),
})
type Params = z.infer<typeof params>

type State = { readonly pairs: readonly number[]; readonly fits?: readonly Fit[] }
const stateOf = (context: Context): State => context.summary.state as State

/** All samples of sources together: what a second or two of fitting can use, or more where the corpus itself takes longer. */
const SAMPLED = 10_000
const SAMPLED_SHARE = 0.3

/** Deals the places of the samples to the sources evenly; a source has no more than it has pairs, or than `sample`. */
function sharesOf({ sample }: Params, { pairs }: State): Shares {
  const total = pairs.reduce((all, count) => all + count, 0)
  const order = [...pairs.keys()].sort((a, b) => pairs[a] - pairs[b])
  const sources = pairs.map(() => 0)
  let places = Math.max(SAMPLED, SAMPLED_SHARE * total)
  for (const [k, source] of order.entries()) {
    const quota = Math.min(pairs[source], sample, places / (order.length - k))
    sources[source] = pairs[source] > 0 ? quota / pairs[source] : 0
    places -= quota
  }
  return { sources, corpus: total > 0 ? Math.min(1, sample / 2 / total) : 0 }
}

/** How pairs are weighed by the action; `flag` weighs none. */
const weighOf = ({ action, most_weight }: Params): Weigh => ({ flag: () => 1, drop, reweight, subsample: subsample(most_weight) })[action]

/** Whether pairs that stay differ in weight. */
const gives = ({ action, most_weight }: Params): boolean => action === 'reweight' || (action === 'subsample' && most_weight > 1)

/** Whether control is tuned to the target: no threshold of dropping takes style out, it only turns it round. */
const tunes = ({ action }: Params): boolean => action === 'reweight' || action === 'subsample'

/** One sample a source, and one of the corpus where it has several. */
const samples = (_: Params, { sources }: Corpus): number => (sources.length > 1 ? sources.length + 1 : 1)

/** A source of fewer sampled pairs is judged by the model of the corpus. */
const LEAST_OF_SOURCE = 300

/** Fits a model of style to every sample, and tunes what its weights leave of style. */
const fitting: Round<Params> = {
  reads: readsToSample,
  emits: sampled,
  partitions: samples,
  observe: (params, context) => {
    const shares = sharesOf(params, stateOf(context))
    return given => {
      const batch = asPublished(given)
      const { index, partition } = drawSample(batch, shares, context)
      return batchOf({ ...sampled, partition: 'i32' }, index.length, {
        ...sampleColumns(batch, index),
        partition: { values: partition },
      }) as Batch
    }
  },
  reduce: (params, { corpus }, batch, of) => {
    if (batch.rows < (of === samples(params, corpus) - 1 ? LEAST_PAIRS : LEAST_OF_SOURCE)) return {}
    const ordered = inOrder(batch)
    const { rows, large } = styleRowsOf(ordered, MODEL_FOLDS)
    const { model, margins } = fitStyleModel(rows)
    const { support } = columnsOf(ordered, sampled)
    const weigh = weighOf(params)
    const set = { left: 2 * params.drop_above - 1, auc: 1 }
    const control = tunes(params) ? tuneControl(rows, margins, support.values, params.target_auc, weigh) : set
    const worth = margins.map((margin, i) => weigh(margin, control.left, support.values[i]))
    const sum = worth.reduce((all, value) => all + value, 0)
    const kept = params.action === 'subsample' ? worth.reduce((all, value) => all + Math.min(1, value), 0) : rows.rows
    const clipped = margins.filter(margin => Math.abs(margin) > MOST_MARGIN).length / rows.rows
    const fit: Fit = { of, left: control.left, held_out_auc: control.auc, clipped }
    return { tables: encodeModel({ of, model, left: control.left, scale: kept / sum, large }), state: fit }
  },
  combine: (_, context, parts) => {
    const fits = parts.flatMap(part => (part.state ? [part.state as Fit] : [])).sort((a, b) => a.of - b.of)
    return { tables: joinModels(parts), state: { ...stateOf(context), fits } }
  },
}

/**
 * What the action makes of the rows named by `index`: a weight for pairs that stay, of mean 1 over a source, 0 for those that leave; `turned`: what
 * they weigh where a later step turns the label.
 */
function decide(params: Params, { seed }: Context, judge: StyleJudge, batch: Batch, index: Int32Array) {
  const { margins, left, scale } = judge.judge(batch, index)
  const support = labelSupport(batch, index)
  const weigh = weighOf(params)
  const worth = margins.map((margin, k) => weigh(margin, left[k], support[k]))
  if (params.action === 'reweight') {
    const turned = margins.map((margin, k) => weigh(-margin, left[k], -support[k]) * scale[k])
    return { margins, weights: worth.map((weight, k) => weight * scale[k]), turned }
  }
  if (params.action !== 'subsample') return { margins, weights: worth }
  const { pair_id, prompt_cluster } = columnsOf(batch, judgedColumns)
  const [pairs, prompts] = [pair_id, prompt_cluster].map(ids => lanesOf(ids, batch.rows)[0])
  const place = (k: number): number => unit(seed, pairs[index[k]], prompts[index[k]])
  return { margins, weights: worth.map((value, k) => (place(k) < value ? Math.max(1, value) * scale[k] : 0)) }
}

/** Audits every sample before and after, by models of the audit's own, on prompts that they have not seen. */
const auditing: Round<Params> = {
  reads: readsToSample,
  emits: audited,
  partitions: samples,
  observe: (params, context) => {
    const shares = sharesOf(params, stateOf(context))
    const judge = new StyleJudge(context.summary.tables!, context.corpus)
    return given => {
      const batch = asPublished(given)
      const { index, partition } = drawSample(batch, shares, context)
      const { weights } = decide(params, context, judge, batch, index)
      return batchOf({ ...audited, partition: 'i32' }, index.length, {
        ...sampleColumns(batch, index),
        weight: { values: weights },
        partition: { values: partition },
      }) as Batch
    }
  },
  reduce: ({ action }, { seed }, batch, of) => ({ state: of, facts: auditFacts(inOrder(batch), seed, action !== 'flag') }),
  combine: (params, { corpus, summary }, parts) => {
    const { pairs, fits = [] } = summary.state as State
    const factsOf = (of: number, count: number): Facts => {
      const audit = (parts.find(part => part.state === of)?.facts as Audit | undefined) ?? { sampled: 0 }
      const fit = fits.find(f => f.of === of)
      const target = tunes(params) ? params.target_auc : undefined
      const most = params.action === 'subsample' ? params.most_weight : undefined
      const warnings = [...(fit ? fitWarnings(fit, audit, target, most) : []), ...auditWarnings(audit)]
      return { pairs: count, ...audit, ...(fit && { style_left: round(fit.left) }), ...(warnings.length > 0 && { warnings }) }
    }
    const sources = corpus.sources.map((source, of) => ({ source, ...factsOf(of, pairs[of]) }))
    const total = pairs.reduce((all, count) => all + count, 0)
    return { tables: summary.tables, facts: { corpus: factsOf(samples(params, corpus) - 1, total), sources } }
  },
}

/** A draw is made of labels as they came in, so its pairs weigh the same whichever way they are turned. */
const weightSchema = (params: Params): Schema => ({
  ...(gives(params) && { weight: 'f32' }),
  ...(params.action === 'reweight' && { weight_turned: 'f32' }),
})

const outcomeOf = { flag: {}, reweight: {}, drop: { style_explained: 'drop' }, subsample: { not_drawn: 'drop' } } as const

/** Style bias measured, and on request taken out: length and Markdown must not be what a reward model learns. */
export const styleBias = defineStage<Params>({
  name: 'style-bias',
  doc: 'Measures what length, Markdown and other style alone say of the labels, and weighs, draws or drops pairs until they say little.',
  version: 9,
  params,
  measures: () => [style.with({})],
  reads: readsToJudge,
  adds: (params): Schema => ({ style_p: 'f32', ...weightSchema(params), ...featureSchema(params.columns) }),
  reasons: ({ action }) => outcomeOf[action],
  rounds: [census, fitting, auditing],
  judge: (params, context) => {
    const judge = new StyleJudge(context.summary.tables!, context.corpus)
    return batch => {
      const { tie } = columnsOf(batch, { tie: 'u8' })
      const all = Int32Array.from({ length: batch.rows }, (_, i) => i)
      const { margins, weights, turned } = decide(params, context, judge, asPublished(batch), all)
      const valid = tie.values.map(tied => 1 - tied)
      // the columns are of the label as it came in, and of what it weighs the other way round
      const isTurned = turnedIn(batch)
      const asItCame = turned ? weights.map((weight, i) => (isTurned(i) ? turned[i] : weight)) : weights
      const add: Verdict['add'] = {
        style_p: { values: Float32Array.from(margins, (margin, i) => sigmoid(isTurned(i) ? -margin : margin)), valid },
        ...featureColumns(batch, params.columns),
        ...(gives(params) && { weight: { values: Float32Array.from(asItCame), valid } }),
        ...(turned && { weight_turned: { values: Float32Array.from(turned, (weight, i) => (isTurned(i) ? weights[i] : weight)), valid } }),
      }
      return { add, leave: Uint8Array.from(weights, (weight, i) => (weight === 0 && tie.values[i] === 0 ? 1 : 0)) }
    }
  },
})
