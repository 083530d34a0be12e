/** What is true of the rows, as lines beside the corpus: everything that was planted and nothing else. */
import { editJaccard } from './jaccard.ts'
import { flawOf, idOf } from './json-lines.ts'
import type { Made } from './row-maker.ts'

/** One fact. A row may have two: a copy whose label is turned as well. */
export interface Truth {
  readonly id: string
  readonly kind: string
  /** The row that a copy was made from, or the benchmark item. */
  readonly of?: string
  readonly edit?: string
  /** Share of the words of each edited field that were touched. */
  readonly amount?: number
  readonly fields?: readonly string[]
  /** True Jaccard of the words' 5-grams, the smallest of prompt, chosen and rejected (of a near_swapped row: with the sides put right). */
  readonly jaccard?: number
}

export const benchmarkId = (item: number): string => `item-${item}`

/** The facts of a row; `place` is its file and row, the only name that an unreadable row has. */
export function truthOf(seed: number, made: Made, place: string): Truth[] {
  const { kind, number } = made
  const truths: Truth[] = []
  if (kind === 'malformed') return [{ id: place, kind, edit: flawOf(seed, number) }]
  if (kind !== 'plain') truths.push({ id: idOf(number), kind, ...details(made) })
  if (made.row.flipped) truths.push({ id: idOf(number), kind: 'flipped_label' })
  return truths
}

function details(made: Made): Partial<Truth> {
  if (made.kind === 'contaminated') return { of: benchmarkId(made.of) }
  if (made.empty) return { edit: made.empty.isNull ? 'null' : 'empty', fields: [made.empty.side] }
  if (made.of < 0) return {}
  const of = idOf(made.of)
  if (!made.edit || !made.origin) return { of }
  const jaccard = Math.round(editJaccard(made.origin, made.row) * 10_000) / 10_000
  return { of, edit: made.edit.name, amount: made.edit.amount, fields: made.fields, jaccard }
}
