/** Runs one stage over pairs given literally, in memory: measures -> rounds -> judge, as the engine does over a store. */
import {
  type Batch,
  batchOf,
  beside,
  type Column,
  type Columns,
  type Field,
  hexAt,
  type Ids,
  isValid,
  type List,
  type Numbers,
  nulls,
  type Schema,
  select,
  slice,
  stringAt,
  type Turns,
  type Utf8,
} from '../batch.ts'
import { concat } from '../concat.ts'
import { gather } from '../gather.ts'
import type { Judged } from '../judgement.ts'
import { lookupOf } from '../judgements/lookup.ts'
import { unit } from '../kernels/random.ts'
import { type Outcome, pairTexts, recallFacts } from '../pair.ts'
import type { Embedder, Scorer } from '../scorer.ts'
import { AWAY, type Context, type Env, type Part, type Round, type Stage, type Summary, schemaOf } from '../stage.ts'
import { type PairInput, pairsOf } from './pairs.ts'
import { declared } from './shape.ts'

export { type PairInput, pairSchema, pairsOf, type Text } from './pairs.ts'

export interface DriveOptions {
  /** Rows a batch; all in one by default. */
  readonly batch_rows?: number
  /** Shuffles emitted rows, returned rows and parts. */
  readonly shuffle_seed?: number
  readonly seed?: number
  readonly models?: readonly string[]
  readonly recorded?: readonly string[]
  /** Columns that earlier steps would have added, one row a pair. */
  readonly upstream?: Batch
  readonly files?: Readonly<Record<string, string | Uint8Array>>
  /** What people said, by pair_id. */
  readonly judged?: Readonly<Record<string, Judged>>
  /** Rows that an earlier step sent to review. */
  readonly recalled?: readonly number[]
  readonly scorers?: Readonly<Record<string, Scorer>>
  readonly embedders?: Readonly<Record<string, Embedder>>
}

export interface Driven {
  /** What the stage said of each pair: the added columns as plain values, and why it left, if it did. */
  readonly verdicts: readonly PairVerdict[]
  /** The added columns. */
  readonly adds: Batch
  /** Of the last round. */
  readonly summary: Summary
  /** The pairs with measures and returned columns beside. */
  readonly pairs: Batch
}

export interface PairVerdict {
  readonly reason: string | null
  readonly outcome: Outcome | 'stay'
  readonly add: Readonly<Record<string, unknown>>
}

/** Params go through the stage's schema, so defaults apply. */
export async function driveStage<P>(
  stage: Stage<P>,
  params: unknown,
  input: readonly PairInput[] | Batch,
  options: DriveOptions = {},
): Promise<Driven> {
  const checked = stage.params.parse(params)
  let pairs: Batch = 'columns' in input ? input : (pairsOf(input) as unknown as Batch)
  const recalled = { values: Uint8Array.from({ length: pairs.rows }, (_, i) => (options.recalled?.includes(i) ? 1 : 0)) }
  if (stage.recalls || stage.looksAtReview) pairs = beside(pairs, batchOf(recallFacts, pairs.rows, { recalled }) as unknown as Batch)
  if (options.upstream) pairs = beside(pairs, options.upstream)
  const context = contextOf(pairs, options)
  for (const { measure, params: own } of stage.measures?.(checked) ?? []) {
    const measured = await measure.open(own, context)
    pairs = beside(pairs, await mapBatches(pairs, measure.reads, measure.adds(own), options, async b => await measured(b)))
  }
  let summary: Summary = {}
  for (const round of stage.rounds ?? []) {
    const exchanged = await exchange(round, checked, { ...context, summary }, pairs, options)
    pairs = exchanged.pairs
    summary = exchanged.summary
  }
  const judged = await judge(stage, checked, { ...context, summary }, pairs, options)
  return { ...judged, summary, pairs }
}

function contextOf(pairs: Batch, options: DriveOptions): Context {
  const source = pairs.columns.source as Utf8
  const sources = [...new Set(Array.from({ length: pairs.rows }, (_, i) => stringAt(source, i)))]
  const texts = Object.keys(pairTexts).map(name => (pairs.columns[name] as unknown as Turns).items.columns.content.bytes.length)
  const env: Env = { models: options.models ?? [], recorded: options.recorded ?? [], upstream: options.upstream?.schema ?? {} }
  return {
    seed: options.seed ?? 42,
    env,
    corpus: { pairs: pairs.rows, text_bytes: texts.reduce((a, b) => a + b, 0), sources, shard_starts: [0, pairs.rows] },
    summary: {},
    judged: lookupOf(options.judged ?? {}),
    file: async path => {
      const bytes = options.files?.[path]
      if (bytes === undefined) throw new Error(`no file ${path} in this test`)
      return typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes
    },
    scorer: async model => options.scorers![model],
    embedder: async folder => options.embedders![folder],
  }
}

function batchesOf(pairs: Batch, reads: Schema, options: DriveOptions): Batch[] {
  const missing = Object.keys(reads).filter(name => !(name in pairs.columns))
  if (missing.length > 0) throw new Error(`reads ${missing.join(', ')}, which nothing adds; give it as upstream`)
  const narrow = select(pairs, Object.keys(reads))
  const step = options.batch_rows ?? Math.max(1, pairs.rows)
  const batches = []
  for (let from = 0; from < pairs.rows; from += step) batches.push(slice(narrow, from, Math.min(pairs.rows, from + step)))
  return batches
}

async function mapBatches(
  pairs: Batch,
  reads: Schema,
  adds: Schema,
  options: DriveOptions,
  f: (batch: Batch) => Promise<Readonly<Record<string, Column>>>,
): Promise<Batch> {
  const out = []
  for (const batch of batchesOf(pairs, reads, options)) out.push(declared(await f(batch), adds, batch.rows))
  return concat(adds, out)
}

async function exchange<P>(round: Round<P>, params: P, context: Context, pairs: Batch, options: DriveOptions) {
  const emits: Schema = { ...schemaOf(round.emits, params, context.env), partition: 'i32' }
  const emitted = round.needed?.(context.judged) === false ? [] : await observed(round, params, context, pairs, emits, options)
  const partitions = round.partitions(params, context.corpus)
  const parts: Part[] = []
  for (const [partition, rows] of byPartition(concat(emits, emitted), partitions, options))
    parts.push(await round.reduce(params, context, select(rows, Object.keys(schemaOf(round.emits, params, context.env))), partition))
  const returns = schemaOf(round.returns ?? {}, params, context.env)
  const returned = Object.keys(returns).length > 0 ? beside(pairs, returnedTo(pairs, returns, parts)) : pairs
  return { pairs: returned, summary: await round.combine(params, context, shuffled(parts, options)) }
}

async function observed<P>(round: Round<P>, params: P, context: Context, pairs: Batch, emits: Schema, options: DriveOptions) {
  const observe = await round.observe(params, context)
  const among = round.among?.(params, context)
  const emitted = []
  for (const batch of batchesOf(pairs, schemaOf(round.reads, params, context.env), options)) {
    const narrow = Object.keys(batch.schema).filter(name => !(name in pairTexts))
    const rows = await observe(among ? gather(batch, among(select(batch, narrow))) : batch)
    emitted.push(declared(rows.columns as Record<string, Column>, emits, rows.rows))
  }
  return emitted
}

function byPartition(rows: Batch, partitions: number, options: DriveOptions): Map<number, Batch> {
  const partition = (rows.columns.partition as unknown as Numbers).values
  const groups = new Map<number, number[]>()
  for (const i of shuffled([...Array(rows.rows).keys()], options)) {
    if (partition[i] < 0 || partition[i] >= partitions) throw new Error(`partition ${partition[i]} of ${partitions}`)
    const group = groups.get(partition[i])
    if (group) group.push(i)
    else groups.set(partition[i], [i])
  }
  return new Map(shuffled([...groups], options).map(([p, index]) => [p, gather(rows, Int32Array.from(index))]))
}

function returnedTo(pairs: Batch, schema: Schema, parts: readonly Part[]): Batch {
  const place = new Map(Array.from((pairs.columns.ordinal as unknown as Numbers).values, (ordinal, i) => [ordinal, i]))
  const withOrdinal: Schema = { ...schema, ordinal: 'i32' }
  const batches = parts.flatMap(part =>
    part.returns ? [declared(part.returns.columns as Record<string, Column>, withOrdinal, part.returns.rows)] : [],
  )
  const index = new Int32Array(pairs.rows).fill(-1)
  if (batches.length === 0) return batchOf(schema, pairs.rows, nullColumns(schema, pairs.rows))
  const all = concat(withOrdinal, batches)
  ;(all.columns.ordinal as Numbers).values.forEach((ordinal, row) => {
    const i = place.get(ordinal)
    if (i === undefined || index[i] >= 0) throw new Error(`returns ordinal ${ordinal} ${i === undefined ? 'of no pair' : 'twice'}`)
    index[i] = row
  })
  return gather(select(all, Object.keys(schema)), index)
}

const nullColumns = (schema: Schema, rows: number): Columns<Schema> =>
  Object.fromEntries(Object.entries(schema).map(([name, field]) => [name, nulls(field, rows)])) as unknown as Columns<Schema>

function shuffled<T>(items: T[], { shuffle_seed }: DriveOptions): T[] {
  if (shuffle_seed === undefined) return items
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(unit(shuffle_seed, i, out.length) * (i + 1))
    ;[out[i], out[j]] = [out[j], out[i]]
  }
  return out
}

async function judge<P>(stage: Stage<P>, params: P, context: Context, pairs: Batch, options: DriveOptions) {
  const judging = await stage.judge(params, context)
  const schema = schemaOf(stage.adds, params, context.env)
  const reasons = Object.entries(stage.reasons?.(params) ?? {})
  const leaving: number[] = []
  const adds = await mapBatches(pairs, schemaOf(stage.reads, params, context.env), schema, options, async batch => {
    const { add, leave } = await judging(batch)
    if (leave && leave.length !== batch.rows) throw new Error(`leave has ${leave.length} rows of ${batch.rows}`)
    leaving.push(...(leave ?? new Uint8Array(batch.rows)))
    return (add ?? {}) as Record<string, Column>
  })
  const verdicts = leaving.map((code, i): PairVerdict => {
    if (code === AWAY) return { reason: 'away', outcome: 'review', add: rowAt(adds, i) }
    if (code > reasons.length) throw new Error(`reason code ${code} of ${reasons.length}`)
    const [reason, outcome] = code > 0 ? reasons[code - 1] : [null, 'stay' as const]
    return { reason, outcome, add: rowAt(adds, i) }
  })
  return { verdicts, adds }
}

/** A row as plain values: ids as hex, labels by name, lists as arrays of rows, null for null. */
export function rowAt(batch: Batch, i: number): Record<string, unknown> {
  return Object.fromEntries(Object.entries(batch.schema).map(([name, field]) => [name, valueAt(batch.columns[name] as Column, field, i)]))
}

function valueAt(column: Column, field: Field, i: number): unknown {
  if (!isValid(column, i)) return null
  if (field === 'utf8') return stringAt(column as Utf8, i)
  if (field === 'id') return hexAt(column as Ids, i)
  if (typeof field === 'object' && 'list' in field) return listAt(column as List, i)
  const { values } = column as Numbers
  if (typeof field === 'object' && 'labels' in field) return field.labels[values[i]]
  if (typeof field === 'object') return [...values.subarray(i * field.vector, (i + 1) * field.vector)]
  return values[i]
}

const listAt = ({ starts, items }: List, i: number): unknown[] =>
  Array.from({ length: starts[i + 1] - starts[i] }, (_, k) => rowAt(items, starts[i] + k))
