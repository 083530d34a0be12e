/** What a stage is. A stage judges and never rewrites: it reads columns and returns columns, and rows that leave. */
import type { z } from 'zod'
import type { Batch, Columns, Field, Ids, Schema } from './batch.ts'
import type { Judged } from './judgement.ts'
import type { Outcome } from './pair.ts'
import type { Embedder, Scorer } from './scorer.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }
export type Awaitable<T> = T | Promise<T>

/** What a stage may know of the whole corpus before it sees a row; the same for every thread and machine. */
export interface Corpus {
  readonly pairs: number
  /** Bytes of text over all pairs. */
  readonly text_bytes: number
  readonly sources: readonly string[]
  /** First ordinal of each shard, and at the end the number of pairs. */
  readonly shard_starts: readonly number[]
}

/** What is known when a config is planned: model names and the columns that earlier steps add. */
export interface Env {
  readonly models: readonly string[]
  /** Models whose scores came with the rows. */
  readonly recorded: readonly string[]
  readonly upstream: Schema
}

/** What a corpus-wide step learnt: `facts` go into the manifest and the report, `state` and `tables` to the judge. */
export interface Summary {
  readonly facts?: Json
  readonly state?: Json
  readonly tables?: Readonly<Record<string, Batch>>
}

/** What people said of pairs, by pair_id. */
export interface JudgedPairs {
  readonly size: number
  /** Of the pair in row i of a column of pair ids. */
  of(ids: Ids, i: number): Judged | undefined
}

/** The only door of a stage to the outside. No clock, no randomness: sampling hashes pair_id with the seed. */
export interface Context {
  readonly seed: number
  readonly env: Env
  readonly corpus: Corpus
  /** Of the previous round of the same step; in `judge`, of the last one. */
  readonly summary: Summary
  /** The bytes of a file that the step's `files` names. */
  file(path: string): Promise<Uint8Array>
  scorer(model: string): Promise<Scorer>
  /** The embedding model in the folder that the step's param `onnx` names. */
  embedder(folder: string): Promise<Embedder>
  /** The judgement log of the config; only for a stage that says `judgements`. */
  readonly judged: JudgedPairs
}

/** The embedder is there for measures that are given a folder. */
export type MeasureContext = Pick<Context, 'file' | 'seed'> & Partial<Pick<Context, 'embedder'>>

/** A pure function of one pair's texts, computed once for all steps that use it, whatever was dropped before. */
export interface Measure<P = unknown> {
  readonly name: string
  readonly version: number
  readonly reads: Schema
  adds(params: P): Schema
  /** Files named by the params, whose digests enter the key. */
  files?(params: P): readonly string[]
  open(params: P, context: MeasureContext): Awaitable<(batch: Batch) => Awaitable<Columns<Schema>>>
}

export interface MeasureUse {
  readonly measure: Measure
  readonly params: Json
}

/** What a partition's rows come to: `returns` has a column `ordinal` and goes back to those pairs, the rest to `combine`. */
export interface Part extends Summary {
  readonly returns?: Batch
}

/**
 * One exchange over the whole corpus: `observe` turns a batch into narrow rows, each with a `partition`; `reduce` sees all rows of one
 * partition; `combine` all parts. Neither may depend on the order of rows or parts, nor on how rows were cut into batches.
 */
export interface Round<P> {
  readonly reads: Declared<P>
  /** Columns of the emitted rows beside `partition` (i32), which `reduce` is told by number. */
  readonly emits: Declared<P>
  /** Columns that `reduce` returns to pairs beside `ordinal` (i32); null for pairs that get nothing. */
  readonly returns?: Declared<P>
  partitions(params: P, corpus: Corpus): number
  /** Whether there is anything to observe, by the judgement log; where not, no pair is read and `combine` gets no parts. Always by default. */
  needed?(judged: JudgedPairs): boolean
  /** By the columns that are not texts, the rows that `observe` gets; all by default. The texts of others are not copied. */
  among?(params: P, context: Context): (batch: Batch) => Int32Array
  observe(params: P, context: Context): Awaitable<(batch: Batch) => Awaitable<Batch>>
  reduce(params: P, context: Context, rows: Batch, partition: number): Awaitable<Part>
  combine(params: P, context: Context, parts: readonly Part[]): Awaitable<Summary>
}

/** A verdict's `leave` for a recalled pair that stays in review. */
export const AWAY = 255

/** A schema, or a function where it depends on the params or on what is configured upstream. */
export type Declared<P> = Schema | ((params: P, env: Env) => Schema)

/** What a stage says about one batch: columns for all its rows; 0 = stays, else 1 + index into the stage's reasons. */
export interface Verdict {
  readonly add?: Readonly<Record<string, Columns<Schema>[string]>>
  readonly leave?: Uint8Array
}

/** What a stage may look at before a run. */
export interface Preview extends Pick<Context, 'file'> {
  /** The config's output.layout. */
  readonly layout: string
  /** As a run would know it, as far as the first rows of the inputs tell which models' scores they bring. */
  env(): Promise<Env>
}

export interface Stage<P = unknown> {
  readonly name: string
  /** One sentence; the reference is generated from it. */
  readonly doc: string
  /** Bump when the same input would give another output. */
  readonly version: number
  readonly params: z.ZodType<P>
  /** Files named by the params, whose digests enter the key. */
  files?(params: P): readonly string[]
  measures?(params: P): readonly MeasureUse[]
  /** Throws a UserError where params do not fit the columns, models or files that are there: found by the plan, not by the run. */
  check?(params: P, preview: Preview): Awaitable<void>
  /** Calls the configured reward models, whose digests then enter the key. */
  readonly models?: true
  /** Reads what people said, whose digest then enters the key; a function where only some params ask for it. */
  readonly judgements?: true | ((params: P) => boolean)
  /**
   * Also judges pairs that an earlier step sent to review (column `recalled`), once there are judgements: 0 takes one back into the stream,
   * AWAY leaves it where it is. Such a pair has nulls in the columns of steps that it did not reach.
   */
  readonly recalls?: true
  /**
   * Also judges pairs that an earlier step sent to review, so that none comes back that this step would not have let pass: those that stay,
   * stay in review. Its rounds see them, too. A stage without rounds that reads facts and texts alone always does.
   */
  readonly looksAtReview?: true
  readonly reads: Declared<P>
  /** Columns of the ledger that this stage fills. */
  readonly adds: Declared<P>
  /** Of the columns it adds, those that are null only where a model failed. */
  scored?(env: Env): readonly string[]
  /** By a column of `scored`, the column (u8) that counts the texts of a pair that the model read in part. */
  cut?(env: Env): Readonly<Record<string, string>>
  /** Why a row may leave, and where it then goes. */
  reasons?(params: P): Readonly<Record<string, Exclude<Outcome, 'keep' | 'flip'>>>
  readonly rounds?: readonly Round<P>[]
  judge(params: P, context: Context): Awaitable<(batch: Batch) => Awaitable<Verdict>>
}

export const schemaOf = <P>(declared: Declared<P>, params: P, env: Env): Schema =>
  typeof declared === 'function' ? declared(params, env) : declared

/** Checks nothing at run time: gives a stage its types. */
export const defineStage = <P>(stage: Stage<P>): Stage<P> => stage
export const defineMeasure = <P extends Json>(measure: Measure<P>): Measure<P> & { with(params: P): MeasureUse } => ({
  ...measure,
  with: params => ({ measure: measure as Measure, params }),
})

/** A short name of a field's type for plans and docs. */
export function typeName(field: Field): string {
  if (typeof field === 'string') return field
  if ('vector' in field) return `f32[${field.vector}]`
  if ('labels' in field) return field.labels.join('|')
  return `list<${Object.entries(field.list)
    .map(([name, child]) => `${name}: ${typeName(child)}`)
    .join(', ')}>`
}
