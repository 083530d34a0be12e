/** Sets of shingles as columns. */
import { type Batch, batchOf, type List } from '../batch.ts'
import { sortDistinct } from './shingles.ts'
import { shinglesOf, type Words } from './words.ts'

export const setField = { list: { shingle: 'i32' } } as const
export type SetColumn = List<(typeof setField)['list']>

/** Row i's set is values[starts[i] .. starts[i + 1]), ascending and distinct. */
export interface Sets {
  readonly starts: Int32Array
  readonly values: Int32Array
}

export const setsOf = (column: SetColumn): Sets => ({ starts: column.starts, values: column.items.columns.shingle.values })

/** The distinct shingles of every row. */
export function setColumn(words: Words, rows: number, ngram: number): SetColumn {
  const starts = new Int32Array(rows + 1)
  let values = new Int32Array(words.starts[rows] - words.starts[0] + rows)
  for (let i = 0; i < rows; i++) {
    const shingles = shinglesOf(words, i, ngram)
    const count = sortDistinct(shingles, shingles.length)
    values.set(shingles.subarray(0, count), starts[i])
    starts[i + 1] = starts[i] + count
  }
  values = values.slice(0, starts[rows])
  return { starts, items: batchOf(setField.list, values.length, { shingle: { values } }) as Batch<(typeof setField)['list']> }
}
