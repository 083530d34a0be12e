/** The style of both responses, as vectors of `styleFeatures`. */
import { type Batch, type Columns, columnsOf, type Schema } from '../batch.ts'
import { place, type StyleFeature, styleFeatures } from '../kernels/style-features.ts'
import { styleVectors } from '../kernels/style-vectors.ts'
import { pairTexts } from '../pair.ts'
import { defineMeasure } from '../stage.ts'

const reads = { chosen: pairTexts.chosen, rejected: pairTexts.rejected } as const
export const styleColumns = { style_chosen: { vector: styleFeatures.length }, style_rejected: { vector: styleFeatures.length } } as const
export type StyleColumns = Columns<typeof styleColumns>

export const style = defineMeasure<Record<string, never>>({
  name: 'style',
  version: 3,
  reads,
  adds: () => styleColumns,
  open: () => batch => {
    const { chosen, rejected } = columnsOf(batch, reads)
    return {
      style_chosen: { values: styleVectors(chosen, batch.rows) },
      style_rejected: { values: styleVectors(rejected, batch.rows) },
    }
  },
})

const SIDES = ['chosen', 'rejected'] as const

/** Columns for single features of both sides: style_chosen_words, style_rejected_words, ... */
export const featureSchema = (features: readonly StyleFeature[]): Schema =>
  Object.fromEntries(features.flatMap(name => SIDES.map(side => [`style_${side}_${name}`, 'f32' as const])))

/** Their values, of a batch that has the vectors. */
export function featureColumns(batch: Batch, features: readonly StyleFeature[]): Record<string, { readonly values: Float32Array }> {
  const vectors = columnsOf(batch, styleColumns)
  const column = (side: (typeof SIDES)[number], name: StyleFeature): Float32Array =>
    Float32Array.from({ length: batch.rows }, (_, row) => vectors[`style_${side}`].values[row * styleFeatures.length + place[name]])
  return Object.fromEntries(features.flatMap(name => SIDES.map(side => [`style_${side}_${name}`, { values: column(side, name) }])))
}
