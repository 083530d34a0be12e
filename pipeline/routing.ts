/** The way back of an exchange: what reduce returned goes to the shards of the pairs it belongs to. */
import { type Batch, columnsOf, emptyBatch, type Schema, select } from './batch.ts'
import { type Build, declared, returnsKey, type Shard, type Step } from './build.ts'
import { lowerBound } from './columns.ts'
import { concat } from './concat.ts'
import type { Stored } from './exchange.ts'
import { gather } from './gather.ts'

const routed = { ordinal: 'i32' } as const

/** So many returned rows are in memory at a time. */
const ROUTED_ROWS = 2 ** 21

/** Writes what was returned to each shard's pairs, sorted by ordinal; the places of the shards that got something. */
export function routeReturns(build: Build, step: Step, round: number, parts: readonly Stored[], most_rows = ROUTED_ROWS): number[] {
  const schema = { ordinal: 'i32', ...declared(step, step.code.rounds![round].returns!) } as Schema
  const returned = parts.flatMap(({ returns }) =>
    returns === undefined ? [] : [() => select(build.store.readTable(returns), Object.keys(schema))],
  )
  const places: number[] = []
  for (const shards of windows(build.shards(), returned, most_rows)) {
    const end = shards.at(-1)!.start + shards.at(-1)!.pairs
    const rows = concat(schema, [emptyBatch(schema), ...returned.map(read => between(read(), shards[0].start, end))])
    for (const [shard, index] of dealt(rows, shards)) {
      build.store.writeTable(returnsKey(step, round, shard), [gather(rows, index)])
      places.push(shard.place)
    }
  }
  return places
}

/** The rows of each shard that has any, by ordinal. */
function* dealt(rows: Batch, shards: readonly Shard[]): Generator<[Shard, Int32Array]> {
  const { values } = columnsOf(rows, routed).ordinal
  const order = sortedIndex(values)
  let from = 0
  for (const shard of shards) {
    let to = from
    while (to < order.length && values[order[to]] < shard.start + shard.pairs) to++
    if (to > from) yield [shard, order.subarray(from, to)]
    from = to
  }
}

/** Runs of shards whose returned rows fit into memory together. */
function* windows(shards: readonly Shard[], returned: readonly (() => Batch)[], most_rows: number): Generator<readonly Shard[]> {
  const starts = Int32Array.from(shards, shard => shard.start)
  const counts = new Int32Array(shards.length)
  for (const read of returned) for (const ordinal of columnsOf(read(), routed).ordinal.values) counts[lowerBound(starts, ordinal + 1) - 1]++
  let from = 0
  for (let to = 0, rows = 0; to < shards.length; to++) {
    if (rows + counts[to] > most_rows && to > from) {
      yield shards.slice(from, to)
      from = to
      rows = 0
    }
    rows += counts[to]
  }
  if (from < shards.length) yield shards.slice(from)
}

/** The rows whose ordinals are at or above `from` and below `to`. */
function between(rows: Batch, from: number, to: number): Batch {
  const { values } = columnsOf(rows, routed).ordinal
  const index = new Int32Array(values.length)
  let count = 0
  for (let i = 0; i < values.length; i++) if (values[i] >= from && values[i] < to) index[count++] = i
  return count === rows.rows ? rows : gather(rows, index.subarray(0, count))
}

/** Row numbers in ascending order of their value; values are distinct ordinals, fewer than ROWS of them. */
function sortedIndex(values: Int32Array): Int32Array {
  const packed = Float64Array.from(values, (value, i) => value * ROWS + i).sort()
  return Int32Array.from(packed, p => p % ROWS)
}
const ROWS = 2 ** 22
