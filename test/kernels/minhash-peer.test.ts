/** The npm package `minhash`, an independent implementation, beside our signatures: both estimate the same Jaccard similarities. */
import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import { agreement, EMPTY, familyOf, sign } from '../../pipeline/kernels/minhash.ts'
import { mix32 } from '../../pipeline/kernels/mix.ts'

interface Peer {
  update(text: string): void
  jaccard(other: Peer): number
}
const { Minhash } = createRequire(import.meta.url)('minhash') as { Minhash: new (options: { numPerm: number; seed: number }) => Peer }

const SIZE = 256
const family = familyOf(42, SIZE)
const SETS = 300

function ours(shingles: Int32Array): Int32Array {
  const signature = new Int32Array(SIZE).fill(EMPTY)
  sign(family, shingles, signature, 0, SIZE)
  return signature
}

function theirs(shingles: Int32Array): Peer {
  const peer = new Minhash({ numPerm: SIZE, seed: 1 })
  for (const shingle of shingles) peer.update(String(shingle))
  return peer
}

it.each([0, 60, 150, 240, 285, 300])('agrees on sets of 300 that share %i', shared => {
  const a = Int32Array.from({ length: SETS }, (_, i) => mix32(shared * 10_000 + i))
  const b = Int32Array.from({ length: SETS }, (_, i) => mix32(shared * 10_000 + (i < shared ? i : i + SETS)))
  const truth = shared / (2 * SETS - shared)
  // Five standard deviations of either estimate.
  const within = 5 * Math.sqrt((truth * (1 - truth)) / SIZE) + 1e-9
  expect(Math.abs(agreement(ours(a), 0, ours(b), 0, SIZE) - truth)).toBeLessThanOrEqual(within)
  expect(Math.abs(theirs(a).jaccard(theirs(b)) - truth)).toBeLessThanOrEqual(within + 0.01)
})
