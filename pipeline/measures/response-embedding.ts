/** What both responses mean to Universal Sentence Encoder Lite. */
import { batchOf, columnsOf, turnsOf } from '../batch.ts'
import { concat } from '../concat.ts'
import { pairTexts } from '../pair.ts'
import { defineMeasure } from '../stage.ts'
import { embedRows, USE_LITE_DIMS } from './prompt-embedding.ts'

const EMBEDDER = 'use-lite'
const reads = { chosen: pairTexts.chosen, rejected: pairTexts.rejected } as const
const one = { text: turnsOf } as const

/** `embedding`: the unit vector of chosen less that of rejected. */
export const embeddingColumns = { embedding: { vector: USE_LITE_DIMS } } as const

export const responseEmbedding = defineMeasure<Record<string, never>>({
  name: 'response-embedding',
  version: 1,
  reads,
  adds: () => embeddingColumns,
  open: async (_, { embedder }) => {
    const model = await embedder!(EMBEDDER)
    return async batch => {
      const { rows } = batch
      const { chosen, rejected } = columnsOf(batch, reads)
      const sides = [chosen, rejected].map(text => batchOf(one, rows, { text }))
      const vectors = await embedRows(model, concat(one, sides).columns.text, 2 * rows)
      const theirs = vectors.subarray(rows * USE_LITE_DIMS)
      return { embedding: { values: vectors.slice(0, rows * USE_LITE_DIMS).map((value, k) => value - theirs[k]) } }
    }
  },
})
