/** The reward models that goldpan trains itself: what they learn from, and what they say of a pair. */
import { type Batch, batchOf, columnsOf } from '../batch.ts'
import { pairAuc } from './auc.ts'
import { accuracyOf } from './calibration.ts'
import { fitDense } from './dense-model.ts'
import { crossFitLogistic, type FoldedLogistic, type Folds, foldedMargins } from './folded-logistic.ts'
import type { Differences } from './logistic.ts'
import { fitText, type Terms, type TextModel, textMargins } from './text-model.ts'

/** bt-graph is in preference-graph.ts. */
export const builtInNames = ['bt-text', 'bt-quality', 'bt-embed', 'bt-graph'] as const
export type BuiltInName = (typeof builtInNames)[number]

/** Pairs as the models see them, row by row. */
export interface Examples {
  readonly rows: number
  readonly folds: Folds
  readonly terms: Terms
  readonly quality: Differences
  readonly style: Differences
  /** What a richer model of style says, as log odds; 0 = nothing. */
  readonly style_odds: Float32Array
  /** Of sentence embeddings, where they were made. */
  readonly embedding?: Differences
}

export interface BuiltIn {
  readonly text: TextModel
  /** Features of quality, then those of style. */
  readonly quality: FoldedLogistic
  readonly style: FoldedLogistic
  readonly embed?: FoldedLogistic
  /**
   * Weighs what the others say (text, quality, style) into the odds of a label. Fitted on the pairs of other folds, whose judges saw this one:
   * a label has its part in a few weights shared by thousands, and in nothing that could tell it again.
   */
  readonly stack: FoldedLogistic
}

/** What the models of its fold say of each pair. All speak of the label as it came in. */
export interface Margins {
  readonly text: Float64Array
  readonly quality: Float64Array
  readonly embed?: Float64Array
  /** What style says, beside text and beside quality. */
  readonly text_style: Float64Array
  readonly quality_style: Float64Array
  /** All together, as log odds. */
  readonly odds: Float64Array
}

const RIDGE = 1
const EPOCHS = 2
const RATE = 0.03
const EMBED_EPOCHS = 3
const EMBED_RATE = 0.05

/** Style explains first and text what is left, so that words that only make a response long learn little. */
export function trainParts(examples: Examples): Omit<BuiltIn, 'stack'> {
  const { rows, folds, terms } = examples
  const style = crossFitLogistic(examples.style, folds, RIDGE)
  const quality = crossFitLogistic(beside(examples.quality, examples.style), folds, RIDGE)
  const offsets = new Float32Array(rows * folds.count)
  for (let fold = 0; fold < folds.count; fold++) {
    const said = foldedMargins(style, examples.style, { ...folds, of: new Uint8Array(rows).fill(fold) })
    for (let i = 0; i < rows; i++) offsets[i * folds.count + fold] = said[i]
  }
  const text = fitText({ terms, folds, offsets, epochs: EPOCHS, rate: RATE })
  if (!examples.embedding) return { text, quality, style }
  return {
    text,
    quality,
    style,
    embed: fitDense({ differences: examples.embedding, folds, offsets, epochs: EMBED_EPOCHS, rate: EMBED_RATE }),
  }
}

export function trainBuiltIn(examples: Examples, with_style: boolean): BuiltIn {
  const parts = trainParts(examples)
  const stack = crossFitLogistic(stacked(marginsOfParts(parts, examples), examples.style_odds, with_style), examples.folds, RIDGE)
  return { ...parts, stack }
}

/** Every pair judged by the models that have not seen its fold. */
export function marginsOf(models: BuiltIn, examples: Examples, with_style: boolean): Margins {
  const parts = marginsOfParts(models, examples)
  return { ...parts, odds: foldedMargins(models.stack, stacked(parts, examples.style_odds, with_style), examples.folds) }
}

/** What each model says alone. */
export function marginsOfParts({ text, quality, style, embed }: Omit<BuiltIn, 'stack'>, examples: Examples): Omit<Margins, 'odds'> {
  const { folds, terms } = examples
  const both = beside(examples.quality, examples.style)
  const { width } = examples.quality
  return {
    text: textMargins(text, terms, folds),
    quality: foldedMargins(quality, both, folds, 0, width),
    ...(embed && examples.embedding ? { embed: foldedMargins(embed, examples.embedding, folds) } : {}),
    text_style: foldedMargins(style, examples.style, folds),
    quality_style: foldedMargins(quality, both, folds, width),
  }
}

function beside(a: Differences, b: Differences): Differences {
  const width = a.width + b.width
  const rows = a.values.length / a.width
  const values = new Float32Array(rows * width)
  for (let i = 0; i < rows; i++) {
    values.set(a.values.subarray(i * a.width, (i + 1) * a.width), i * width)
    values.set(b.values.subarray(i * b.width, (i + 1) * b.width), i * width + a.width)
  }
  return { width, values }
}

function stacked({ text, quality, embed, text_style }: Omit<Margins, 'odds'>, style_odds: Float32Array, with_style: boolean): Differences {
  const columns = [text, quality, ...(embed ? [embed] : []), ...(with_style ? [text_style, style_odds] : [])]
  const values = new Float64Array(text.length * columns.length)
  for (const [k, column] of columns.entries()) for (let i = 0; i < column.length; i++) values[i * columns.length + k] = column[i]
  return { width: columns.length, values }
}

/** How often and how surely margins agree with labels nobody showed to their model. */
export const agreementOf = (margins: Float64Array): { accuracy: number; auc: number } => ({
  accuracy: rounded(accuracyOf(margins)),
  auc: rounded(pairAuc(margins)),
})

export const sum = (a: Float64Array, b: Float64Array): Float64Array => a.map((value, i) => value + b[i])
const rounded = (share: number): number => Math.round(share * 1e4) / 1e4

/** The models as plain state and a table of weights. */
export function packed({ text, ...logistic }: BuiltIn): { state: Omit<BuiltIn, 'text'>; weights: Batch } {
  const rows = [...text.shared, ...text.own]
  const size = 2 ** text.bits
  const values = new Float32Array(rows.length * size)
  for (const [i, row] of rows.entries()) values.set(row, i * size)
  return { state: logistic, weights: batchOf({ weights: { vector: size } }, rows.length, { weights: { values } }) as unknown as Batch }
}

export function unpacked(state: Omit<BuiltIn, 'text'>, weights: Batch): BuiltIn {
  const size = (weights.schema.weights as { vector: number }).vector
  const { values } = columnsOf(weights, { weights: { vector: size } }).weights
  const row = (i: number): Float32Array => values.subarray(i * size, (i + 1) * size)
  const folds = weights.rows / 2
  const half = (from: number): Float32Array[] => Array.from({ length: folds }, (_, fold) => row(from + fold))
  return { ...state, text: { bits: Math.log2(size), shared: half(0), own: half(folds) } }
}
