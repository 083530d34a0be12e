import fc from 'fast-check'
import { expect, it } from 'vitest'
import { leastOfKeys } from '../../pipeline/kernels/equal-keys.ts'
import { mix32 } from '../../pipeline/kernels/mix.ts'

/** Edges as "other least", sorted. */
function edgesOf(keys: readonly (readonly [number, number])[], ordinals: readonly number[]): string[] {
  const lanes = [0, 1].map(lane => Int32Array.from(keys, key => key[lane]))
  const edges = leastOfKeys(lanes[0], lanes[1], Int32Array.from(ordinals))
  return Array.from(edges, edge => `${edge & 0xffffffffn} ${edge >> 32n}`).toSorted()
}

function expected(keys: readonly (readonly [number, number])[], ordinals: readonly number[]): string[] {
  const least = new Map<string, number>()
  for (const [i, key] of keys.entries()) least.set(key.join(), Math.min(least.get(key.join()) ?? ordinals[i], ordinals[i]))
  return keys.flatMap((key, i) => (least.get(key.join()) === ordinals[i] ? [] : [`${ordinals[i]} ${least.get(key.join())}`])).toSorted()
}

it('joins every row to the least of its key', () => {
  const lane = fc.oneof(fc.integer({ min: -2, max: 2 }), fc.constantFrom(-0x80000000, 0x7fffffff))
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.tuple(lane, lane), fc.nat({ max: 30 }))), rows => {
      const [keys, ordinals] = [rows.map(row => row[0]), rows.map(row => row[1])]
      expect(edgesOf(keys, ordinals)).toEqual(expected(keys, ordinals))
    }),
    { seed: 42, numRuns: 500 },
  )
})

it.each([
  ['well mixed keys', (i: number) => [mix32(i % 4500) | 0, mix32(~(i % 4500)) | 0] as const],
  ['keys of one bucket', (i: number) => [mix32(i % 4500) | 0, 7] as const],
  ['one key', () => [1, 2] as const],
])('joins many rows of %s', (_, keyOf) => {
  const keys = Array.from({ length: 9000 }, (_, i) => keyOf(i))
  const ordinals = keys.map((_, i) => (i * 7919) % 9001)
  expect(edgesOf(keys, ordinals)).toEqual(expected(keys, ordinals))
})
