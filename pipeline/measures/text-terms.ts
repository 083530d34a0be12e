/** What one response says and the other does not: the terms by which a linear model of text tells a pair's sides apart. */
import { type Batch, batchOf, columnsOf, type List, listOf, type Turns } from '../batch.ts'
import { mix32 } from '../kernels/mix.ts'
import { type SideWords, termLists } from '../kernels/text-terms.ts'
import { rowStarts, tokensOf } from '../kernels/tokens.ts'
import { pairTexts } from '../pair.ts'
import { defineMeasure } from '../stage.ts'

/** A term's low bit is 0 where chosen alone has it, 1 where rejected alone has it; the other 31 bits are a hash of the term. */
const termsField = { list: { term: 'i32' } } as const
export const termColumns = { terms: termsField } as const

/** `max_terms`: terms of one pair, about. Words come before word pairs, each thinned by hash where there are too many. */
export const textTerms = defineMeasure<{ max_terms: number }>({
  name: 'text-terms',
  version: 2,
  reads: pairTexts,
  adds: () => termColumns,
  open:
    ({ max_terms }) =>
    batch => {
      const { prompt, chosen, rejected } = columnsOf(batch, pairTexts)
      const { starts, values } = termLists([sideOf(prompt), sideOf(chosen), sideOf(rejected)], batch.rows, max_terms)
      return { terms: { starts, items: batchOf(termsField.list, values.length, { term: { values } }) as unknown as Batch } }
    },
})

function sideOf(turns: Turns): SideWords {
  const tokens = tokensOf(turns.items.columns.content)
  return { hashes: tokens.hashes, starts: rowStarts(turns, tokens) }
}

const THIN = 0x5bd1e995

/** Leaves about `most` terms of each pair: those of the smallest hashes, so that pairs keep the same terms. */
export function thinned({ starts, items }: List<typeof termsField.list>, most: number): List<typeof termsField.list> {
  const { values } = items.columns.term
  const counts = new Int32Array(starts.length - 1)
  const kept = new Int32Array(values.length)
  let at = 0
  for (let row = 0; row < counts.length; row++) {
    const share = most / (starts[row + 1] - starts[row])
    const from = at
    for (let k = starts[row]; k < starts[row + 1]; k++) if (mix32((values[k] >>> 1) ^ THIN) * 2 ** -32 < share) kept[at++] = values[k]
    counts[row] = at - from
  }
  return listOf(counts, batchOf(termsField.list, at, { term: { values: kept.slice(0, at) } }))
}
