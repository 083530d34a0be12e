/** Whole rows of a finished build, for writing: facts, texts, outcome and every signal, for any list of pairs in any order. */

import { WINDOW_BYTES } from './arrange.ts'
import {
  type Batch,
  beside,
  type Column,
  concat,
  type Field,
  gather,
  isValid,
  type Numbers,
  rowBytes,
  type Schema,
  select,
  type Utf8,
} from './batch.ts'
import { type Build, declared, type Shard } from './build.ts'
import { GONE, lowerBound, ShardColumns } from './columns.ts'
import { pairTexts } from './pair.ts'
import { BY_PEOPLE, FLIPPED, FLIPPED_BY_PEOPLE, readSettled, reasonsOf, splits, weightAt } from './settle.ts'

/** Narrow columns of how many shards, and bytes of text, a reader keeps: as much as one window of `arrange` spans, and a little more. */
const KEPT_SHARDS = 6
const KEPT_BYTES = 1.25 * WINDOW_BYTES

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

  /** The named narrow columns of these pairs, and their texts if `texts`, in the order given. Each shard and block is opened once. */
  read(ordinals: Int32Array, names: ReadonlySet<string>, texts: boolean): Batch {
    const sorted = ordinals.toSorted()
    const pieces = this.byShard(sorted).map(({ shard, rows }) => {
      const all = this.narrow(shard)
      const wanted = Object.keys(all.schema).filter(name => names.has(name))
      const narrow = gather(select(all, wanted), rows)
      return texts ? beside(narrow, this.textsOf(shard, rows)) : narrow
    })
    const all = concat(pieces[0].schema, pieces)
    return ordinals.every((o, i) => o === sorted[i]) ? all : gather(all, places(ordinals, sorted))
  }

  /** Cuts the ascending list where the shard changes. */
  private byShard(ordinals: Int32Array): { shard: Shard; rows: Int32Array }[] {
    const runs: { shard: Shard; rows: Int32Array }[] = []
    for (let from = 0; from < ordinals.length; ) {
      const shard = this.shardOf(ordinals[from])
      const to = lowerBound(ordinals, shard.start + shard.pairs)
      runs.push({ shard, rows: ordinals.slice(from, to).map(o => o - shard.start) })
      from = to
    }
    return runs
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

  private textsOf(shard: Shard, rows: Int32Array): Batch {
    const pieces: Batch[] = []
    let from = 0
    let first = 0
    for (const [i, count] of shard.block_rows.entries()) {
      const to = lowerBound(rows, first + count)
      if (to > from)
        pieces.push(
          gather(
            this.block(shard, i),
            rows.slice(from, to).map(row => row - first),
          ),
        )
      from = to
      first += count
    }
    return concat<Schema>(pairTexts, pieces)
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

/** Where each of `wanted` stands in the ascending list. */
const places = (wanted: Int32Array, sorted: Int32Array): Int32Array => wanted.map(o => lowerBound(sorted, o))

/** All narrow columns of a shard's pairs: facts, the outcome in words, and what the steps added. */
function narrowOf(build: Build, columns: ShardColumns, scale: Readonly<Record<string, number>>): Batch {
  const facts = columns.facts()
  const { shard } = columns
  const settled = readSettled(build, shard).columns
  const { step: stepWords, reason: reasonWords } = wordsOf(build)
  const reasons = reasonWords.labels
  const named = build.steps().map(step => reasonsOf(step).map(([reason]) => reasons.indexOf(reason)))
  const decided = settled.step.values.map(step => (step === GONE ? 0 : 1))
  const why = settled.step.values.map((step, i) => (step === GONE ? 0 : wordAt(settled.reason.values[i], named[step], reasons)))
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

function wordAt(reason: number, named: readonly number[], reasons: readonly string[]): number {
  if (reason === GONE) return reasons.indexOf(FLIPPED)
  return reason === BY_PEOPLE ? reasons.indexOf(FLIPPED_BY_PEOPLE) : named[reason]
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
  const both = concat(schema, [
    { schema, rows, columns: { column: earlier } },
    { schema, rows, columns: { column: later } },
  ])
  return gather(
    both,
    Int32Array.from({ length: rows }, (_, i) => (isValid(later, i) ? rows + i : i)),
  ).columns.column
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
