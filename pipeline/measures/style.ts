/** The style of both responses, as vectors of `styleFeatures`. */
import { columnsOf, type Turns } from '../batch.ts'
import { StyleReader, styleFeatures } from '../kernels/style-features.ts'
import { tokensOf } from '../kernels/tokens.ts'
import { pairTexts } from '../pair.ts'
import { defineMeasure } from '../stage.ts'

const reads = { chosen: pairTexts.chosen, rejected: pairTexts.rejected } as const
export const styleColumns = { style_chosen: { vector: styleFeatures.length }, style_rejected: { vector: styleFeatures.length } } as const

export const style = defineMeasure<Record<string, never>>({
  name: 'style',
  version: 1,
  reads,
  adds: () => styleColumns,
  open: () => {
    const reader = new StyleReader()
    return batch => {
      const { chosen, rejected } = columnsOf(batch, reads)
      return { style_chosen: readStyle(reader, chosen, batch.rows), style_rejected: readStyle(reader, rejected, batch.rows) }
    }
  },
})

function readStyle(reader: StyleReader, turns: Turns, rows: number): { values: Float32Array } {
  const { content } = turns.items.columns
  const tokens = tokensOf(content)
  const values = new Float32Array(rows * styleFeatures.length)
  for (let i = 0; i < rows; i++) reader.read(content, tokens, turns.starts[i], turns.starts[i + 1], values, i * styleFeatures.length)
  return { values }
}
