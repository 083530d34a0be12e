/** Words without the underscores at their edges, which in Markdown only set them off: _word_ and __word__ are word. */
import type { Utf8 } from '../batch.ts'
import { type Tokens, tokensOf } from './tokens.ts'

const UNDERSCORE = 0x5f

/** The column's tokens; a token of underscores alone is left out. */
export function plainWords(column: Utf8): Tokens {
  const tokens = tokensOf(column)
  const { bytes } = column
  const { begins, ends } = tokens
  for (let i = 0; i < begins.length; i++)
    if (bytes[begins[i]] === UNDERSCORE || bytes[ends[i] - 1] === UNDERSCORE) return stripped(column, tokens)
  return tokens
}

function stripped({ bytes }: Utf8, tokens: Tokens): Tokens {
  const starts = new Int32Array(tokens.starts.length)
  const hashes = tokens.hashes.slice()
  const begins = tokens.begins.slice()
  const ends = tokens.ends.slice()
  const changed: number[] = []
  let count = 0
  for (let row = 0; row + 1 < starts.length; row++) {
    for (let i = tokens.starts[row]; i < tokens.starts[row + 1]; i++) {
      let begin = tokens.begins[i]
      let end = tokens.ends[i]
      while (begin < end && bytes[begin] === UNDERSCORE) begin++
      while (begin < end && bytes[end - 1] === UNDERSCORE) end--
      if (begin === end) continue
      if (end - begin !== tokens.ends[i] - tokens.begins[i]) changed.push(count)
      hashes[count] = tokens.hashes[i]
      begins[count] = begin
      ends[count] = end
      count++
    }
    starts[row + 1] = count
  }
  hashAgain(bytes, changed, begins, ends, hashes)
  return { starts, hashes: hashes.subarray(0, count), begins: begins.subarray(0, count), ends: ends.subarray(0, count) }
}

/** Hashes the changed words as the tokeniser would: laid end to end with spaces between, each is one token. */
function hashAgain(bytes: Uint8Array, changed: readonly number[], begins: Int32Array, ends: Int32Array, hashes: Uint32Array): void {
  const size = changed.reduce((n, word) => n + ends[word] - begins[word] + 1, 0)
  const words = new Uint8Array(size).fill(0x20)
  let at = 0
  for (const word of changed) {
    words.set(bytes.subarray(begins[word], ends[word]), at)
    at += ends[word] - begins[word] + 1
  }
  const again = tokensOf({ bytes: words, offsets: Int32Array.of(0, size) })
  for (let k = 0; k < changed.length; k++) hashes[changed[k]] = again.hashes[k]
}
