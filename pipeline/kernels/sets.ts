/** Sets of shingles as columns. */
import { type Batch, batchOf, type List } from '../batch.ts'
import { compiled } from './native.ts'
import { nativeSets, type SetCollector } from './native-sets.ts'
import { sortDistinct } from './shingles.ts'
import { isShort, shinglesOf, type Words } from './words.ts'

export const setField = { list: { shingle: 'i32' } } as const
export type SetColumn = List<(typeof setField)['list']>

/** Row i's set is values[starts[i] .. starts[i + 1]), ascending and distinct. */
export interface Sets {
  readonly starts: Int32Array
  readonly values: Int32Array
}

export const setsOf = (column: SetColumn): Sets => ({ starts: column.starts, values: column.items.columns.shingle.values })

const wasm = compiled('sets')
const builtIn = wasm ? nativeSets(wasm) : null

/** The distinct shingles of every row. */
export function setColumn(words: Words, rows: number, ngram: number, native: SetCollector | null = builtIn): SetColumn {
  const starts = new Int32Array(rows + 1)
  const most = new Int32Array(words.starts[rows] - words.starts[0] + rows)
  for (let i = 0; i < rows; ) {
    const done = native?.(words, i, rows, ngram, most, starts) ?? i
    if (done === i) collectRow(words, i++, ngram, most, starts)
    else i = done
  }
  const values = most.subarray(0, starts[rows])
  return { starts, items: batchOf(setField.list, values.length, { shingle: { values } }) as Batch<(typeof setField)['list']> }
}

/** As `setColumn`; the only shingle of a text of fewer words than a shingle has knows its signs, too. */
export function setColumnWithSigns(words: Words, rows: number, ngram: number): SetColumn {
  const column = setColumn(words, rows, ngram)
  const { starts, values } = setsOf(column)
  for (let i = 0; i < rows; i++) if (isShort(words, i, ngram)) values[starts[i]] ^= words.signs(i)
  return column
}

function collectRow(words: Words, row: number, ngram: number, out: Int32Array, starts: Int32Array): void {
  const shingles = shinglesOf(words, row, ngram)
  const count = sortDistinct(shingles, shingles.length)
  out.set(shingles.subarray(0, count), starts[row])
  starts[row + 1] = starts[row] + count
}
