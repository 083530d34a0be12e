/** Rows of the preference graph: what the models that read texts say of a pair, and what the pairs of its prompt say of it in turn. */
import { type Batch, batchOf, type Column, type Columns, columnsOf, type Ids, isValid, nulls, type Schema, select } from '../batch.ts'
import { type BuiltIn, marginsOf, sum } from '../kernels/built-in.ts'
import { type Comparisons, comparisonsOf } from '../kernels/comparisons.ts'
import { consensusDifferences } from '../kernels/consensus.ts'
import { crossFitLogistic, type Folds, foldedMargins } from '../kernels/folded-logistic.ts'
import { lanesOf } from '../kernels/groups.ts'
import { mix32 } from '../kernels/mix.ts'
import { type GraphFit, graphMargins } from '../kernels/preference-graph.ts'
import { pairFacts } from '../pair.ts'
import type { Json, Part } from '../stage.ts'
import { exampleRows, examplesOf } from './examples.ts'
import { partFacts } from './graph-facts.ts'
import { wordColumns } from './response-words.ts'
import { termColumns, thinned } from './text-terms.ts'

export const compared = {
  ordinal: 'i32',
  pair_id: 'id',
  prompt_id: 'id',
  chosen_id: 'id',
  rejected_id: 'id',
  tie: pairFacts.tie,
  ...wordColumns,
} as const

/** What the models that read texts say of every pair goes to the pairs of its prompt. `copies` is null where a pair has none. */
const saidColumns = {
  ordinal: 'i32',
  pair_id: 'id',
  prompt_id: 'id',
  chosen_id: 'id',
  rejected_id: 'id',
  copies: 'id',
  tie: pairFacts.tie,
  source: 'i32',
  fold: 'u8',
  ...termColumns,
  ...wordColumns,
  text: 'f32',
  quality: 'f32',
  odds: 'f64',
} as const

/** `embeds`: whether bt-embed is among the models. */
export const saidBy = (embeds: boolean): Schema => ({ ...saidColumns, ...(embeds ? { embed: 'f32' } : {}) })

export interface Saying {
  readonly folds: number
  /** Names of the corpus's sources. */
  readonly sources: readonly string[]
  readonly style_in_score: 'none' | 'graph' | 'all'
  /** Terms of a pair that go to the graph, at the most. */
  readonly graph_terms: number
  /** As `saidBy` gives it. */
  readonly schema: Schema
  readonly partitions: number
}

/** Judges every pair by the models that read texts. Pairs of one prompt go to one partition. */
export function saidOf(models: BuiltIn, batch: Batch, { folds, sources, style_in_score, graph_terms, schema, partitions }: Saying): Batch {
  const given = exampleRows(batch, sources, folds)
  const examples = examplesOf(given, batch.rows, folds)
  const margins = marginsOf(models, examples, style_in_score !== 'none')
  const toTell = (margins: Float64Array, of_style: Float64Array): { values: Float32Array } => ({
    values: Float32Array.from(style_in_score === 'all' ? sum(margins, of_style) : margins),
  })
  const { prompt_id, terms } = columnsOf(batch, { ...compared, ...termColumns })
  return batchOf({ ...schema, partition: 'i32' } as Schema, batch.rows, {
    ...select(batch, Object.keys(compared)).columns,
    source: given.source,
    fold: given.fold,
    copies: (batch.columns.cluster_id ?? nulls('id', batch.rows)) as Ids,
    terms: thinned(terms, graph_terms),
    text: toTell(margins.text, margins.text_style),
    quality: toTell(margins.quality, margins.quality_style),
    ...(margins.embed ? { embed: toTell(margins.embed, margins.text_style) } : {}),
    odds: { values: margins.odds },
    partition: { values: lanesOf(prompt_id, batch.rows)[0].map(lane => mix32(lane) % partitions) },
  } as Record<string, Column>)
}

/** Judges the rows of a partition, in the order of the corpus, by one another; `returned` is the schema of what goes back to the pairs. */
export function judgeByGraph(rows: Batch, fit: GraphFit, folds: number, returned: Schema): Part {
  const columns = columnsOf(rows, saidColumns)
  const [prompt, chosen, rejected, copies] = [columns.prompt_id, columns.chosen_id, columns.rejected_id, copiesOf(columns, rows.rows)].map(
    ids => lanesOf(ids, rows.rows),
  )
  const ties = columns.tie.values
  const terms = { starts: columns.terms.starts, values: columns.terms.items.columns.term.values }
  const known = comparisonsOf({ prompt, chosen, rejected, copies, ties, offsets: columns.odds.values, terms })
  const differences = consensusDifferences(known, sampleOf(columns.chosen_words), sampleOf(columns.rejected_words))
  const dealt = { count: folds, of: columns.fold.values, source: columns.source.values }
  const comparisons = { ...known, offsets: withConsensus(known, differences, dealt) }
  const { margins, linked } = graphMargins(comparisons, fit)
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

const sampleOf = ({ starts, items }: Columns<typeof wordColumns>['chosen_words']) => ({ starts, values: items.columns.word.values })

const RIDGE = 1
/** Where no label says otherwise, the odds hold as they are and agreement says nothing. */
const AS_IT_IS = { weights: Float64Array.of(1, 0), sizes: Float64Array.of(1, 1) }

/** The offsets with what the answers' agreement adds to them, weighed by the labels of other folds; ties have none. */
function withConsensus({ offsets, ties }: Comparisons, differences: Float64Array, folds: Folds): Float64Array {
  if (differences.every(difference => difference === 0)) return offsets
  const both = (rows: Int32Array) => ({
    width: 2,
    values: Float64Array.from({ length: 2 * rows.length }, (_, k) => (k & 1 ? differences : offsets)[rows[k >> 1]]),
  })
  const all = Int32Array.from(ties.keys())
  const labelled = all.filter(e => ties[e] === 0)
  const of = {
    count: folds.count,
    of: Uint8Array.from(labelled, e => folds.of[e]),
    source: Int32Array.from(labelled, e => folds.source[e]),
  }
  return foldedMargins(crossFitLogistic(both(labelled), of, RIDGE, AS_IT_IS), both(all), folds)
}

/** The near-duplicate cluster of a pair, else its two responses whichever way round. */
function copiesOf({ copies, chosen_id, rejected_id }: { copies: Ids; chosen_id: Ids; rejected_id: Ids }, rows: number): Ids {
  const bytes = new Uint8Array(rows * 16)
  for (let i = 0; i < rows; i++)
    for (let k = i * 16; k < i * 16 + 16; k++) bytes[k] = isValid(copies, i) ? copies.bytes[k] : chosen_id.bytes[k] + rejected_id.bytes[k]
  return { bytes }
}
