/** The fused pass: all judges between two barriers run over a shard in one worker, then the next barrier's observe, or what settles its pairs. */
import type { Batch, Column, Field, Schema } from './batch.ts'
import { type Build, declared, looksAtReview, observedKey, partitionsOf, type Step, summaryKey, verdictKey } from './build.ts'
import { GONE, ShardColumns, scattered } from './columns.ts'
import { concat } from './concat.ts'
import { contextOf, type Opened } from './context.ts'
import { observeShard } from './exchange.ts'
import { settleShard } from './settle.ts'
import { AWAY, type Summary, type Verdict } from './stage.ts'
import type { TaskReport } from './task.ts'

/** The steps judged in one pass; `next` is the corpus-wide step whose first round observes at its end. */
export interface Segment {
  readonly judged: readonly Step[]
  readonly next?: Step
}

/** A new segment begins at every corpus-wide step. */
export function segmentsOf(build: Build): Segment[] {
  const segments: { judged: Step[]; next?: Step }[] = [{ judged: [] }]
  for (const step of build.steps()) {
    if (step.code.rounds) {
      segments.at(-1)!.next = step
      segments.push({ judged: [] })
    }
    segments.at(-1)!.judged.push(step)
  }
  return segments.filter(s => s.judged.length > 0 || s.next)
}

/** pass/SEGMENT/PLACE; what the last steps judged is settled in the same task. */
export async function pass(build: Build, opened: Opened, segment: number, place: number): Promise<TaskReport> {
  const { judged, next } = segmentsOf(build)[segment]
  const shard = build.shards()[place]
  const columns = new ShardColumns(build, shard)
  let dropped = 0
  for (const step of judged) if (!build.store.has(verdictKey(step, shard))) dropped += await judgeShard(build, opened, columns, step)
  if (!next) settleShard(columns)
  else if (partitionsOf(build, next, 0) > 0 && !build.store.has(observedKey(next, 0, shard)))
    await observeShard(build, opened, columns, next, 0)
  return { rows: shard.pairs, dropped }
}

/** What a corpus-wide step learnt in its last round; nothing for the others. */
export const summaryOf = (build: Build, step: Step, round = (step.code.rounds?.length ?? 0) - 1): Summary => {
  if (round < 0) return {}
  const key = summaryKey(step, round)
  const { facts, state, tables } = build.store.readJson<Summary & { tables: Record<string, string> }>(key)
  return {
    facts,
    state,
    tables: Object.fromEntries(Object.entries(tables ?? {}).map(([name, at]) => [name, build.store.readTable(at as string)])),
  }
}

/** Judges the pairs of a shard that are still there; how many of them left. */
async function judgeShard(build: Build, opened: Opened, columns: ShardColumns, step: Step): Promise<number> {
  const { shard } = columns
  const judge = await opened.once(`judge ${step.key}`, async () =>
    step.code.judge(step.params, contextOf(build, step, summaryOf(build, step), opened)),
  )
  const alive = columns.reaching(step)
  // what a stage that takes nothing back lets stay, stays where it is
  const waiting = !step.code.recalls && looksAtReview(build, step) ? columns.inReview(step.at) : undefined
  const adds = declared(step, step.code.adds)
  const left = new Uint8Array(shard.pairs).fill(GONE)
  const pieces: Batch[] = []
  let at = 0
  for (const batch of columns.batches(step, declared(step, step.code.reads))) {
    const verdict = await Promise.resolve(judge(batch)).catch(error => {
      throw columns.blamed(error, alive.subarray(at, at + batch.rows))
    })
    scatterCodes(left, alive.subarray(at, at + batch.rows), verdict.leave, waiting)
    pieces.push(added(step, adds, verdict, batch.rows))
    at += batch.rows
  }
  const whole = concat(adds, pieces.length > 0 ? pieces : [added(step, adds, {}, 0)])
  build.store.writeTable(verdictKey(step, shard), [table(left, adds, whole, alive)])
  return leavers(left)
}

/** What a verdict says of its rows; without codes all stay, and those that wait in review stay there. */
function scatterCodes(left: Uint8Array, rows: Int32Array, codes: Uint8Array | undefined, waiting: Uint8Array | undefined): void {
  for (let i = 0; i < rows.length; i++) {
    const code = codes ? codes[i] : 0
    left[rows[i]] = code === 0 && waiting && waiting[rows[i]] > 0 ? AWAY : code
  }
}

function leavers(left: Uint8Array): number {
  let count = 0
  for (let i = 0; i < left.length; i++) if (left[i] !== 0 && left[i] !== GONE) count++
  return count
}

/** The columns of a verdict, each declared one there. */
function added(step: Step, adds: Schema, { add = {} }: Verdict, rows: number): Batch {
  const missing = rows > 0 ? Object.keys(adds).filter(name => !(name in add)) : []
  const extra = Object.keys(add).filter(name => !(name in adds))
  if (missing.length + extra.length > 0)
    throw new Error(`stage ${step.stage}: adds ${extra.join(', ') || 'too little'}, declared ${Object.keys(adds).join(', ')}`)
  return rows > 0 ? { schema: adds, rows, columns: add } : { schema: adds, rows: 0, columns: emptyColumns(adds) }
}

const emptyColumns = (schema: Schema): Record<string, Column> =>
  Object.fromEntries(
    Object.entries(schema).map(([name, field]) => [name, scattered(undefined, field, new Int32Array(0), 0).columns.column]),
  )

/** The verdict as stored: one row for every pair of the shard, null where the pair had left before. */
function table(left: Uint8Array, adds: Schema, whole: Batch, alive: Int32Array): Batch {
  const columns: Record<string, Column> = { left: { values: left } }
  for (const [name, field] of Object.entries(adds) as [string, Field][])
    columns[name] = scattered(whole.columns[name], field, alive, left.length).columns.column
  return { schema: { left: 'u8', ...adds }, rows: left.length, columns }
}
