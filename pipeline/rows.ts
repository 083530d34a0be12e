/** Whole rows of a finished build, for writing: facts, texts, outcome and every signal, for any list of pairs in any order. */

import { WINDOW_BYTES } from './arrange.ts'
import {
  type Batch,
  beside,
  type Column,
  type Field,
  isValid,
  type Numbers,
  pick,
  rowBytes,
  type Schema,
  select,
  type Utf8,
} from './batch.ts'
import { type Build, declared, type Shard } from './build.ts'
import { GONE, lowerBound, ShardColumns } from './columns.ts'
import { pairTexts } from './pair.ts'
import { FLIPPED, readSettled, reasonsOf, splits, weightAt } from './settle.ts'

/** Narrow columns of how many shards, and bytes of text, a reader keeps: as much as one window of `arrange` spans, and a little more. */
const KEPT_SHARDS = 6
const KEPT_BYTES = 1.25 * WINDOW_BYTES
/** More than a shard has. */
const MOST_BLOCKS = 1 << 20

/** Reads rows of any shard; keeps what it read last. */
export class RowReader {
  private readonly build: Build
  private readonly scale: Readonly<Record<string, number>>
  private readonly shards = new Map<number, Batch>()
  private readonly blocks = new Map<string, Batch>()
  private kept_bytes = 0

  /** `scale`: by what the weights of a source are multiplied, so that their mean over its kept pairs is 1. */
  constructor(build: Build, scale: Readonly<Record<string, number>>) {
    this.build = build
    this.scale = scale
  }

  /** The named narrow columns of these pairs, and their texts if `texts`, in the order given. */
  read(ordinals: Int32Array, names: ReadonlySet<string>, texts: boolean): Batch {
    const { shards, which, rows } = this.placesOf(ordinals)
    const all = shards.map(shard => this.narrow(shard))
    const wanted = Object.keys(all[0].schema).filter(name => names.has(name))
    const narrow = pick(
      select(all[0], wanted).schema,
      all.map(batch => select(batch, wanted)),
      which,
      rows,
    )
    return texts ? beside(narrow, this.textsAt(shards, which, rows)) : narrow
  }

  /** The shards that hold the pairs, and for each pair which of them and the row there. */
  private placesOf(ordinals: Int32Array): Places {
    const found = new Map<Shard, number>()
    const which = new Int32Array(ordinals.length)
    const rows = new Int32Array(ordinals.length)
    let shard = this.shardOf(ordinals[0])
    for (let i = 0; i < ordinals.length; i++) {
      const ordinal = ordinals[i]
      if (ordinal < shard.start || ordinal >= shard.start + shard.pairs) shard = this.shardOf(ordinal)
      which[i] = placeIn(found, shard)
      rows[i] = ordinal - shard.start
    }
    return { shards: [...found.keys()], which, rows }
  }

  private shardOf(ordinal: number): Shard {
    const shards = this.build.shards()
    return shards[lowerBound(this.starts(), ordinal + 1) - 1] ?? shards[0]
  }

  private startsOfShards: Int32Array | undefined
  private starts(): Int32Array {
    this.startsOfShards ??= Int32Array.from(this.build.shards(), shard => shard.start)
    return this.startsOfShards
  }

  private narrow(shard: Shard): Batch {
    const kept = this.shards.get(shard.place)
    if (kept) return kept
    const narrow = narrowOf(this.build, new ShardColumns(this.build, shard), this.scale)
    if (this.shards.size >= KEPT_SHARDS) this.shards.delete(this.shards.keys().next().value!)
    this.shards.set(shard.place, narrow)
    return narrow
  }

  /** The texts of rows of shards, each block opened once. */
  private textsAt(shards: readonly Shard[], which: Int32Array, rows: Int32Array): Batch {
    const ends = shards.map(blockEnds)
    const found = new Map<number, number>()
    const blocks: Batch[] = []
    const whichBlock = new Int32Array(rows.length)
    const rowThere = new Int32Array(rows.length)
    for (let i = 0; i < rows.length; i++) {
      const end = ends[which[i]]
      const block = lowerBound(end, rows[i] + 1)
      const place = placeIn(found, which[i] * MOST_BLOCKS + block)
      if (place === blocks.length) blocks.push(this.block(shards[which[i]], block))
      whichBlock[i] = place
      rowThere[i] = rows[i] - (block === 0 ? 0 : end[block - 1])
    }
    return pick<Schema>(pairTexts, blocks, whichBlock, rowThere)
  }

  private block(shard: Shard, i: number): Batch {
    const name = `${shard.place}/${i}`
    const kept = this.blocks.get(name)
    if (kept) return kept
    const block = this.build.texts(shard, i)
    for (const [oldest, batch] of this.blocks) {
      if (this.kept_bytes < KEPT_BYTES) break
      this.blocks.delete(oldest)
      this.kept_bytes -= sizeOf(batch)
    }
    this.blocks.set(name, block)
    this.kept_bytes += sizeOf(block)
    return block
  }
}

const sizeOf = (texts: Batch): number => rowBytes(texts).reduce((a, b) => a + b, 0)

interface Places {
  readonly shards: readonly Shard[]
  readonly which: Int32Array
  readonly rows: Int32Array
}

/** The number of a thing in the order in which things were first asked for. */
function placeIn<T>(found: Map<T, number>, thing: T): number {
  let place = found.get(thing)
  if (place === undefined) found.set(thing, (place = found.size))
  return place
}

/** The row after the last one of each block. */
function blockEnds({ block_rows }: Shard): Int32Array {
  const ends = new Int32Array(block_rows.length)
  for (let i = 0, end = 0; i < ends.length; i++) ends[i] = end += block_rows[i]
  return ends
}

/** All narrow columns of a shard's pairs: facts, the outcome in words, and what the steps added. */
function narrowOf(build: Build, columns: ShardColumns, scale: Readonly<Record<string, number>>): Batch {
  const facts = columns.facts()
  const { shard } = columns
  const settled = readSettled(build, shard).columns
  const { step: stepWords, reason: reasonWords } = wordsOf(build)
  const reasons = reasonWords.labels
  const named = build.steps().map(step => reasonsOf(step).map(([reason]) => reasons.indexOf(reason)))
  const decided = settled.step.values.map(step => (step === GONE ? 0 : 1))
  const why = settled.step.values.map((step, i) =>
    step === GONE ? 0 : settled.reason.values[i] === GONE ? reasons.length - 1 : named[step][settled.reason.values[i]],
  )
  const schema: Record<string, Field> = {
    ...facts.schema,
    file: 'utf8',
    outcome: readSettled(build, shard).schema.outcome,
    split: { labels: splits },
    step: stepWords,
    reason: reasonWords,
    flipped: 'u8',
  }
  const all: Record<string, Column> = {
    ...facts.columns,
    file: repeated(shard.input.path, shard.pairs),
    outcome: settled.outcome,
    split: { values: settled.split.values, valid: settled.split.values.map(s => (s === 0 ? 0 : 1)) },
    step: { values: settled.step.values.map(s => (s === GONE ? 0 : s)), valid: decided },
    reason: { values: why, valid: decided },
    flipped: { values: settled.outcome.values.map(o => (o === 1 ? 1 : 0)) },
  }
  for (const [name, field] of Object.entries(addedBy(build))) {
    schema[name] = field
    all[name] = coalesced(build, columns, name)
  }
  schema.weight = 'f32'
  const weight = scaled(all.weight as Numbers | undefined, facts.columns.source as Utf8, shard.pairs, scale)
  all.weight = { ...weight, valid: all.split.valid }
  return { schema, rows: shard.pairs, columns: all }
}

/** The names behind the ledger's columns `step` and `reason`. */
export function wordsOf(build: Build): { readonly step: { labels: readonly string[] }; readonly reason: { labels: readonly string[] } } {
  const steps = build.steps()
  const reasons = new Set([...steps.flatMap(step => reasonsOf(step).map(([reason]) => reason)), FLIPPED])
  return { step: { labels: steps.map(step => step.id) }, reason: { labels: [...reasons] } }
}

/** Every column that the steps add to the ledger. */
export function addedBy(build: Build): Schema {
  return Object.assign({}, ...build.steps().map(step => declared(step, step.code.adds))) as Schema
}

/** A column as the steps left it: the value of the last step that gave one. */
function coalesced(build: Build, columns: ShardColumns, name: string): Column {
  const tables = build
    .steps()
    .filter(step => name in declared(step, step.code.adds))
    .map(step => columns.verdict(step))
  let column = tables[0].columns[name]
  for (const table of tables.slice(1)) {
    const later = table.columns[name]
    if (!later.valid) column = later
    else column = merged(table.schema[name], column, later, table.rows)
  }
  return column
}

/** `later` where it has a value, `earlier` elsewhere. */
function merged(field: Field, earlier: Column, later: Column, rows: number): Column {
  const schema: Schema = { column: field }
  const which = new Int32Array(rows)
  const index = new Int32Array(rows)
  for (let i = 0; i < rows; i++) {
    which[i] = isValid(later, i) ? 1 : 0
    index[i] = i
  }
  const both = [earlier, later].map(column => ({ schema, rows, columns: { column } }))
  return pick<Schema>(schema, both, which, index).columns.column
}

/** A text column that says the same in every row. */
export function repeated(text: string, rows: number): Utf8 {
  const one = new TextEncoder().encode(text)
  const bytes = new Uint8Array(one.length * rows)
  for (let i = 0; i < rows; i++) bytes.set(one, i * one.length)
  return { bytes, offsets: Int32Array.from({ length: rows + 1 }, (_, i) => i * one.length) }
}

function scaled(weight: Numbers | undefined, source: Utf8, rows: number, scale: Readonly<Record<string, number>>): Numbers {
  const decoder = new TextDecoder()
  let last = ''
  let from = -1
  return {
    values: Float32Array.from({ length: rows }, (_, i) => {
      if (from < 0 || !sameText(source, from, i)) last = decoder.decode(source.bytes.subarray(source.offsets[i], source.offsets[i + 1]))
      from = i
      return weightAt(weight, i) * (scale[last] ?? 1)
    }),
  }
}

function sameText({ bytes, offsets }: Utf8, a: number, b: number): boolean {
  const length = offsets[a + 1] - offsets[a]
  if (offsets[b + 1] - offsets[b] !== length) return false
  for (let k = 0; k < length; k++) if (bytes[offsets[a] + k] !== bytes[offsets[b] + k]) return false
  return true
}
