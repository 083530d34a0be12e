/** Where every pair ends: its outcome, the step and reason that decided it, its split. */
import { type Batch, batchOf, columnsOf, hexAt, type Ids, isValid, type Numbers, stringAt, type Utf8 } from './batch.ts'
import { type Build, declared, looksAtReview, type Shard, type Step, settledKey } from './build.ts'
import { GONE, ShardColumns } from './columns.ts'
import { type Ends, leave, recall, turn } from './ends.ts'
import { hash32 } from './kernels/random.ts'
import { textGroups } from './kernels/text-groups.ts'
import type { Outcomes } from './manifest.ts'
import { outcomes } from './pair.ts'
import type { Json } from './stage.ts'
import { addTally, byAnyName, count } from './tallies.ts'
import type { TaskReport } from './task.ts'
import { weighing } from './weights.ts'

export const splits = ['none', 'train', 'validation'] as const
/** `step` is 255 for a pair that no step touched; `reason` is an index into that step's reasons. */
const settledSchema = { outcome: { labels: outcomes }, step: 'u8', reason: 'u8', split: { labels: splits } } as const

/** What one shard's pairs came to, counted. */
export interface Settled {
  readonly steps: readonly StepCount[]
  /** Pairs that people judged, by id. */
  readonly judged: readonly string[]
  readonly sources: Readonly<Record<string, SourceCount>>
}
/** `recalled`: pairs taken out of review, to stay or to leave here, by `STEP: REASON` that had sent them there. */
export interface StepCount {
  rows_in: number
  readonly dropped: number[]
  readonly recalled: Record<string, number>
  /** Pairs that a configured model gave no score, by column. */
  readonly unscored: Record<string, number>
  /** Texts that a configured model read in part, by the column that it fills. */
  readonly truncated: Record<string, number>
}
export interface SourceCount extends Outcomes {
  readonly pairs_in: number
  readonly licenses: Readonly<Record<string, number>>
  readonly languages: Readonly<Record<string, number>>
  /** Of the pairs that did not reach a split. */
  readonly left_licenses: Readonly<Record<string, number>>
  /** Of the kept pairs, before weights are scaled to a mean of 1. */
  readonly weight: number
}

/** The reasons of a step by their code, and where each sends a pair. */
export const reasonsOf = (step: Step): [string, string][] => Object.entries(step.code.reasons?.(step.params) ?? {})

/** The reason given for a label that models turned, and for one that people turned. */
export const FLIPPED = 'models_against'
export const FLIPPED_BY_PEOPLE = 'people_against'
/** settle/PLACE: for shards of which every verdict was there already. */
export async function settle(build: Build, place: number): Promise<TaskReport> {
  const shard = build.shards()[place]
  settleShard(new ShardColumns(build, shard))
  return { rows: shard.pairs }
}

/** Settles a shard that every step has judged. */
export function settleShard(columns: ShardColumns): void {
  const { build, shard } = columns
  const settled = outcomesOf(build, columns)
  build.store.writeTable(settledKey(build, shard), [settled])
  build.store.writeJson(`${settledKey(build, shard)}.counts`, counted(build, columns, settled) as unknown as Json)
}

function outcomesOf(build: Build, columns: ShardColumns): Batch<typeof settledSchema> {
  const { pairs } = columns.shard
  const ends: Ends = { outcome: new Uint8Array(pairs), step: new Uint8Array(pairs).fill(GONE), reason: new Uint8Array(pairs) }
  const flip = lastAdded(build, columns, 'flip') as Numbers<Uint8Array> | undefined
  for (const step of build.steps()) {
    const { left } = columnsOf(columns.verdict(step), { left: 'u8' })
    const to = Uint8Array.from(reasonsOf(step), ([, end]) => outcomes.indexOf(end as (typeof outcomes)[number]))
    if (step.code.recalls) recall(left.values, ends)
    leave(left.values, to, step.at, ends)
    if (flip && 'flip' in declared(step, step.code.adds)) turn(left.values, flip.values, flip.valid, step.at, ends)
  }
  const { outcome, step, reason } = ends
  const split = splitsOf(build, columns, outcome)
  return batchOf(settledSchema, pairs, {
    outcome: { values: outcome },
    step: { values: step },
    reason: { values: reason },
    split: { values: split },
  })
}

/** A column as the last step that adds it left it. */
function lastAdded(build: Build, columns: ShardColumns, name: string): Batch['columns'][string] | undefined {
  const step = build.steps().findLast(s => name in declared(s, s.code.adds))
  return step && columns.verdict(step).columns[name]
}

/** Kept pairs by cluster of prompts: a cluster's hash decides, so near-duplicate prompts never straddle a split. */
function splitsOf(build: Build, columns: ShardColumns, outcome: Uint8Array): Uint8Array {
  const share = build.plan.output.splits.validation
  const clusters = lastAdded(build, columns, 'prompt_cluster') as Ids | undefined
  const prompts = columns.facts().columns.prompt_id as Ids
  return Uint8Array.from(outcome, (end, i) => {
    if (outcomes[end] !== 'keep' && outcomes[end] !== 'flip') return 0
    const { bytes } = clusters && isValid(clusters, i) ? clusters : prompts
    const id = new DataView(bytes.buffer, bytes.byteOffset + i * 16)
    return hash32(build.plan.seed, id.getUint32(0) ^ id.getUint32(8), 0x5b117) < share * 2 ** 32 ? 2 : 1
  })
}

function counted(build: Build, columns: ShardColumns, settled: Batch<typeof settledSchema>): Settled {
  const steps = build.steps().map(step => {
    const dropped = reasonsOf(step).map(() => 0)
    let rows_in = 0
    for (const code of columnsOf(columns.verdict(step), { left: 'u8' }).left.values) {
      if (code !== GONE) rows_in++
      if (code !== GONE && code !== 0) dropped[code - 1]++
    }
    return {
      rows_in,
      dropped,
      recalled: looksAtReview(build, step) ? recalledBy(build, columns, step) : {},
      unscored: unscoredBy(columns, step),
      truncated: truncatedBy(columns, step),
    }
  })
  return { steps, judged: judgedIn(build, columns), sources: countSources(build, columns, settled) }
}

function recalledBy(build: Build, columns: ShardColumns, step: Step): Record<string, number> {
  const counts: Record<string, number> = {}
  const from = columns.inReview(step.at)
  const { values } = columnsOf(columns.verdict(step), { left: 'u8' }).left
  for (let i = 0; i < from.length; i++) {
    if (from[i] === 0 || values[i] === GONE) continue
    const sender = build.steps()[from[i] - 1]
    const why = columnsOf(columns.verdict(sender), { left: 'u8' }).left.values[i] - 1
    count(counts, `${sender.id}: ${reasonsOf(sender)[why][0]}`)
  }
  return counts
}

/** Pairs that reached the step and have nothing in a column that a model fills. */
function unscoredBy(columns: ShardColumns, step: Step): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of step.code.scored?.(step.env) ?? []) {
    const verdict = columns.verdict(step)
    const { values } = columnsOf(verdict, { left: 'u8' }).left
    const column = verdict.columns[name] as Numbers
    for (let i = 0; i < verdict.rows; i++) if (values[i] !== GONE && !isValid(column, i)) count(counts, name)
  }
  return counts
}

/** Texts of the pairs that reached the step which a model read in part. */
function truncatedBy(columns: ShardColumns, step: Step): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [name, cut] of Object.entries(step.code.cut?.(step.env) ?? {})) {
    const column = columns.verdict(step).columns[cut] as Numbers
    let texts = 0
    for (let i = 0; i < column.values.length; i++) if (isValid(column, i)) texts += column.values[i]
    if (texts > 0) counts[name] = texts
  }
  return counts
}

function judgedIn(build: Build, columns: ShardColumns): string[] {
  if (build.judged.size === 0) return []
  const ids = columns.facts().columns.pair_id as Ids
  const found = new Set<string>()
  for (let i = 0; i < columns.shard.pairs; i++) if (build.judged.of(ids, i)) found.add(hexAt(ids, i))
  return [...found]
}

const LEFT: Readonly<Record<string, 'quarantine' | 'review' | 'dropped'>> = { quarantine: 'quarantine', review: 'review', drop: 'dropped' }

function countSources(build: Build, columns: ShardColumns, settled: Batch<typeof settledSchema>): Record<string, SourceCount> {
  const facts = columns.facts().columns
  const weigh = weighing(build, columns, lastAdded(build, columns, 'weight') as Numbers | undefined)
  const sources = byAnyName<ReturnType<typeof emptyCount>>()
  const { outcome, split } = settled.columns
  const [source, license, lang] = [facts.source, facts.license, facts.lang].map(column => textsByRow(column as Utf8, settled.rows))
  for (let i = 0; i < settled.rows; i++) {
    const own = (sources[source(i)] ??= emptyCount())
    own.pairs_in++
    const end = outcomes[outcome.values[i]]
    if (end in LEFT) {
      own[LEFT[end]]++
      count(own.left_licenses, license(i))
      continue
    }
    own[splits[split.values[i]] as 'train' | 'validation']++
    if (end === 'flip') own.flipped++
    own.weight += weigh(i, end === 'flip')
    count(own.licenses, license(i))
    count(own.languages, lang(i))
  }
  return sources
}

/** The text of each row, of a column where few repeat. */
function textsByRow(column: Utf8, rows: number): (row: number) => string {
  const { of, firsts } = textGroups(column, rows)
  const texts = firsts.map(row => stringAt(column, row))
  return row => texts[of[row]]
}

const emptyCount = () => ({
  pairs_in: 0,
  train: 0,
  validation: 0,
  flipped: 0,
  quarantine: 0,
  review: 0,
  dropped: 0,
  weight: 0,
  licenses: byAnyName<number>(),
  languages: byAnyName<number>(),
  left_licenses: byAnyName<number>(),
})

/** Counts of all shards, added in the order of the corpus. */
export function totalSettled(build: Build): Settled {
  const total: { steps: StepCount[]; sources: Record<string, ReturnType<typeof emptyCount>> } = {
    steps: build.steps().map(step => ({ rows_in: 0, dropped: reasonsOf(step).map(() => 0), recalled: {}, unscored: {}, truncated: {} })),
    sources: byAnyName(),
  }
  const judged = new Set<string>()
  for (const shard of build.shards()) {
    const one = build.store.readJson<Settled>(`${settledKey(build, shard)}.counts`)
    for (const [i, step] of one.steps.entries()) {
      total.steps[i].rows_in += step.rows_in
      for (const [r, n] of step.dropped.entries()) total.steps[i].dropped[r] += n
      for (const of of ['recalled', 'unscored', 'truncated'] as const) addTally(total.steps[i][of], step[of])
    }
    for (const pair_id of one.judged) judged.add(pair_id)
    for (const [name, count] of Object.entries(one.sources)) addCounts((total.sources[name] ??= emptyCount()), count)
  }
  return { ...total, judged: [...judged] }
}

function addCounts(into: ReturnType<typeof emptyCount>, from: SourceCount): void {
  for (const key of ['pairs_in', 'train', 'validation', 'flipped', 'quarantine', 'review', 'dropped', 'weight'] as const)
    into[key] += from[key]
  for (const of of ['licenses', 'languages', 'left_licenses'] as const) addTally(into[of], from[of])
}

export const readSettled = (build: Build, shard: Shard): Batch<typeof settledSchema> =>
  build.store.readTable(settledKey(build, shard)) as unknown as Batch<typeof settledSchema>
