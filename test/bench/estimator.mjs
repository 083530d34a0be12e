/** How well signatures estimate Jaccard similarity, against theory: bias 0, variance J (1 - J) / k (Broder 1997). Called by all.mjs. */
import { agreement, EMPTY, familyOf, sign } from '../../dist/pipeline/kernels/minhash.js'
import { mix32 } from '../../dist/pipeline/kernels/mix.js'
import { fixed, table } from './measure.mjs'

const SETS = 500
const SIZE = 128
const UNION = 2000

/** @returns Markdown */
export function benchEstimator() {
  const rows = [0.2, 0.5, 0.8, 0.9, 0.95].map((jaccard, i) => {
    const errors = Array.from({ length: SETS }, (_, s) => estimateOf(jaccard, i * SETS + s) - jaccard)
    const bias = errors.reduce((sum, e) => sum + e, 0) / SETS
    const variance = errors.reduce((sum, e) => sum + e * e, 0) / SETS
    return [jaccard, fixed(100 * bias, 2), fixed((variance * SIZE) / (jaccard * (1 - jaccard)), 3)]
  })
  const mean = rows.reduce((sum, row) => sum + Number(row[2]), 0) / rows.length
  const text = `${SETS} pairs of random sets each, unions of ${UNION} shingles, ${SIZE} hash functions (${SETS} draws alone scatter a variance by 6 %; mean ratio ${fixed(mean, 3)}):`
  return `${text}\n\n${table(['Jaccard', 'bias, points', 'variance / theory'], rows)}`
}

/** The estimate for two sets that share `jaccard` of their union, other sets and other functions for every seed. */
function estimateOf(jaccard, seed) {
  const shingles = Int32Array.from({ length: UNION }, (_, i) => mix32(mix32(seed + 1) + i * 0x9e3779b1))
  const shared = Math.round(jaccard * UNION)
  const rest = (UNION - shared) >> 1
  const family = familyOf(seed, SIZE)
  const [a, b] = [shingles.subarray(0, shared + rest), Int32Array.from([...shingles.subarray(0, shared), ...shingles.subarray(shared + rest)])].map(set => {
    const signature = new Int32Array(SIZE).fill(EMPTY)
    sign(family, set, signature, 0, SIZE)
    return signature
  })
  return agreement(a, 0, b, 0, SIZE)
}
