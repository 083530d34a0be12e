/** The true similarity of a copy and its original, by the words and shingles that near-dup uses. */
import { jaccardAbove } from '../kernels/jaccard.ts'
import { shingle, shingleCount, sortDistinct, wordlessShingle } from '../kernels/shingles.ts'
import { type FieldName, fieldNames, type Row } from './row.ts'

const NGRAM = 5

/** The smallest Jaccard of prompt, chosen and rejected over distinct word 5-grams. */
export const editJaccard = (a: Row, b: Row): number => Math.min(...fieldNames.map(field => fieldJaccard(a, b, field)))

function fieldJaccard(a: Row, b: Row, field: FieldName): number {
  if (Buffer.compare(textOf(a, field), textOf(b, field)) === 0) return 1
  const x = shinglesOf(a, field)
  const y = shinglesOf(b, field)
  return jaccardAbove(0, x, 0, x.length, y, 0, y.length)
}

/** A row's turns lie one behind the other. */
function textOf(row: Row, field: FieldName): Uint8Array {
  const { text, turns } = row
  if (field === 'prompt') return text.part(turns[0].from, turns[turns.length - 1].to)
  return text.part(row[field].from, row[field].to)
}

/** Words end where a turn ends, shingles go on. */
function shinglesOf(row: Row, field: FieldName): Int32Array {
  const { hashes, starts } = row.words()
  const [first, end] = row.pieces(field).map(piece => starts[piece])
  if (first === end) {
    const text = textOf(row, field)
    return Int32Array.of(wordlessShingle(text, 0, text.length))
  }
  const shingles = new Int32Array(shingleCount(end - first, NGRAM))
  return shingles.subarray(0, sortDistinct(shingles, shingle(hashes, first, end, NGRAM, shingles)))
}
