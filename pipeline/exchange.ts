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

/** Observes one shard and stores its rows by partition: block p + 1 of the table holds partition p's, block 0 lists which are there. */
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

const directory = { partition: 'i32' } as const

/** A directory of the partitions that have rows, then one batch for each of them, rows in the order in which they were emitted. */
function byPartition(rows: Batch, partitions: number): Batch[] {
  const { values } = rows.columns.partition as Numbers<Int32Array>
  const counts = new Int32Array(partitions + 1)
  for (let i = 0; i < rows.rows; i++) {
    if (!(values[i] >= 0 && values[i] < partitions)) throw new Error(`partition ${values[i]} of ${partitions}`)
    counts[values[i] + 1]++
  }
  const present = Array.from({ length: partitions }, (_, p) => p).filter(p => counts[p + 1] > 0)
  const list = batchOf(directory, present.length, { partition: { values: Int32Array.from(present) } })
  if (present.length <= 1) return [list, ...present.map(() => rows)]
  for (let p = 0; p < partitions; p++) counts[p + 1] += counts[p]
  const next = counts.slice()
  const index = new Int32Array(rows.rows)
  for (let i = 0; i < rows.rows; i++) index[next[values[i]]++] = i
  return [list, ...present.map(p => gather(rows, index.subarray(counts[p], counts[p + 1])))]
}

/** reduce/STEP/ROUND/PARTITION */
export async function reduce(build: Build, _: Opened, stepAt: number, round: number, partition: number): Promise<TaskReport> {
  const step = build.steps()[stepAt]
  const code = step.code.rounds![round]
  const emits = { partition: 'i32', ...declared(step, code.emits) } as Schema
  const pieces: Batch[] = []
  for (const shard of build.shards()) {
    const key = observedKey(step, round, shard)
    const present = columnsOf(build.store.readBatch(key, 0), directory).partition.values
    const block = present.indexOf(partition)
    if (block >= 0) pieces.push(build.store.readBatch(key, block + 1))
  }
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
