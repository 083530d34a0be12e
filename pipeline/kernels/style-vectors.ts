/** Style of a batch's responses. */
import type { Turns } from '../batch.ts'
import { compiled } from './native.ts'
import { nativeStyle, type StyleCounter } from './native-style.ts'
import { COUNTS } from './style-counts.ts'
import { StyleReader, styleFeatures, writeFeatures } from './style-features.ts'
import { tokensOf } from './tokens.ts'

const wasm = compiled('style')
const builtIn = wasm ? nativeStyle(wasm) : null
const reader = new StyleReader()

/** The features of every response, row after row. */
export function styleVectors(turns: Turns, rows: number, native: StyleCounter | null = builtIn): Float32Array {
  const { content } = turns.items.columns
  const tokens = tokensOf(content)
  const counts = new Int32Array(rows * COUNTS)
  const left = native?.(turns, tokens, rows, counts)
  const vectors = new Float32Array(rows * styleFeatures.length)
  for (let i = 0; i < rows; i++) {
    if (left === undefined || left[i] === 1) counts.set(reader.count(content, tokens, turns.starts[i], turns.starts[i + 1]), i * COUNTS)
    writeFeatures(counts, i * COUNTS, vectors, i * styleFeatures.length)
  }
  return vectors
}
