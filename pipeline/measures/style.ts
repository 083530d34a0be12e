/** The style of both responses, as vectors of `styleFeatures`. */
import { type Columns, columnsOf } from '../batch.ts'
import { styleFeatures } from '../kernels/style-features.ts'
import { styleVectors } from '../kernels/style-vectors.ts'
import { pairTexts } from '../pair.ts'
import { defineMeasure } from '../stage.ts'

const reads = { chosen: pairTexts.chosen, rejected: pairTexts.rejected } as const
export const styleColumns = { style_chosen: { vector: styleFeatures.length }, style_rejected: { vector: styleFeatures.length } } as const
export type StyleColumns = Columns<typeof styleColumns>

export const style = defineMeasure<Record<string, never>>({
  name: 'style',
  version: 2,
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
