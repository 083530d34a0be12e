/** Runs one stage over pairs given literally, in memory: measures -> rounds -> judge, as the engine does over a store. */
import { createHash } from 'node:crypto'
import {
  type Batch,
  batchOf,
  beside,
  type Column,
  type Columns,
  concat,
  type Field,
  gather,
  hexAt,
  type Ids,
  isValid,
  type List,
  layoutOf,
  listOf,
  type Numbers,
  nulls,
  roles,
  type Schema,
  select,
  slice,
  stringAt,
  type Turns,
  turnsOf,
  type Utf8,
  utf8Of,
} from '../pipeline/batch.ts'
import { unit } from '../pipeline/kernels/random.ts'
import { type LabelKind, labelKinds, type Outcome, pairFacts, pairTexts, placeFacts, sizeFacts, votes } from '../pipeline/pair.ts'
import type { Scorer } from '../pipeline/scorer.ts'
import { type Context, type Env, type Part, type Round, type Stage, type Summary, schemaOf } from '../pipeline/stage.ts'

export type Text = string | readonly { readonly role: (typeof roles)[number]; readonly content: string }[]

/** A pair as a test writes it; a string is one user turn, or one assistant turn. */
export interface PairInput {
  readonly prompt?: Text
  readonly chosen?: Text
  readonly rejected?: Text
  readonly source?: string
  readonly source_id?: string | null
  readonly license?: string | null
  readonly lang?: string | null
  readonly label_kind?: LabelKind
  readonly priority?: number
  readonly tie?: boolean
  readonly row?: number
  readonly votes?: readonly { readonly annotator: string; readonly vote: (typeof votes)[number] }[]
  readonly scores?: Readonly<Record<string, readonly [number, number]>>
}

export const pairSchema = { ...pairFacts, ...pairTexts, ...sizeFacts, ...placeFacts } as const

/** All columns of the given pairs; ids are hashes of the content, so equal content has equal ids. */
export function pairsOf(inputs: readonly PairInput[]): Batch<typeof pairSchema> {
  const prompts = inputs.map(p => turnsFrom(p.prompt ?? 'p', 'user'))
  const chosen = inputs.map(p => turnsFrom(p.chosen ?? 'c', 'assistant'))
  const rejected = inputs.map(p => turnsFrom(p.rejected ?? 'r', 'assistant'))
  const ids = (of: (i: number) => unknown): Ids => ({ bytes: new Uint8Array(Buffer.concat(inputs.map((_, i) => idOf(of(i))))) })
  const ints = (of: (p: PairInput, i: number) => number): Numbers<Int32Array> => ({ values: Int32Array.from(inputs, of) })
  return batchOf(pairSchema, inputs.length, {
    prompt: turnsColumn(prompts),
    chosen: turnsColumn(chosen),
    rejected: turnsColumn(rejected),
    pair_id: ids(i => [prompts[i], chosen[i], rejected[i]]),
    prompt_id: ids(i => prompts[i]),
    chosen_id: ids(i => chosen[i]),
    rejected_id: ids(i => rejected[i]),
    source: utf8Of(inputs.map(p => p.source ?? 'test')),
    source_id: utf8Of(inputs.map(p => p.source_id ?? null)),
    license: utf8Of(inputs.map(p => p.license ?? null)),
    lang: utf8Of(inputs.map(p => p.lang ?? null)),
    label_kind: { values: Uint8Array.from(inputs, p => labelKinds.indexOf(p.label_kind ?? 'human')) },
    priority: ints(p => p.priority ?? 0),
    tie: { values: Uint8Array.from(inputs, p => (p.tie ? 1 : 0)) },
    row: ints((p, i) => p.row ?? i),
    ordinal: ints((_, i) => i),
    text_bytes: ints((_, i) => bytesOf(prompts[i]) + bytesOf(chosen[i]) + bytesOf(rejected[i])),
    longest_bytes: ints((_, i) => bytesOf(prompts[i]) + Math.max(bytesOf(chosen[i]), bytesOf(rejected[i]))),
    votes: votesColumn(inputs.map(p => p.votes ?? [])),
    scores: scoresColumn(inputs.map(p => Object.entries(p.scores ?? {}))),
  })
}

type TurnInput = { readonly role: (typeof roles)[number]; readonly content: string }

const turnsFrom = (text: Text, role: 'user' | 'assistant'): readonly TurnInput[] =>
  typeof text === 'string' ? [{ role, content: text }] : text

function turnsColumn(rows: readonly (readonly TurnInput[])[]): Turns {
  const turns = rows.flat()
  const role = { values: Uint8Array.from(turns, t => roles.indexOf(t.role)) }
  return listOf(
    rows.map(r => r.length),
    batchOf(turnsOf.list, turns.length, { role, content: utf8Of(turns.map(t => t.content)) }),
  )
}

function votesColumn(rows: readonly NonNullable<PairInput['votes']>[]) {
  const all = rows.flat()
  return listOf(
    rows.map(r => r.length),
    batchOf(pairFacts.votes.list, all.length, {
      annotator: utf8Of(all.map(v => v.annotator)),
      vote: { values: Uint8Array.from(all, v => votes.indexOf(v.vote)) },
    }),
  )
}

function scoresColumn(rows: readonly (readonly [string, readonly [number, number]])[][]) {
  const all = rows.flat()
  return listOf(
    rows.map(r => r.length),
    batchOf(pairFacts.scores.list, all.length, {
      model: utf8Of(all.map(([model]) => model)),
      chosen: { values: Float64Array.from(all, ([, [chosen]]) => chosen) },
      rejected: { values: Float64Array.from(all, ([, [, rejected]]) => rejected) },
    }),
  )
}

const bytesOf = (turns: readonly TurnInput[]): number => turns.reduce((n, turn) => n + Buffer.byteLength(turn.content), 0)

const idOf = (content: unknown): Uint8Array => createHash('sha256').update(JSON.stringify(content)).digest().subarray(0, 16)

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
  readonly scorers?: Readonly<Record<string, Scorer>>
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
  if (options.upstream) pairs = beside(pairs, options.upstream)
  const context = contextOf(pairs, options)
  for (const { measure, params: own } of stage.measures?.(checked) ?? []) {
    const measured = await measure.open(own, context)
    pairs = beside(pairs, await mapBatches(pairs, measure.reads, measure.adds(own), options, async b => measured(b)))
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
    file: async path => {
      const bytes = options.files?.[path]
      if (bytes === undefined) throw new Error(`no file ${path} in this test`)
      return typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes
    },
    scorer: async model => options.scorers![model],
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

/** Fails where a stage or measure gives other columns than it declares, or columns of another length. */
function declared(columns: Readonly<Record<string, Column>>, schema: Schema, rows: number): Batch {
  const given = Object.keys(columns).sort().join(', ')
  const wanted = Object.keys(schema).sort().join(', ')
  if (given !== wanted) throw new Error(`declares columns ${wanted}; gives ${given}`)
  for (const [name, field] of Object.entries(schema))
    if (rowsOf(columns[name], field) !== rows) throw new Error(`column ${name} has ${rowsOf(columns[name], field)} rows of ${rows}`)
  return batchOf(schema, rows, columns as Columns<Schema>)
}

function rowsOf(column: Column, field: Field): number {
  if ('offsets' in column) return column.offsets.length - 1
  if ('starts' in column) return column.starts.length - 1
  return 'values' in column ? column.values.length / layoutOf(field)!.width : column.bytes.length / 16
}

async function exchange<P>(round: Round<P>, params: P, context: Context, pairs: Batch, options: DriveOptions) {
  const emits: Schema = { ...schemaOf(round.emits, params, context.env), partition: 'i32' }
  const observe = await round.observe(params, context)
  const emitted = []
  for (const batch of batchesOf(pairs, schemaOf(round.reads, params, context.env), options)) {
    const rows = await observe(batch)
    emitted.push(declared(rows.columns as Record<string, Column>, emits, rows.rows))
  }
  const partitions = round.partitions(params, context.corpus)
  const parts: Part[] = []
  for (const [partition, rows] of byPartition(concat(emits, emitted), partitions, options))
    parts.push(await round.reduce(params, context, rows, partition))
  const returns = schemaOf(round.returns ?? {}, params, context.env)
  const returned = Object.keys(returns).length > 0 ? beside(pairs, returnedTo(pairs, returns, parts)) : pairs
  return { pairs: returned, summary: await round.combine(params, context, shuffled(parts, options)) }
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
