/** The quality of both responses, as differences of `qualityFeatures`. */
import { type Columns, columnsOf, type Schema } from '../batch.ts'
import { QualityReader, qualityFeatures, sideOf } from '../kernels/quality-features.ts'
import { pairTexts } from '../pair.ts'
import { defineMeasure } from '../stage.ts'

/** `quality`: features of chosen less those of rejected. */
export const qualityColumns = { quality: { vector: qualityFeatures.length } } as const

export const responseQuality = defineMeasure<Record<string, never>>({
  name: 'response-quality',
  version: 2,
  reads: pairTexts,
  adds: () => qualityColumns,
  open: () => {
    const reader = new QualityReader()
    const ours = new Float64Array(qualityFeatures.length)
    const theirs = new Float64Array(qualityFeatures.length)
    return batch => {
      const texts = columnsOf(batch, pairTexts)
      const [prompt, chosen, rejected] = [texts.prompt, texts.chosen, texts.rejected].map(sideOf)
      const values = new Float32Array(batch.rows * qualityFeatures.length)
      reader.reset()
      for (let i = 0; i < batch.rows; i++) {
        reader.read(prompt, chosen, i, ours)
        reader.read(prompt, rejected, i, theirs)
        for (let k = 0; k < ours.length; k++) values[i * ours.length + k] = ours[k] - theirs[k]
      }
      return { quality: { values } } as Columns<Schema>
    }
  },
})
