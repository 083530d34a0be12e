/** Signatures of a batch's rows. */
import { EMPTY, type Family, sign } from './minhash.ts'
import { shinglesOf, type Words } from './words.ts'

/** The first `size` functions' smallest values over the shingles of every row, row after row. A row equal to the one before is copied. */
export function signatures(words: Words, rows: number, ngram: number, family: Family, size: number): Int32Array {
  const values = new Int32Array(rows * size).fill(EMPTY)
  for (let i = 0; i < rows; i++) {
    if (i > 0 && repeats(words, i)) values.copyWithin(i * size, (i - 1) * size, i * size)
    else {
      const shingles = shinglesOf(words, i, ngram)
      sign(family, shingles, values, i * size, size)
    }
  }
  return values
}

/** Whether a row has the words of the row before: prompts of ranked answers come one after another. */
function repeats({ hashes, starts }: Words, row: number): boolean {
  const from = starts[row]
  const count = starts[row + 1] - from
  if (count === 0 || from - starts[row - 1] !== count) return false
  for (let k = 0; k < count; k++) if (hashes[from + k] !== hashes[from + k - count]) return false
  return true
}
