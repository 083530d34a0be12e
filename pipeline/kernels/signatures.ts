/** Signatures of a batch's rows. */
import { EMPTY, type Family, sign } from './minhash.ts'
import { compiled } from './native.ts'
import { nativeSigner, type Ranges, type Signer } from './native-signatures.ts'
import { shinglesOf, type Words } from './words.ts'

const wasm = compiled('signatures')
const builtIn = wasm ? nativeSigner(wasm) : null

/**
 * The first `size` functions' smallest values over the shingles of every row, row after row. A row with the words of the row before is
 * copied: prompts of ranked answers come one after another.
 */
export function signatures(
  words: Words,
  rows: number,
  ngram: number,
  family: Family,
  size: number,
  native: Signer | null = builtIn,
): Int32Array {
  const values = new Int32Array(rows * size).fill(EMPTY)
  const ranges = distinctRows(words, rows)
  const left = native?.(ranges, ngram, family, size, values)
  for (let i = 0; i < rows; i++) {
    if (words.starts[i] < words.starts[i + 1] && ranges.froms[i] === ranges.tos[i]) values.copyWithin(i * size, (i - 1) * size, i * size)
    else if (left === undefined || left[i] === 1) sign(family, shinglesOf(words, i, ngram), values, i * size, size)
  }
  return values
}

/** The words of each row; none for a row with the words of the row before. */
function distinctRows({ hashes, starts }: Words, rows: number): Ranges {
  const froms = starts.slice(0, rows)
  const tos = starts.slice(1, rows + 1)
  for (let i = 1; i < rows; i++) if (repeats(hashes, starts, i)) tos[i] = froms[i]
  return { hashes, froms, tos }
}

function repeats(hashes: Uint32Array, starts: Int32Array, row: number): boolean {
  const from = starts[row]
  const count = starts[row + 1] - from
  if (from - starts[row - 1] !== count) return false
  for (let k = 0; k < count; k++) if (hashes[from + k] !== hashes[from + k - count]) return false
  return true
}
