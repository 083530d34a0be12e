/** Pairs as the built-in reward models see them, made from columns. */
import { type Batch, type Columns, columnsOf, isValid, type Numbers } from '../batch.ts'
import type { Examples } from '../kernels/built-in.ts'
import { lanesOf } from '../kernels/groups.ts'
import { mix32 } from '../kernels/mix.ts'
import { qualityFeatures } from '../kernels/quality-features.ts'
import { sourceNumbers } from '../kernels/sources.ts'
import { controlled, place, styleFeatures } from '../kernels/style-features.ts'
import { embeddingColumns } from './response-embedding.ts'
import { qualityColumns } from './response-quality.ts'
import { styleColumns } from './style.ts'
import { termColumns } from './text-terms.ts'

/** What is read of each pair. */
export const exampleReads = { prompt_cluster: 'id', source: 'utf8', ...termColumns, ...qualityColumns, ...styleColumns } as const

/** Differences of style: (f_w - f_l) / (f_w + f_l + 1) of every controlled feature, and which side has more words. */
const STYLE_WIDTH = controlled.length + 1

/** The same in few columns. `source` is a place in the corpus's list, `fold` that of the prompt's cluster. */
export const exampleColumns = {
  source: 'i32',
  fold: 'u8',
  ...termColumns,
  ...qualityColumns,
  style: { vector: STYLE_WIDTH },
  style_odds: 'f32',
} as const
type ExampleColumns = Columns<typeof exampleColumns> & Partial<Columns<typeof embeddingColumns>>

/** Pairs of one prompt cluster are in one fold, so that no model judges a pair whose like it has seen. Embeddings are there if the batch has them. */
export function exampleRows(batch: Batch, sources: readonly string[], folds: number): ExampleColumns {
  const columns = columnsOf(batch, exampleReads)
  const { terms, quality } = columns
  const clusters = lanesOf(columns.prompt_cluster, batch.rows)[0]
  return {
    source: { values: sourceNumbers(columns.source, sources) },
    fold: { values: Uint8Array.from(clusters, cluster => mix32(cluster) % folds) },
    terms,
    quality,
    style_odds: { values: styleOdds(batch) },
    ...(batch.columns.embedding ? { embedding: columnsOf(batch, embeddingColumns).embedding } : {}),
    style: { values: styleDifferences(columns.style_chosen.values, columns.style_rejected.values, batch.rows) },
  }
}

/** Surer than this style is not taken to be, nor can float32 tell much further. */
const MOST_ODDS = 6

/** Log odds of an earlier step's style_p; 0 where it says nothing. */
function styleOdds(batch: Batch): Float32Array {
  const style_p = batch.columns.style_p as Numbers<Float32Array> | undefined
  if (!style_p) return new Float32Array(batch.rows)
  return Float32Array.from({ length: batch.rows }, (_, i) => {
    if (!isValid(style_p, i)) return 0
    const odds = Math.log(style_p.values[i]) - Math.log1p(-style_p.values[i])
    return Math.max(-MOST_ODDS, Math.min(MOST_ODDS, odds))
  })
}

/** LMArena's style control: differences relative to the sum, so that one more list item counts less where there are many. */
function styleDifferences(chosen: Float32Array, rejected: Float32Array, rows: number): Float32Array {
  const values = new Float32Array(rows * STYLE_WIDTH)
  for (let i = 0; i < rows; i++) {
    const from = i * styleFeatures.length
    const at = i * STYLE_WIDTH
    for (let k = 0; k < controlled.length; k++) {
      const [w, l] = [chosen[from + k], rejected[from + k]]
      values[at + k] = (w - l) / (w + l + 1)
    }
    values[at + controlled.length] = Math.sign(chosen[from + place.words] - rejected[from + place.words])
  }
  return values
}

export function examplesOf(columns: ExampleColumns, rows: number, folds: number): Examples {
  const { terms, embedding } = columns
  return {
    rows,
    folds: { count: folds, of: columns.fold.values, source: columns.source.values },
    terms: { starts: terms.starts, values: terms.items.columns.term.values },
    quality: { width: qualityFeatures.length, values: columns.quality.values },
    style: { width: STYLE_WIDTH, values: columns.style.values },
    style_odds: columns.style_odds.values,
    ...(embedding ? { embedding: { width: embeddingColumns.embedding.vector, values: embedding.values } } : {}),
  }
}
