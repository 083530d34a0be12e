/** Quality of a batch's responses. */
import type { Turns } from '../batch.ts'
import { compiled } from './native.ts'
import { nativeQuality, type QualityCounter } from './native-quality.ts'
import { COUNTS } from './quality-counts.ts'
import { qualityFeatures, writeQuality } from './quality-features.ts'
import { QualityReader, sideOf } from './quality-reader.ts'

const wasm = compiled('quality')
const builtIn = wasm ? nativeQuality(wasm) : null
const reader = new QualityReader()

/** The counts of both responses of each row: those of row i's chosen one at 2 * i * COUNTS, the other's after them. */
export function qualityCounts(
  texts: readonly [prompt: Turns, chosen: Turns, rejected: Turns],
  rows: number,
  native: QualityCounter | null = builtIn,
): Int32Array {
  const sides = texts.map(sideOf)
  const [prompt, ...responses] = sides
  const counts = new Int32Array(rows * 2 * COUNTS)
  for (let i = 0; i < rows; ) {
    const done = native?.(sides, i, rows, counts) ?? i
    if (done === i) for (const [k, response] of responses.entries()) counts.set(reader.count(prompt, response, i), (2 * i + k) * COUNTS)
    i = Math.max(done, i + 1)
  }
  return counts
}

/** The features of chosen less those of rejected, row after row. */
export function qualityDifferences(texts: readonly [prompt: Turns, chosen: Turns, rejected: Turns], rows: number): Float32Array {
  const width = qualityFeatures.length
  const counts = qualityCounts(texts, rows)
  const values = new Float32Array(rows * width)
  const [ours, theirs] = [new Float64Array(width), new Float64Array(width)]
  for (let i = 0; i < rows; i++) {
    writeQuality(counts, 2 * i * COUNTS, ours)
    writeQuality(counts, (2 * i + 1) * COUNTS, theirs)
    for (let k = 0; k < width; k++) values[i * width + k] = ours[k] - theirs[k]
  }
  return values
}
