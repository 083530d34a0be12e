import fc from 'fast-check'
import { expect, it } from 'vitest'
import { batchOf, listOf } from '../pipeline/batch.ts'
import { gather } from '../pipeline/gather.ts'

const items = { number: 'i32', id: 'id', vector: { vector: 2 } } as const

/** Lists of so many children each; every value names its child. */
function listsOf(counts: readonly number[]) {
  const rows = counts.reduce((n, count) => n + count, 0)
  const numbers = Array.from({ length: rows }, (_, i) => i)
  const children = batchOf(items, rows, {
    number: { values: Int32Array.from(numbers), valid: Uint8Array.from(numbers, i => i % 2) },
    id: { bytes: Uint8Array.from({ length: rows * 16 }, (_, i) => i) },
    vector: { values: Float32Array.from({ length: rows * 2 }, (_, i) => i) },
  })
  return batchOf({ lists: { list: items } }, counts.length, { lists: listOf(counts, children) })
}

it.each([
  ['short', 3],
  ['long', 40],
])('gathers %s lists of anything', (_, most) => {
  const counts = fc.array(fc.integer({ min: most >> 1, max: most }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(counts, fc.array(fc.integer({ min: -1, max: 7 }), { maxLength: 12 }), (counts, picks) => {
      const index = picks.map(i => Math.min(i, counts.length - 1))
      const { lists } = gather(listsOf(counts), Int32Array.from(index)).columns
      const before = counts.map((_, i) => counts.slice(0, i).reduce((n, count) => n + count, 0))
      const wanted = index.flatMap(i => (i < 0 ? [] : Array.from({ length: counts[i] }, (_, k) => before[i] + k)))
      const { number, id, vector } = lists.items.columns
      expect([...lists.starts]).toEqual([0, ...index.map((_, k) => index.slice(0, k + 1).reduce((n, i) => n + (counts[i] ?? 0), 0))])
      expect([...number.values]).toEqual(wanted)
      expect([...number.valid!]).toEqual(wanted.map(i => i % 2))
      expect([...id.bytes]).toEqual(wanted.flatMap(i => Array.from({ length: 16 }, (_, k) => (i * 16 + k) & 255)))
      expect([...vector.values]).toEqual(wanted.flatMap(i => [2 * i, 2 * i + 1]))
    }),
    { seed: 42 },
  )
})
