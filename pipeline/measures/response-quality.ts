/** The quality of both responses, as differences of `qualityFeatures`. */
import { columnsOf } from '../batch.ts'
import { qualityFeatures } from '../kernels/quality-features.ts'
import { qualityDifferences } from '../kernels/quality-vectors.ts'
import { pairTexts } from '../pair.ts'
import { defineMeasure } from '../stage.ts'

/** `quality`: features of chosen less those of rejected. */
export const qualityColumns = { quality: { vector: qualityFeatures.length } } as const

export const responseQuality = defineMeasure<Record<string, never>>({
  name: 'response-quality',
  version: 3,
  reads: pairTexts,
  adds: () => qualityColumns,
  open: () => batch => {
    const { prompt, chosen, rejected } = columnsOf(batch, pairTexts)
    return { quality: { values: qualityDifferences([prompt, chosen, rejected], batch.rows) } }
  },
})
