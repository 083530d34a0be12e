/** Shingles: 32-bit hashes of n consecutive words. A text of fewer words has one, of all its words; a text without words one, of its bytes. */
import { mix32 } from './mix.ts'

const BASE = 0x9e3779b3
const SHORT = 0x5bd1e995
const WORDLESS = 0x27d4eb2f

/** BASE ** n modulo 2^32. */
export function power(n: number): number {
  let p = 1
  for (let i = 0; i < n; i++) p = Math.imul(p, BASE)
  return p
}

/** How many shingles `words` words have. */
export const shingleCount = (words: number, ngram: number): number => Math.max(1, words - ngram + 1)

/**
 * Writes the shingles of words hashes[from .. to), at least one word, to `out` from `at` on, repeats included, in the order of the text;
 * gives their number. Each is the polynomial of its words' hashes (Karp and Rabin 1987, modulo 2^32), mixed.
 */
export function shingle(hashes: Uint32Array, from: number, to: number, ngram: number, out: Int32Array, at = 0): number {
  const words = to - from
  let h = 0
  if (words < ngram) {
    for (let i = from; i < to; i++) h = (Math.imul(h, BASE) + hashes[i]) | 0
    out[at] = mix32(h ^ Math.imul(words, SHORT))
    return 1
  }
  for (let i = from; i < from + ngram; i++) h = (Math.imul(h, BASE) + hashes[i]) | 0
  out[at] = mix32(h)
  const leaving = power(ngram)
  const count = words - ngram + 1
  for (let i = 1; i < count; i++) {
    h = (Math.imul(h, BASE) - Math.imul(hashes[from + i - 1], leaving) + hashes[from + i - 1 + ngram]) | 0
    out[at + i] = mix32(h)
  }
  return count
}

/** The only shingle of a text without words: equal for equal bytes alone. */
export function wordlessShingle(bytes: Uint8Array, from: number, to: number): number {
  let h = WORDLESS
  for (let i = from; i < to; i++) h = Math.imul(h ^ bytes[i], 0x01000193)
  return mix32(h ^ Math.imul(to - from, SHORT)) | 0
}

/** Sorts the first `count` values as signed integers and drops repeats, in place; gives how many are left. */
export function sortDistinct(values: Int32Array, count: number): number {
  values.subarray(0, count).sort()
  let kept = 0
  for (let i = 0; i < count; i++) if (i === 0 || values[i] !== values[i - 1]) values[kept++] = values[i]
  return kept
}
