/** The words of a pair's fields, row by row. */
import type { Turns } from '../batch.ts'
import { shingle, shingleCount, sortDistinct, wordlessShingle } from './shingles.ts'
import { combine, signsOf } from './signs.ts'
import { rowStarts, tokensOf } from './tokens.ts'

/** Words of one field, or of several laid end to end: row i's are hashes[starts[i] .. starts[i + 1]). */
export interface Words {
  readonly hashes: Uint32Array
  readonly starts: Int32Array
  /** The only shingle of a row without words. */
  wordless(row: number): number
  /** Hash of what the words of a row leave out; 0 where that is nothing but white space and the ends of sentences. */
  signs(row: number): number
}

/** All turns of a row as one text. */
export function wordsOf(turns: Turns): Words {
  const { content } = turns.items.columns
  const tokens = tokensOf(content)
  const wordless = (row: number) =>
    wordlessShingle(content.bytes, content.offsets[turns.starts[row]], content.offsets[turns.starts[row + 1]])
  const signs = (row: number) => signsOf(content, tokens, turns.starts[row], turns.starts[row + 1])
  return { hashes: tokens.hashes, starts: rowStarts(turns, tokens), wordless, signs }
}

/** Several fields of each row as one text. */
export function joinWords(fields: readonly Words[], rows: number): Words {
  const total = fields.reduce((n, field) => n + field.starts[rows] - field.starts[0], 0)
  const hashes = new Uint32Array(total)
  const starts = new Int32Array(rows + 1)
  let at = 0
  for (let i = 0; i < rows; i++) {
    for (const field of fields) {
      const own = field.hashes.subarray(field.starts[i], field.starts[i + 1])
      hashes.set(own, at)
      at += own.length
    }
    starts[i + 1] = at
  }
  const wordless = (row: number) => fields.reduce((h, field) => combine(h, field.wordless(row)), 0)
  const signs = (row: number) => fields.reduce((h, field) => combine(h, field.signs(row)), 0)
  return { hashes, starts, wordless, signs }
}

/** A buffer blown up by a giant row beyond this is given back with the next one. */
const KEPT_SHINGLES = 1 << 22
let buffer = new Int32Array(1 << 14)

/** The shingles of a row, in a buffer that the next call overwrites. */
export function shinglesOf(words: Words, row: number, ngram: number): Int32Array {
  const from = words.starts[row]
  const to = words.starts[row + 1]
  const count = shingleCount(to - from, ngram)
  if (count > buffer.length) buffer = new Int32Array(Math.max(count, Math.min(2 * buffer.length, KEPT_SHINGLES)))
  else if (buffer.length > KEPT_SHINGLES) buffer = new Int32Array(Math.max(count, 1 << 14))
  if (from === to) buffer[0] = words.wordless(row)
  else shingle(words.hashes, from, to, ngram, buffer)
  return buffer.subarray(0, count)
}

/** The distinct shingles of a row, ascending. That of a text of fewer words than a shingle has knows its signs, too. */
export function distinctShingles(words: Words, row: number, ngram: number): Int32Array {
  const shingles = shinglesOf(words, row, ngram)
  const distinct = shingles.slice(0, sortDistinct(shingles, shingles.length))
  if (isShort(words, row, ngram)) distinct[0] ^= words.signs(row)
  return distinct
}

/** Whether a row's only shingle is all of its words. */
export function isShort({ starts }: Words, row: number, ngram: number): boolean {
  const count = starts[row + 1] - starts[row]
  return count > 0 && count < ngram
}
