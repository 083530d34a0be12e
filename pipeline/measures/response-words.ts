/** A sample of what each response says, by which the answers to one prompt tell how far they agree. */
import { type Batch, batchOf, type Columns, columnsOf, type Turns } from '../batch.ts'
import { rowStarts, tokensOf } from '../kernels/tokens.ts'
import { wordSamples } from '../kernels/word-sample.ts'
import { pairTexts } from '../pair.ts'
import { defineMeasure } from '../stage.ts'

const wordsField = { list: { word: 'i32' } } as const
export const wordColumns = { chosen_words: wordsField, rejected_words: wordsField } as const

const sides = { chosen: pairTexts.chosen, rejected: pairTexts.rejected } as const

/** `most`: words of one response, about. */
export const responseWords = defineMeasure<{ most: number }>({
  name: 'response-words',
  version: 2,
  reads: sides,
  adds: () => wordColumns,
  open:
    ({ most }) =>
    batch => {
      const { chosen, rejected } = columnsOf(batch, sides)
      return { chosen_words: sampleOf(chosen, batch.rows, most), rejected_words: sampleOf(rejected, batch.rows, most) }
    },
})

function sampleOf(turns: Turns, rows: number, most: number): Columns<typeof wordColumns>['chosen_words'] {
  const tokens = tokensOf(turns.items.columns.content)
  const { starts, values } = wordSamples({ hashes: tokens.hashes, starts: rowStarts(turns, tokens) }, rows, most)
  return { starts, items: batchOf(wordsField.list, values.length, { word: { values } }) as Batch<typeof wordsField.list> }
}
