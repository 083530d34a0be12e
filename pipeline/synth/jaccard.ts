/** The true similarity of a copy and its original, by the words and shingles that near-dup uses. */
import { jaccardAbove } from '../kernels/jaccard.ts'
import { shingle, shingleCount, sortDistinct, wordlessShingle } from '../kernels/shingles.ts'
import { signsOf } from '../kernels/signs.ts'
import { type FieldName, fieldNames, type Row } from './row.ts'

const NGRAM = 5

/** The smallest Jaccard of prompt, chosen and rejected over distinct word 5-grams. */
export const editJaccard = (a: Row, b: Row): number => Math.min(...fieldNames.map(field => fieldJaccard(a, b, field)))

function fieldJaccard(a: Row, b: Row, field: FieldName): number {
  if (Buffer.compare(a.bytes(field), b.bytes(field)) === 0) return 1
  const x = shinglesOf(a, field)
  const y = shinglesOf(b, field)
  return jaccardAbove(0, x, 0, x.length, y, 0, y.length)
}

/** Words end where a turn ends, shingles go on. */
function shinglesOf(row: Row, field: FieldName): Int32Array {
  const tokens = row.words(field)
  const { hashes } = tokens
  if (hashes.length === 0) return Int32Array.of(wordlessShingle(row.bytes(field), 0, row.bytes(field).length))
  const shingles = new Int32Array(shingleCount(hashes.length, NGRAM))
  const count = sortDistinct(shingles, shingle(hashes, 0, hashes.length, NGRAM, shingles))
  if (hashes.length < NGRAM) shingles[0] ^= signsOf(row.column(field), tokens, 0, row.spans(field).length)
  return shingles.subarray(0, count)
}
