/** Contaminated pairs drawn for people to check, so that the share of false flags can be told with an interval. */
import { type Batch, batchOf, columnsOf, type Ids, type Utf8, utf8Of } from '../batch.ts'
import { excerptAt } from '../kernels/excerpt.ts'
import { drawPlaces, firstRows } from '../kernels/sampling.ts'

const FLAGS = 0xf1a65

/** A flag that the draw may take: the pair's place in the corpus, and in the order of the draw. */
export interface Candidates {
  readonly ordinal: Int32Array
  readonly place: Float64Array
}

export const flagReads = { ordinal: 'i32', pair_id: 'id' } as const

/** Of the rows `flagged`, those that a draw of `most` over all pairs could take. */
export function flagCandidates(batch: Batch, flagged: readonly number[], most: number, seed: number): Candidates {
  const { ordinal, pair_id } = columnsOf(batch, flagReads)
  const places = flagged.length > 0 ? drawPlaces(pair_id as Ids, batch.rows, seed, FLAGS) : new Float64Array(0)
  const first = firstOf({ ordinal: ordinal.values, place: places }, flagged, most)
  return { ordinal: Int32Array.from(first, row => ordinal.values[row]), place: Float64Array.from(first, row => places[row]) }
}

const firstOf = ({ ordinal, place }: Candidates, rows: Iterable<number>, most: number): number[] =>
  firstRows(rows, most, (a, b) => place[a] < place[b] || (place[a] === place[b] && ordinal[a] < ordinal[b]))

export const drawnFlags = { ordinal: 'i32', probability: 'f64' } as const

/** The drawn ones of `flagged` pairs, in the order of the corpus. */
export function drawFlags(candidates: Candidates, flagged: number, most: number): Batch {
  const rows = firstOf(candidates, candidates.ordinal.keys(), most)
  const ordinal = Int32Array.from(rows, row => candidates.ordinal[row]).sort()
  return batchOf(drawnFlags, rows.length, {
    ordinal: { values: ordinal },
    probability: { values: new Float64Array(rows.length).fill(rows.length / Math.max(1, flagged)) },
  }) as Batch
}

/** `flag_probability`: chance with which a flag was drawn for people, null where it was not. `flag_item`: what the benchmark says, cut where long. */
export const flagColumns = { flag_probability: 'f64', flag_item: 'utf8' } as const

const ITEM_BYTES = 6000

/** `itemOf` gives the text of the strongest evidence of a row, by its number in `texts`. */
export function flagColumnsOf(batch: Batch, drawn: ReadonlyMap<number, number>, texts: Utf8, itemOf: (row: number) => number) {
  const { values } = columnsOf(batch, flagReads).ordinal
  const chances = Array.from(values, ordinal => drawn.get(ordinal))
  const valid = Uint8Array.from(chances, chance => (chance === undefined ? 0 : 1))
  return {
    flag_probability: { values: Float64Array.from(chances, chance => chance ?? 0), valid },
    flag_item: utf8Of(chances.map((chance, row) => (chance === undefined ? null : excerptAt(texts, itemOf(row), ITEM_BYTES)))),
  }
}
