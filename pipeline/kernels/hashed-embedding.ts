/** What a prompt is about, without a model: words, word pairs and pieces of words, hashed and projected at random. */
import type { Turns } from '../batch.ts'
import { mix32 } from './mix.ts'
import { rowStarts, tokensOf } from './tokens.ts'

const ENTRIES = 4
const GOLDEN = 0x9e3779b9
const PIECE = 0x51ed270b
const PAIR = 0x2c1b3c6d
const PIECE_BYTES = 4
/** Beside the weight of a word. */
const PAIR_WEIGHT = 0.3
const PIECES_WEIGHT = 0.7

/**
 * A unit vector of `dims` for each row; zeros for a row without words. Every feature adds its weight, with a sign of its own, at four places
 * that its hash names: a sparse random projection (Achlioptas 2003), which keeps cosines to about 1 / sqrt(dims).
 */
export function hashedEmbedding(prompt: Turns, rows: number, dims: number, seed: number): Float32Array {
  const { content } = prompt.items.columns
  const tokens = tokensOf(content)
  const starts = rowStarts(prompt, tokens)
  const vectors = new Float32Array(rows * dims)
  for (let i = 0; i < rows; i++) {
    const vector = vectors.subarray(i * dims, (i + 1) * dims)
    const add = (feature: number, weight: number): void => {
      const key = mix32(feature ^ seed)
      for (let e = 1; e <= ENTRIES; e++) {
        const place = mix32(key + Math.imul(e, GOLDEN))
        vector[place % dims] += place & 0x40000000 ? weight : -weight
      }
    }
    for (let k = starts[i]; k < starts[i + 1]; k++) {
      const weight = weightOf(tokens.ends[k] - tokens.begins[k])
      add(tokens.hashes[k], weight)
      addPieces(content.bytes, tokens.begins[k], tokens.ends[k], PIECES_WEIGHT * weight, add)
      if (k > starts[i]) add(mix32(tokens.hashes[k - 1] ^ PAIR) + tokens.hashes[k], PAIR_WEIGHT * weight)
    }
    normalise(vector)
  }
  return vectors
}

/** Short words say little of what a text is about, in any language that has spaces. */
const weightOf = (bytes: number): number => Math.min(1, bytes / 6) ** 2 + 0.05

/** Four bytes at a time, so that forms of one word are alike. */
function addPieces(bytes: Uint8Array, begin: number, end: number, weight: number, add: (feature: number, weight: number) => void): void {
  const pieces = end - begin - PIECE_BYTES + 1
  for (let at = begin; at + PIECE_BYTES <= end; at++) {
    const piece = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24) | 0x20202020
    add(mix32(piece ^ PIECE), weight / Math.sqrt(pieces))
  }
}

/** Scales a vector to length 1; zeros stay. */
export function normalise(vector: Float32Array): void {
  let sum = 0
  for (const value of vector) sum += value * value
  if (!(sum > 0) || !Number.isFinite(sum)) {
    vector.fill(0)
    return
  }
  const length = Math.sqrt(sum)
  for (let k = 0; k < vector.length; k++) vector[k] /= length
}
