/** The pairs on which style is fitted and audited: a sample of each source by pair_id, and one of the whole corpus. */
import { type Batch, type Column, type Columns, columnsOf, type Ids, type Schema } from '../batch.ts'
import { gatherColumn } from '../gather.ts'
import { groupsOf, lanesOf } from '../kernels/groups.ts'
import { mix32 } from '../kernels/mix.ts'
import { sourceNumbers } from '../kernels/sources.ts'
import { CONTEXT, styleDifferences } from '../kernels/style-differences.ts'
import { styleFeatures } from '../kernels/style-features.ts'
import { foldsOf, largeClusters } from '../kernels/style-folds.ts'
import type { StyleRows } from '../kernels/style-model.ts'
import { pairFacts, shown } from '../pair.ts'
import type { Context, Env } from '../stage.ts'
import { labelSupport, supportReadsOf, turnedIn } from './label-support.ts'
import { styleColumns } from './style.ts'

export const judgedColumns = { ...styleColumns, pair_id: 'id', prompt_cluster: 'id', source: 'utf8', tie: 'u8' } as const
const sampleReads = { ...judgedColumns, ordinal: 'i32', shown_first: pairFacts.shown_first } as const

/** What is read of a pair to judge it, and to draw it into a sample. */
export const readsToJudge = (_: unknown, env: Env): Schema => ({ ...judgedColumns, ...supportReadsOf(env) })
export const readsToSample = (_: unknown, env: Env): Schema => ({ ...sampleReads, ...supportReadsOf(env) })

/** Pairs whose label an earlier step turned, as they are published: with their sides exchanged. */
export function asPublished(batch: Batch): Batch {
  const isTurned = turnedIn(batch)
  const turned = Array.from(Array(batch.rows).keys()).filter(isTurned)
  if (turned.length === 0) return batch
  const { style_chosen, style_rejected } = columnsOf(batch, styleColumns)
  const width = styleFeatures.length
  const [chosen, rejected] = [style_chosen.values.slice(), style_rejected.values.slice()]
  for (const row of turned) {
    const [from, to] = [row * width, (row + 1) * width]
    chosen.set(style_rejected.values.subarray(from, to), from)
    rejected.set(style_chosen.values.subarray(from, to), from)
  }
  const columns: Record<string, Column> = { ...batch.columns, style_chosen: { values: chosen }, style_rejected: { values: rejected } }
  if ('shown_first' in batch.columns) {
    const first = columnsOf(batch, { shown_first: pairFacts.shown_first }).shown_first.values.slice()
    for (const row of turned)
      first[row] = first[row] === SHOWN_CHOSEN ? SHOWN_REJECTED : first[row] === SHOWN_REJECTED ? SHOWN_CHOSEN : first[row]
    columns.shown_first = { values: first }
  }
  return { ...batch, columns }
}

export const sampled = {
  ordinal: 'i32',
  pair_id: 'id',
  prompt_cluster: 'id',
  differences: { vector: styleFeatures.length },
  context: { vector: CONTEXT },
  longer: 'f32',
  more_markdown: 'f32',
  /** 1 where the chosen response was shown first, -1 where the rejected one was, 0 where nothing is known. */
  first: 'f32',
  support: 'i32',
} as const

/** A sample takes rows whose pair_id hashes below its share. */
export interface Shares {
  readonly sources: readonly number[]
  readonly corpus: number
}

export interface Draw {
  /** Rows of the batch, each once for every sample that has it. */
  readonly index: Int32Array
  /** The sample: a source by its number, or after the last of them the corpus, where it has several. */
  readonly partition: Int32Array
}

export function drawSample(batch: Batch, shares: Shares, { corpus, seed }: Context): Draw {
  const { source, pair_id, tie } = columnsOf(batch, sampleReads)
  const sources = sourceNumbers(source, corpus.sources)
  const lanes = lanesOf(pair_id, batch.rows)[0]
  const index: number[] = []
  const partition: number[] = []
  for (let i = 0; i < batch.rows; i++) {
    if (tie.values[i] === 1) continue
    const place = mix32(lanes[i] ^ seed) * 2 ** -32
    if (place < shares.sources[sources[i]]) {
      index.push(i)
      partition.push(sources[i])
    }
    if (corpus.sources.length > 1 && place < shares.corpus) {
      index.push(i)
      partition.push(corpus.sources.length)
    }
  }
  return { index: Int32Array.from(index), partition: Int32Array.from(partition) }
}

/** The drawn rows as they are exchanged. */
export function sampleColumns(batch: Batch, index: Int32Array): Columns<typeof sampled> {
  const { style_chosen, style_rejected, pair_id, prompt_cluster, ordinal, shown_first } = columnsOf(batch, sampleReads)
  const { differences, context, longer, more_markdown } = styleDifferences(style_chosen.values, style_rejected.values, index)
  return {
    ordinal: { values: Int32Array.from(index, i => ordinal.values[i]) },
    pair_id: gatherColumn(pair_id, 'id', index) as Ids,
    prompt_cluster: gatherColumn(prompt_cluster, 'id', index) as Ids,
    differences: { values: differences },
    context: { values: context },
    longer: { values: longer },
    more_markdown: { values: more_markdown },
    first: { values: firstSigns(shown_first.values, index) },
    support: { values: labelSupport(batch, index) },
  }
}

const SHOWN_CHOSEN = shown.indexOf('chosen')
const SHOWN_REJECTED = shown.indexOf('rejected')

/** By row of `index`: 1, -1 or 0, as `first` of a sample has it. */
export const firstSigns = (values: ArrayLike<number>, index: Int32Array): Float32Array =>
  Float32Array.from(index, i => (values[i] === SHOWN_CHOSEN ? 1 : values[i] === SHOWN_REJECTED ? -1 : 0))

/** A sample dealt to folds; `large` names the prompts that are dealt pair by pair, `group` numbers the prompts. */
export function styleRowsOf(rows: Batch, salt: number): { rows: StyleRows; large: number[]; group: Int32Array } {
  const { pair_id, prompt_cluster, differences, context, longer, more_markdown } = columnsOf(rows, sampled)
  const large = largeClusters(prompt_cluster, rows.rows)
  const all = Int32Array.from({ length: rows.rows }, (_, i) => i)
  return {
    rows: {
      rows: rows.rows,
      fold: foldsOf(prompt_cluster, pair_id, all, large, salt),
      differences: differences.values,
      context: context.values,
      longer: longer.values,
      more_markdown: more_markdown.values,
    },
    large,
    group: groupsOf(lanesOf(prompt_cluster, rows.rows)).of,
  }
}
