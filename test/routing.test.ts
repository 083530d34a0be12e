import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { batchOf, columnsOf, type Schema } from '../pipeline/batch.ts'
import { type Build, returnsKey, type Shard, type Step } from '../pipeline/build.ts'
import { routeReturns } from '../pipeline/routing.ts'
import { Store } from '../pipeline/store.ts'

const returned = { ordinal: 'i32', value: 'i32' } as const
const SHARD_PAIRS = 10
const step = { key: 'a1', code: { rounds: [{ returns: { value: 'i32' } }] }, params: {}, env: {} } as unknown as Step

function buildOf(shards: number): Build {
  const store = new Store(mkdtempSync(join(tmpdir(), 'goldpan-routing-')))
  const places = Array.from({ length: shards }, (_, place) => ({ place, key: `5${place}`, pairs: SHARD_PAIRS, start: place * SHARD_PAIRS }))
  return { store, shards: () => places as unknown as Shard[] } as unknown as Build
}

/** What each shard got, as [ordinal, value]. */
function routed(parts: readonly (readonly number[])[], shards: number, most_rows: number): [number, number][][] {
  const build = buildOf(shards)
  const stored = parts.map((ordinals, p) => {
    const values = { ordinal: { values: Int32Array.from(ordinals) }, value: { values: Int32Array.from(ordinals, o => o * 7) } }
    build.store.writeTable(`b${p}`, [batchOf(returned as Schema, ordinals.length, values)])
    return { tables: {}, returns: `b${p}` }
  })
  const places = routeReturns(build, step, 0, stored, most_rows)
  return build.shards().map(shard => {
    if (!places.includes(shard.place)) return []
    const { ordinal, value } = columnsOf(build.store.readTable(returnsKey(step, 0, shard)), returned)
    return Array.from(ordinal.values, (o, i) => [o, value.values[i]] as [number, number])
  })
}

test('what partitions return reaches its shards in order, however few rows are in memory at a time', () => {
  const pairs = fc.uniqueArray(fc.nat({ max: 6 * SHARD_PAIRS - 1 }), { maxLength: 60 })
  fc.assert(
    fc.property(pairs, fc.nat({ max: 3 }), fc.integer({ min: 1, max: 40 }), (ordinals, cut, most_rows) => {
      const parts = [ordinals.slice(0, cut), ordinals.slice(cut, cut * 5), ordinals.slice(cut * 5)]
      const expected = Array.from({ length: 6 }, (_, s) =>
        ordinals
          .filter(o => Math.floor(o / SHARD_PAIRS) === s)
          .sort((a, b) => a - b)
          .map(o => [o, o * 7]),
      )
      expect(routed(parts, 6, most_rows)).toEqual(expected)
    }),
    { seed: 42, numRuns: 50 },
  )
})
