/** Style models as tables between the step that fits them and the workers that judge by them. */
import { type Batch, batchOf, type Columns, columnsOf, emptyBatch, type Schema } from '../batch.ts'
import { concat } from '../concat.ts'
import { membersOf } from '../kernels/groups.ts'
import { sourceNumbers } from '../kernels/sources.ts'
import { CUTS } from '../kernels/style-bins.ts'
import { styleDifferences } from '../kernels/style-differences.ts'
import { foldsOf } from '../kernels/style-folds.ts'
import { FOLDS, type StyleModel, styleMargins, TREES } from '../kernels/style-model.ts'
import type { Corpus, Summary } from '../stage.ts'
import { judgedColumns } from './style-sample.ts'

const INNER = TREES.trees * (2 ** TREES.depth - 1)
const LEAVES = TREES.trees * 2 ** TREES.depth

/** One row a model: what it is of (a source by its number, or after the last of them the corpus), and how it is used. */
const models = { of: 'i32', slope: 'f64', left: 'f64', scale: 'f64', cuts: { vector: CUTS } } as const
/** One row a model and fold. */
const forests = { of: 'i32', fold: 'i32', features: { vector: INNER }, cuts: { vector: INNER }, leaves: { vector: LEAVES } } as const
/** Prompts of a model's sample that are dealt to folds pair by pair. */
const large = { of: 'i32', prompt: 'i32' } as const
const tables: Readonly<Record<string, Schema>> = { models, forests, large }

export interface TunedModel {
  readonly of: number
  readonly model: StyleModel
  /** Share of the log-odds that weights leave, and what they are multiplied by to have mean 1. */
  readonly left: number
  readonly scale: number
  readonly large: readonly number[]
}

export function encodeModel({ of, model, left, scale, large: prompts }: TunedModel): Record<string, Batch> {
  const folds = Int32Array.from(model.forests.keys())
  const joined = (values: (fold: number) => ArrayLike<number>, width: number): { values: Float32Array } => {
    const all = new Float32Array(FOLDS * width)
    for (const fold of folds) all.set(values(fold), fold * width)
    return { values: all }
  }
  return {
    models: batchOf(models, 1, {
      of: { values: Int32Array.of(of) },
      slope: { values: Float64Array.of(model.slope) },
      left: { values: Float64Array.of(left) },
      scale: { values: Float64Array.of(scale) },
      cuts: { values: model.cuts },
    }) as Batch,
    forests: batchOf(forests, FOLDS, {
      of: { values: new Int32Array(FOLDS).fill(of) },
      fold: { values: folds },
      features: joined(fold => model.forests[fold].features, INNER),
      cuts: joined(fold => model.forests[fold].cuts, INNER),
      leaves: joined(fold => model.forests[fold].leaves, LEAVES),
    }) as Batch,
    large: batchOf(large, prompts.length, {
      of: { values: new Int32Array(prompts.length).fill(of) },
      prompt: { values: Int32Array.from(prompts) },
    }) as Batch,
  }
}

/** The tables of several parts as one, models in the order of what they are of. */
export function joinModels(parts: readonly Summary[]): Record<string, Batch> {
  const fitted = parts.flatMap(part => (part.tables?.models ? [part.tables] : []))
  const first = (t: Readonly<Record<string, Batch>>): number => columnsOf(t.models, models).of.values[0]
  fitted.sort((a, b) => first(a) - first(b))
  return Object.fromEntries(
    Object.entries(tables).map(([name, schema]) => [name, concat(schema, [emptyBatch(schema), ...fitted.map(t => t[name])])]),
  )
}

function decodeModels(joined: Readonly<Record<string, Batch>>): TunedModel[] {
  const row = columnsOf(joined.models, models)
  const forest = columnsOf(joined.forests, forests)
  const { of: largeOf, prompt } = columnsOf(joined.large, large)
  return Array.from(row.of.values, (of, m) => ({
    of,
    left: row.left.values[m],
    scale: row.scale.values[m],
    large: Array.from(prompt.values).filter((_, k) => largeOf.values[k] === of),
    model: {
      slope: row.slope.values[m],
      cuts: row.cuts.values.subarray(m * CUTS, (m + 1) * CUTS),
      forests: Array.from({ length: FOLDS }, (_, fold) => {
        const at = m * FOLDS + fold
        return {
          depth: TREES.depth,
          trees: TREES.trees,
          features: Uint8Array.from(forest.features.values.subarray(at * INNER, (at + 1) * INNER)),
          cuts: Uint8Array.from(forest.cuts.values.subarray(at * INNER, (at + 1) * INNER)),
          leaves: forest.leaves.values.subarray(at * LEAVES, (at + 1) * LEAVES),
        }
      }),
    },
  }))
}

/** Mixed into the ids of prompts where they are dealt to the folds of models; the audit deals otherwise. */
export const MODEL_FOLDS = 0x51e3d7a9

export interface Judged {
  /** Log-odds that style gives the label, by a model that has not seen the pair's prompt; 0 where there is no model. */
  readonly margins: Float64Array
  /** By row: the model's `left` and `scale`. */
  readonly left: Float64Array
  readonly scale: Float64Array
}

/** Judges pairs by the model of their source, or by that of the corpus where the source has none. */
export class StyleJudge {
  readonly #sources: readonly string[]
  readonly #models: readonly (TunedModel | undefined)[]

  constructor(joined: Readonly<Record<string, Batch>>, { sources }: Corpus) {
    const decoded = decodeModels(joined)
    const ofCorpus = decoded.find(model => model.of === sources.length)
    this.#sources = sources
    this.#models = sources.map((_, source) => decoded.find(model => model.of === source) ?? ofCorpus)
  }

  /** The rows named by `index`, in that order. */
  judge(batch: Batch, index: Int32Array): Judged {
    const columns = columnsOf(batch, judgedColumns)
    const numbers = sourceNumbers(columns.source, this.#sources)
    const judged = {
      margins: new Float64Array(index.length),
      left: new Float64Array(index.length).fill(1),
      scale: new Float64Array(index.length).fill(1),
    }
    const { starts, rows: places } = membersOf({ of: index.map(row => numbers[row]), count: this.#sources.length })
    for (const [source, tuned] of this.#models.entries())
      if (tuned) judgeSource(tuned, columns, index, places.subarray(starts[source], starts[source + 1]), judged)
    return judged
  }
}

function judgeSource(
  tuned: TunedModel,
  columns: Columns<typeof judgedColumns>,
  index: Int32Array,
  places: Int32Array,
  judged: Judged,
): void {
  const { style_chosen, style_rejected, prompt_cluster, pair_id } = columns
  const own = places.map(k => index[k])
  const { differences, context } = styleDifferences(style_chosen.values, style_rejected.values, own)
  const fold = foldsOf(prompt_cluster, pair_id, own, tuned.large, MODEL_FOLDS)
  const margins = styleMargins(tuned.model, { differences, context, fold })
  for (let i = 0; i < places.length; i++) {
    judged.margins[places[i]] = margins[i]
    judged.left[places[i]] = tuned.left
    judged.scale[places[i]] = tuned.scale
  }
}
