/** What is told of a pair beside its texts: facts, the outcome in words, and what the steps added. */
import { type Batch, type Column, type Field, isValid, type Numbers, type Schema, stringAt, type Utf8 } from './batch.ts'
import { type Build, declared } from './build.ts'
import { GONE, type ShardColumns } from './columns.ts'
import { BY_PEOPLE } from './ends.ts'
import { pick } from './gather.ts'
import { textGroups } from './kernels/text-groups.ts'
import { lazyColumns } from './lazy-columns.ts'
import { outcomes } from './pair.ts'
import { FLIPPED, FLIPPED_BY_PEOPLE, readSettled, reasonsOf, splits } from './settle.ts'
import { weighing } from './weights.ts'

/** All narrow columns of a shard's pairs: facts, the outcome in words, and what the steps added. */
export function narrowOf(build: Build, columns: ShardColumns, scale: Readonly<Record<string, number>>): Batch {
  const facts = columns.facts()
  const { shard } = columns
  const settled = readSettled(build, shard)
  const { step, reason } = wordsOf(build)
  const added = addedBy(build)
  const outcome = { outcome: settled.schema.outcome, split: { labels: splits }, step, reason, flipped: 'u8' } as const
  const schema: Schema = { ...facts.schema, file: 'utf8', ...outcome, ...added, weight: 'f32' }
  const makers: Record<string, () => Column> = {
    file: () => repeated(shard.input.path, shard.pairs),
    ...outcomeMakers(build, settled.columns, reason.labels),
  }
  for (const name of Object.keys(facts.schema)) makers[name] = () => facts.columns[name]
  for (const name of Object.keys(added)) makers[name] = () => coalesced(build, columns, name)
  const { weight } = makers
  makers.weight = () => {
    const weigh = weighing(build, columns, weight?.() as Numbers | undefined)
    const { values: ends } = settled.columns.outcome
    return {
      values: scaled(i => weigh(i, outcomes[ends[i]] === 'flip'), facts.columns.source as Utf8, shard.pairs, scale),
      valid: inSplit(settled.columns),
    }
  }
  return { schema, rows: shard.pairs, columns: lazyColumns(makers) }
}

type Settled = ReturnType<typeof readSettled>['columns']

const inSplit = ({ split }: Settled): Uint8Array => split.values.map(s => (s === 0 ? 0 : 1))

function outcomeMakers(build: Build, settled: Settled, reasons: readonly string[]): Record<string, () => Column> {
  const named = build.steps().map(step => reasonsOf(step).map(([reason]) => reasons.indexOf(reason)))
  const decided = (): Uint8Array => settled.step.values.map(step => (step === GONE ? 0 : 1))
  const why = (): Uint8Array =>
    settled.step.values.map((step, i) => (step === GONE ? 0 : wordAt(settled.reason.values[i], named[step], reasons)))
  return {
    outcome: () => settled.outcome,
    split: () => ({ values: settled.split.values, valid: inSplit(settled) }),
    step: () => ({ values: settled.step.values.map(step => (step === GONE ? 0 : step)), valid: decided() }),
    reason: () => ({ values: why(), valid: decided() }),
    flipped: () => ({ values: settled.outcome.values.map(outcome => (outcome === 1 ? 1 : 0)) }),
  }
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
  const size = Buffer.byteLength(text)
  const { buffer } = Buffer.alloc(size * rows, text)
  const offsets = new Int32Array(rows + 1)
  for (let i = 1; i <= rows; i++) offsets[i] = i * size
  return { bytes: new Uint8Array(buffer), offsets }
}

function scaled(weight: (i: number) => number, source: Utf8, rows: number, scale: Readonly<Record<string, number>>): Float32Array {
  const { of, firsts } = textGroups(source, rows)
  const factors = firsts.map(row => scale[stringAt(source, row)] ?? 1)
  const values = new Float32Array(rows)
  for (let i = 0; i < rows; i++) values[i] = weight(i) * factors[of[i]]
  return values
}
