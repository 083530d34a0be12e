/** Corpus-wide steps: observe -> exchange -> reduce -> combine. The exchange is the store: observed rows lie sorted by partition. */
import { type Batch, batchOf, columnsOf, emptyBatch, type Numbers, type Schema, select } from './batch.ts'
import { type Build, declared, observedKey, partitionsOf, partKey, returnedKey, returnsKey, type Step, summaryKey } from './build.ts'
import { ShardColumns } from './columns.ts'
import { concat } from './concat.ts'
import { contextOf, type Opened } from './context.ts'
import { gather } from './gather.ts'
import { summaryOf } from './pass.ts'
import { routeReturns } from './routing.ts'
import type { Json, Part, Summary } from './stage.ts'
import type { TaskReport } from './task.ts'

/** observe/STEP/ROUND/PLACE: the later rounds; the first one is observed in the pass. */
export async function observe(build: Build, opened: Opened, stepAt: number, round: number, place: number): Promise<TaskReport> {
  const step = build.steps()[stepAt]
  const shard = build.shards()[place]
  await observeShard(build, opened, new ShardColumns(build, shard), step, round)
  return { rows: shard.pairs }
}

/** Observes one shard and stores its rows sorted by partition. */
export async function observeShard(build: Build, opened: Opened, columns: ShardColumns, step: Step, round: number): Promise<void> {
  const code = step.code.rounds![round]
  const context = contextOf(build, step, summaryOf(build, step, round - 1), opened)
  const run = await opened.once(`observe ${step.key} ${round}`, async () => code.observe(step.params, context))
  const emits = { partition: 'i32', ...declared(step, code.emits) } as Schema
  const emitted: Batch[] = []
  const among = code.among?.(step.params, context)
  let seen = 0
  try {
    for (const batch of columns.batches(step, declared(step, code.reads), among)) {
      emitted.push(select(await run(batch), Object.keys(emits)))
      seen += batch.rows
    }
  } catch (error) {
    throw columns.blamed(error, among ? undefined : columns.reaching(step).subarray(seen))
  }
  const all = concat(emits, emitted.length > 0 ? emitted : [emptyBatch(emits)])
  build.store.writeTable(observedKey(step, round, columns.shard), byPartition(all, partitionsOf(build, step, round)))
}

/** Which partitions have rows, ascending, and where in the sorted rows each ends. */
const directory = { partition: 'i32', end: 'i32' } as const
const SORTED = 1

/**
 * A directory of the partitions that have rows, then all rows sorted by it, those of one partition in the order in which they were emitted. The
 * directory tells the partition of each, so its column is left out.
 */
function byPartition(emitted: Batch, partitions: number): Batch[] {
  const of = (emitted.columns.partition as Numbers<Int32Array>).values.subarray(0, emitted.rows)
  const rows = select(
    emitted,
    Object.keys(emitted.schema).filter(name => name !== 'partition'),
  )
  const counts = sizesOf(of, partitions)
  const present = presentOf(counts)
  const ends = endsOf(counts)
  const list = batchOf(directory, present.length, { partition: { values: present }, end: { values: present.map(p => ends[p]) } })
  if (present.length <= 1) return [list, rows]
  return [list, gather(rows, dealt(of, ends, counts))]
}

/** How many rows each partition has. */
function sizesOf(of: Int32Array, partitions: number): Int32Array {
  const sizes = new Int32Array(partitions)
  for (let i = 0; i < of.length; i++) {
    if (!(of[i] >= 0 && of[i] < partitions)) throw new Error(`partition ${of[i]} of ${partitions}`)
    sizes[of[i]]++
  }
  return sizes
}

function presentOf(sizes: Int32Array): Int32Array {
  const present = new Int32Array(sizes.length)
  let count = 0
  for (let p = 0; p < sizes.length; p++) if (sizes[p] > 0) present[count++] = p
  return present.subarray(0, count)
}

function endsOf(sizes: Int32Array): Int32Array {
  const ends = new Int32Array(sizes.length)
  let end = 0
  for (let p = 0; p < sizes.length; p++) ends[p] = end += sizes[p]
  return ends
}

/** The rows in the order of their partitions. */
function dealt(of: Int32Array, ends: Int32Array, sizes: Int32Array): Int32Array {
  const next = ends.map((end, p) => end - sizes[p])
  const index = new Int32Array(of.length)
  for (let i = 0; i < of.length; i++) index[next[of[i]]++] = i
  return index
}

/** The rows of a partition that a shard has; undefined for none. However many partitions there are, no more than these is read. */
function partitionOf({ store }: Build, key: string, partition: number): Batch | undefined {
  const present = columnsOf(store.readBatch(key, 0), directory)
  const at = present.partition.values.indexOf(partition)
  if (at < 0) return undefined
  return store.readRange(key, SORTED, at === 0 ? 0 : present.end.values[at - 1], present.end.values[at])
}

/** reduce/STEP/ROUND/PARTITION */
export async function reduce(build: Build, _: Opened, stepAt: number, round: number, partition: number): Promise<TaskReport> {
  const step = build.steps()[stepAt]
  const code = step.code.rounds![round]
  const emits = declared(step, code.emits)
  const pieces = build.shards().flatMap(shard => partitionOf(build, observedKey(step, round, shard), partition) ?? [])
  const rows = concat(emits, pieces.length > 0 ? pieces : [emptyBatch(emits)])
  const part = await code.reduce(step.params, contextOf(build, step, summaryOf(build, step, round - 1)), rows, partition)
  writeSummary(build, partKey(step, round, partition), part, part.returns)
  return { rows: rows.rows }
}

/** combine/STEP/ROUND: the parts become the summary, and what was returned goes to the shards it belongs to. */
export async function combine(build: Build, _: Opened, stepAt: number, round: number): Promise<TaskReport> {
  const step = build.steps()[stepAt]
  const code = step.code.rounds![round]
  const stored = Array.from({ length: partitionsOf(build, step, round) }, (_, p) => build.store.readJson<Stored>(partKey(step, round, p)))
  if (code.returns) build.store.writeJson(returnedKey(step, round), routeReturns(build, step, round, stored))
  const context = contextOf(build, step, summaryOf(build, step, round - 1))
  const parts = stored.map(part => partOf(build, part))
  writeSummary(build, summaryKey(step, round), await code.combine(step.params, context, parts))
  return { rows: 0 }
}

/** Whether a round is combined, with the tables of its summary and all that it returned in place. */
export function isCombined(build: Build, step: Step, round: number): boolean {
  if (!build.store.has(summaryKey(step, round))) return false
  const { tables } = build.store.readJson<Stored>(summaryKey(step, round))
  if (!Object.values(tables).every(key => build.store.has(key))) return false
  if (!step.code.rounds![round].returns) return true
  if (!build.store.has(returnedKey(step, round))) return false
  const shards = build.shards()
  return build.store.readJson<number[]>(returnedKey(step, round)).every(place => build.store.has(returnsKey(step, round, shards[place])))
}

/** A part or a summary as it is stored: its tables by their keys. */
export type Stored = { facts?: Json; state?: Json; tables: Record<string, string>; returns?: string }

/** Tables first, then the record that names them: a summary is there only as a whole. */
function writeSummary(build: Build, key: string, { facts, state, tables = {} }: Summary, returns?: Batch): void {
  const named: Record<string, string> = {}
  for (const [name, table] of Object.entries(tables)) {
    named[name] = `${key}.${name}`
    build.store.writeTable(named[name], [table])
  }
  if (returns) build.store.writeTable(`${key}.returns`, [returns])
  build.store.writeJson(key, { facts, state, tables: named, returns: returns ? `${key}.returns` : undefined })
}

/** Its tables are read each time they are asked for, so that not all parts are in memory at once. */
function partOf(build: Build, { facts, state, tables }: Stored): Part {
  const readers = Object.entries(tables).map(([name, at]) => [name, { enumerable: true, get: () => build.store.readTable(at) }] as const)
  return { facts, state, tables: Object.defineProperties({}, Object.fromEntries(readers)) }
}
