/** A plan at work: what the store holds for it, where each shard lies in the corpus, and the key of everything a task makes. */
import { join } from 'node:path'
import type { Batch, Schema } from './batch.ts'
import type { Part } from './codecs/row-source.ts'
import { PendingError } from './errors.ts'
import { lookupOf } from './judgements/lookup.ts'
import { keyOf } from './keys.ts'
import { loadModules, stageOf } from './own-stages.ts'
import { pairFacts, pairTexts, placeFacts, sizeFacts } from './pair.ts'
import type { LocatedPlan, Plan, PlannedInput, PlannedMeasure, PlannedStep } from './plan.ts'
import { readPlan } from './plan-file.ts'
import { envAfter } from './planned-columns.ts'
import { type Corpus, type Declared, type Env, type JudgedPairs, type Stage, schemaOf } from './stage.ts'
import { Store, writeWhole } from './store.ts'
import { tableNames } from './tables.ts'

/** What one ingest task reads: an input file, or a part of a large one. */
export interface Piece extends PlannedInput {
  readonly part?: Part
}

/** What reading one piece came to; the record of an `ingest` task. */
export interface Ingested {
  readonly rows: number
  readonly pairs: number
  readonly rejected: number
  readonly format: string
  readonly sources: readonly string[]
  readonly recorded: readonly string[]
  readonly surrogates: number
  readonly odd_scores: number
  readonly ranked_by: readonly string[]
  readonly shards: readonly { readonly pairs: number; readonly text_bytes: number; readonly block_rows: readonly number[] }[]
}

/** One shard at its place in the corpus. */
export interface Shard {
  readonly place: number
  readonly input: Piece
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
  readonly part_bytes: number
  readonly window_bytes: number
  private ingested: readonly Ingested[] | undefined
  private places: readonly Shard[] | undefined
  private resolved: readonly Step[] | undefined

  constructor(located: LocatedPlan, store: Store) {
    this.plan = located.plan
    this.paths = located.paths
    this.judged = lookupOf(located.judged ?? {})
    this.part_bytes = located.sizes?.part_bytes ?? PART_BYTES
    this.window_bytes = located.sizes?.window_bytes ?? WINDOW_BYTES
    this.store = store
  }

  static async open(planFile: string, storeRoot: string): Promise<Build> {
    const located = readPlan(planFile)
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

  /** Inputs that are cut into parts, so that several workers read them; one of which the first rows are wanted is not. */
  large(): number[] {
    return Array.from(this.plan.inputs.keys()).filter(i => this.isLarge(this.plan.inputs[i]))
  }

  private isLarge({ bytes, limit }: PlannedInput): boolean {
    return bytes >= 2 * this.part_bytes && limit === undefined
  }

  /** Whether every large input is cut. */
  isCut(): boolean {
    return this.large().every(i => this.store.has(partsKey(this, i)))
  }

  /** What the ingest tasks read of input `i`: parts of it if it is cut, else all. */
  piecesOf(i: number): Piece[] {
    const input = this.plan.inputs[i]
    const cut = this.isLarge(input) && this.store.has(partsKey(this, i))
    const parts = cut ? this.store.readJson<Part[]>(partsKey(this, i)) : []
    return parts.length < 2 ? [input] : parts.map(part => ({ ...input, part, key: keyOf(input.key, 'part', { ...part }) }))
  }

  private cut: readonly Piece[] | undefined
  /** What the ingest tasks read, in order. Known once large inputs are cut. */
  pieces(): readonly Piece[] {
    if (!this.isCut()) throw new PendingError('large inputs are not cut into parts yet; run their cut tasks first')
    this.cut ??= Array.from(this.plan.inputs.keys()).flatMap(i => this.piecesOf(i))
    return this.cut
  }

  /** What every piece came to. Known once all are ingested. */
  ingests(): readonly Ingested[] {
    this.ingested ??= this.pieces().map(piece => {
      if (!this.store.has(ingestKey(piece))) throw new PendingError(`${piece.path} is not ingested yet; run its ingest task first`)
      return this.store.readJson<Ingested>(ingestKey(piece))
    })
    return this.ingested
  }

  shards(): readonly Shard[] {
    if (this.places) return this.places
    const ingests = this.ingests()
    const places = shardsOf(this.pieces(), (_, i) => ingests[i])
    this.places = places
    return places
  }

  private counted: Corpus | undefined
  corpus(): Corpus {
    if (this.counted) return this.counted
    const shards = this.shards()
    const pairs = shards.reduce((n, s) => n + s.pairs, 0)
    const sources = [...new Set(this.ingests().flatMap(i => i.sources))]
    const text_bytes = shards.reduce((n, s) => n + s.text_bytes, 0)
    this.counted = { pairs, text_bytes, sources, shard_starts: [...shards.map(s => s.start), pairs] }
    return this.counted
  }

  steps(): readonly Step[] {
    this.resolved ??= this.resolvedSteps()
    return this.resolved
  }

  private resolvedSteps(): Step[] {
    const recorded = [...new Set(this.ingests().flatMap(i => i.recorded))].sort()
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

/**
 * Pairs of one prompt are put together within this much text of the input: dictionaries of Parquet pages then hold a prompt once, and a
 * reader that keeps one window in memory hardly reads a block twice, however far apart a corpus strews the pairs of a prompt.
 */
export const WINDOW_BYTES = 64 * 2 ** 20

/** A file from twice as much on is read in parts of about so much. */
export const PART_BYTES = 128 * 2 ** 20

/** The shards of pieces in order, of those that are ingested. */
export function shardsOf(pieces: readonly Piece[], ingested: (piece: Piece, i: number) => Ingested | undefined): Shard[] {
  const places: Shard[] = []
  let start = 0
  for (const [i, input] of pieces.entries())
    for (const [index, shard] of (ingested(input, i)?.shards ?? []).entries()) {
      places.push({ ...shard, place: places.length, input, index, key: keyOf(input.key, index), start })
      start += shard.pairs
    }
  return places
}

/** How a file is cut follows from its bytes. */
export const partsKey = ({ plan, part_bytes }: Build, i: number): string => keyOf('parts', PARTS_VERSION, plan.inputs[i].sha256, part_bytes)
export const ingestKey = (piece: Piece): string => piece.key
export const textsKey = (piece: Piece, index: number): string => keyOf(piece.key, 'texts', index)
export const factsKey = (piece: Piece, index: number): string => keyOf(piece.key, 'facts', index)
export const rejectsKey = (piece: Piece): string => keyOf(piece.key, 'rejects')
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

/** Bump when files would be cut elsewhere. */
const PARTS_VERSION = 1
/** Bump when observed rows would be stored otherwise. */
const OBSERVED_VERSION = 3
/** Bump when the same verdicts would be settled or arranged otherwise. */
const SETTLE_VERSION = 7
/** Bump when the same rows would be written as other bytes. */
export const FILE_VERSION = 4

/** Columns that a declared schema comes to for this step. */
export const declared = (step: Step, schema: Declared<unknown>): Schema => schemaOf(schema, step.params, step.env)

const AS_IT_CAME: Schema = { ...pairFacts, ...pairTexts, ...sizeFacts, ...placeFacts }

/** Whether a step also judges pairs in review: those that it takes back, or those that it lets stay there. */
export function looksAtReview(build: Build, step: Step): boolean {
  const { recalls, looksAtReview: always, rounds } = step.code
  if (recalls) return build.judged.size > 0
  if (always) return true
  const own = (step.code.measures?.(step.params) ?? []).map(({ measure, params }) => measure.adds(params))
  const known = Object.assign({}, AS_IT_CAME, ...own) as Schema
  return !rounds && !step.code.models && Object.keys(declared(step, step.code.reads)).every(name => name in known)
}

/** How many partitions a round of a step has; 0 where it has nothing to observe. */
export function partitionsOf(build: Build, step: Step, round: number): number {
  const code = step.code.rounds![round]
  if (code.needed?.(build.judged) === false) return 0
  return Math.max(1, code.partitions(step.params, build.corpus()))
}
