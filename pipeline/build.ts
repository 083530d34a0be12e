/** A plan at work: what the store holds for it, where each shard lies in the corpus, and the key of everything a task makes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Batch, Schema } from './batch.ts'
import { PendingError } from './errors.ts'
import { lookupOf } from './judgements/lookup.ts'
import { keyOf } from './keys.ts'
import { loadModules, stageOf } from './own-stages.ts'
import type { LocatedPlan, Plan, PlannedInput, PlannedMeasure, PlannedStep } from './plan.ts'
import { envAfter } from './planned-columns.ts'
import { type Corpus, type Declared, type Env, type JudgedPairs, type Stage, schemaOf } from './stage.ts'
import { Store, writeWhole } from './store.ts'
import { tableNames } from './tables.ts'

/** What reading one input came to; the record of an `ingest` task. */
export interface Ingested {
  readonly rows: number
  readonly pairs: number
  readonly rejected: number
  readonly format: string
  readonly sources: readonly string[]
  readonly recorded: readonly string[]
  readonly notes: readonly string[]
  readonly shards: readonly { readonly pairs: number; readonly text_bytes: number; readonly block_rows: readonly number[] }[]
}

/** One shard at its place in the corpus. */
export interface Shard {
  readonly place: number
  readonly input: PlannedInput
  readonly index: number
  readonly key: string
  readonly pairs: number
  /** Rows of each block in which its texts are stored. */
  readonly block_rows: readonly number[]
  readonly text_bytes: number
  /** Ordinal of its first pair. */
  readonly start: number
}

export interface Step extends PlannedStep {
  readonly at: number
  readonly code: Stage
  readonly env: Env
}

export class Build {
  readonly plan: Plan
  readonly paths: Readonly<Record<string, string>>
  readonly store: Store
  /** What people said of pairs. */
  readonly judged: JudgedPairs
  private ingested: readonly Ingested[] | undefined
  private places: readonly Shard[] | undefined
  private resolved: readonly Step[] | undefined

  constructor(located: LocatedPlan, store: Store) {
    this.plan = located.plan
    this.paths = located.paths
    this.judged = lookupOf(located.judged ?? {})
    this.store = store
  }

  static async open(planFile: string, storeRoot: string): Promise<Build> {
    const located = JSON.parse(readFileSync(planFile, 'utf8')) as LocatedPlan
    await loadModules(located.modules)
    return new Build(located, new Store(storeRoot))
  }

  planFile(): string {
    return join(this.store.root, 'plans', `${this.plan.key}.json`)
  }

  /** Puts the plan where every worker finds it; whole or not at all, since another run of the same plan may be reading it. */
  writePlan(located: LocatedPlan): void {
    writeWhole(this.store.root, this.planFile(), JSON.stringify(located))
  }

  /** What every input came to. Known once all are ingested. */
  inputs(): readonly Ingested[] {
    this.ingested ??= this.plan.inputs.map(input => {
      if (!this.store.has(ingestKey(input))) throw new PendingError(`${input.path} is not ingested yet; run its ingest task first`)
      return this.store.readJson<Ingested>(ingestKey(input))
    })
    return this.ingested
  }

  shards(): readonly Shard[] {
    if (this.places) return this.places
    const inputs = this.inputs()
    const places = shardsOf(this.plan.inputs, (_, i) => inputs[i])
    this.places = places
    return places
  }

  private counted: Corpus | undefined
  corpus(): Corpus {
    if (this.counted) return this.counted
    const shards = this.shards()
    const pairs = shards.reduce((n, s) => n + s.pairs, 0)
    const sources = [...new Set(this.inputs().flatMap(i => i.sources))]
    const text_bytes = shards.reduce((n, s) => n + s.text_bytes, 0)
    this.counted = { pairs, text_bytes, sources, shard_starts: [...shards.map(s => s.start), pairs] }
    return this.counted
  }

  steps(): readonly Step[] {
    this.resolved ??= this.resolvedSteps()
    return this.resolved
  }

  private resolvedSteps(): Step[] {
    const recorded = [...new Set(this.inputs().flatMap(i => i.recorded))].sort()
    return this.plan.steps.map((step, at) => ({
      ...step,
      at,
      code: stageOf(step)!,
      env: envAfter(this.plan.steps, at, Object.keys(this.plan.models), recorded),
    }))
  }

  private outcome: string | undefined
  /** Of all that decides where pairs end. Asked for every shard, and made of every input: once. */
  outcomeKey(): string {
    this.outcome ??= keyOf(
      this.plan.steps.at(-1)!.key,
      this.plan.inputs.map(i => i.key),
      this.plan.output.splits,
      this.plan.seed,
      ...(this.plan.judgements ? [this.plan.judgements.digest] : []),
    )
    return this.outcome
  }

  /** The texts of a block of a shard, or of these rows of it alone. */
  texts(shard: Shard, block: number, rows?: Int32Array): Batch {
    const key = textsKey(shard.input, shard.index)
    return rows ? this.store.readRows(key, block, rows) : this.store.readBatch(key, block)
  }
}

/** A shard's texts are stored, read and measured in blocks of about so much. */
export const BLOCK_BYTES = 4 * 2 ** 20

/** The shards of inputs in order, of those that are ingested. */
export function shardsOf(inputs: readonly PlannedInput[], ingested: (input: PlannedInput, i: number) => Ingested | undefined): Shard[] {
  const places: Shard[] = []
  let start = 0
  for (const [i, input] of inputs.entries())
    for (const [index, shard] of (ingested(input, i)?.shards ?? []).entries()) {
      places.push({ ...shard, place: places.length, input, index, key: keyOf(input.key, index), start })
      start += shard.pairs
    }
  return places
}

export const ingestKey = (input: PlannedInput): string => input.key
export const textsKey = (input: PlannedInput, index: number): string => keyOf(input.key, 'texts', index)
export const factsKey = (input: PlannedInput, index: number): string => keyOf(input.key, 'facts', index)
export const rejectsKey = (input: PlannedInput): string => keyOf(input.key, 'rejects')
export const measureKey = (measure: PlannedMeasure, shard: Shard): string => keyOf(measure.key, shard.key)
/** A verdict that knows the corpus belongs to a place in it; another only to the shard. */
const at = (step: PlannedStep, shard: Shard): string => (step.corpus_wide ? `${shard.place} ${shard.key}` : shard.key)
export const verdictKey = (step: PlannedStep, shard: Shard): string => keyOf(step.key, 'verdict', at(step, shard))
export const observedKey = (step: PlannedStep, round: number, shard: Shard): string =>
  keyOf(step.key, 'observed', OBSERVED_VERSION, round, shard.place, shard.key)
export const partKey = (step: PlannedStep, round: number, partition: number): string => keyOf(step.key, 'part', round, partition)
export const summaryKey = (step: PlannedStep, round: number): string => keyOf(step.key, 'summary', round)
export const returnsKey = (step: PlannedStep, round: number, shard: Shard): string =>
  keyOf(step.key, 'returns', round, shard.place, shard.key)
/** The list of shards that a round returned rows to. */
export const returnedKey = (step: PlannedStep, round: number): string => keyOf(step.key, 'returned', round)
export const settledKey = (build: Build, shard: Shard): string =>
  keyOf('settled', SETTLE_VERSION, build.outcomeKey(), shard.place, shard.key)
export const arrangedKey = (build: Build): string => keyOf('arranged', SETTLE_VERSION, build.outcomeKey(), build.plan.output as never)
/** Files depend on everything that is written into them, so on the whole plan but its name and its checks; names of inputs are in two only. */
export const fileKey = (build: Build, folder: number, part: number): string => {
  const named = ['ledger', 'rejects'].includes(tableNames[folder]) ? [build.plan.inputs.map(i => i.path)] : []
  return keyOf('file', FILE_VERSION, arrangedKey(build), folder, part, ...named)
}

/** Bump when observed rows would be stored otherwise. */
const OBSERVED_VERSION = 2
/** Bump when the same verdicts would be settled or arranged otherwise. */
const SETTLE_VERSION = 6
/** Bump when the same rows would be written as other bytes. */
const FILE_VERSION = 3

/** Columns that a declared schema comes to for this step. */
export const declared = (step: Step, schema: Declared<unknown>): Schema => schemaOf(schema, step.params, step.env)

/** How many partitions a round of a step has. */
export const partitionsOf = (build: Build, step: Step, round: number): number =>
  Math.max(1, step.code.rounds![round].partitions(step.params, build.corpus()))
