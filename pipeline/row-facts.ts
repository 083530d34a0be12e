/** What is told of a pair beside its texts: facts, the outcome in words, and what the steps added. */
import { type Batch, type Column, type Field, isValid, type Numbers, pick, type Schema, type Utf8 } from './batch.ts'
import { type Build, declared } from './build.ts'
import { GONE, type ShardColumns } from './columns.ts'
import { BY_PEOPLE, FLIPPED, FLIPPED_BY_PEOPLE, readSettled, reasonsOf, splits, weightAt } from './settle.ts'

/** All narrow columns of a shard's pairs: facts, the outcome in words, and what the steps added. */
export function narrowOf(build: Build, columns: ShardColumns, scale: Readonly<Record<string, number>>): Batch {
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
