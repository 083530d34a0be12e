/** The columns of one shard, loaded when first asked for: facts, texts, measures, verdicts of earlier steps, returns of earlier rounds. */
import { type Batch, beside, type Column, type Field, isValid, type Numbers, nulls, type Schema, select, slice } from './batch.ts'
import {
  type Build,
  declared,
  factsKey,
  looksAtReview,
  measureKey,
  returnedKey,
  returnsKey,
  type Shard,
  type Step,
  verdictKey,
} from './build.ts'
import { StageError, UserError } from './errors.ts'
import { gather, pick } from './gather.ts'
import { pairFacts, pairTexts, recallFacts, sizeFacts } from './pair.ts'
import { AWAY } from './stage.ts'

/** In a verdict's column `left`: 0 = still there, 1 + i = left at this step for reason i, GONE = had left before. */
export const GONE = AWAY

export class ShardColumns {
  readonly build: Build
  readonly shard: Shard
  private readonly tables = new Map<string, Batch>()
  private readonly reviews = new Map<number, Uint8Array>()

  constructor(build: Build, shard: Shard) {
    this.build = build
    this.shard = shard
  }

  private table(key: string): Batch {
    let table = this.tables.get(key)
    if (!table) this.tables.set(key, (table = this.build.store.readTable(key)))
    return table
  }

  facts(): Batch {
    return this.table(factsKey(this.shard.input, this.shard.index))
  }

  verdict(step: Step): Batch {
    return this.table(verdictKey(step, this.shard))
  }

  /** An error of the user's stage with the file, and the row of it where one is to blame; `rows` are those of the batch in the shard. */
  blamed(error: unknown, rows: Int32Array | undefined): unknown {
    if (!(error instanceof StageError)) return error
    const at = error.row === undefined ? undefined : rows?.[error.row]
    const row = at === undefined ? '' : `, row ${(this.facts().columns.row as Numbers).values[at]} (the first is 0)`
    return new UserError(`${error.message}; in ${this.shard.input.path}${row}`)
  }

  /** Rows of the shard that are still in the stream before step `n`. */
  alive(n: number): Int32Array {
    const { pairs } = this.shard
    if (n === 0) return countFrom(0, pairs)
    const left = (this.verdict(this.build.steps()[n - 1]).columns.left as { values: Uint8Array }).values
    const rows = new Int32Array(pairs)
    let count = 0
    for (let i = 0; i < pairs; i++) if (left[i] === 0) rows[count++] = i
    return rows.subarray(0, count)
  }

  /** 1 + the step's place for pairs that an earlier step sent to review, and none took from there, else 0. */
  inReview(n: number): Uint8Array {
    let rows = this.reviews.get(n)
    if (!rows) this.reviews.set(n, (rows = this.reviewedBefore(n)))
    return rows
  }

  private reviewedBefore(n: number): Uint8Array {
    const rows = new Uint8Array(this.shard.pairs)
    let any = false
    for (const step of this.build.steps().slice(0, n)) {
      const toReview = Object.values(step.code.reasons?.(step.params) ?? {}).map(end => end === 'review')
      if (!any && !toReview.includes(true)) continue
      any = true
      const left = (this.verdict(step).columns.left as { values: Uint8Array }).values
      for (let i = 0; i < rows.length; i++) if (left[i] !== GONE) rows[i] = left[i] !== 0 && toReview[left[i] - 1] ? 1 + step.at : 0
    }
    return rows
  }

  /** Rows that a step judges: those still there, and those in review where it looks at them. */
  reaching(step: Step): Int32Array {
    const alive = this.alive(step.at)
    if (!looksAtReview(this.build, step)) return alive
    const reaching = this.inReview(step.at).slice()
    for (const row of alive) reaching[row] = 1
    return Int32Array.from(reaching.keys()).filter(i => reaching[i] > 0)
  }

  /** The columns that a step reads, for the pairs still there, or those of them that `among` names; texts are cut in the blocks in which they are stored. */
  *batches(step: Step, reads: Schema, among?: (batch: Batch) => Int32Array): Generator<Batch> {
    let alive = this.reaching(step)
    let narrow = this.narrow(step, reads, alive)
    const index = among?.(narrow)
    if (index) {
      narrow = gather(narrow, index)
      alive = gatherRows(alive, index)
    }
    const texts = Object.keys(reads).filter(name => name in pairTexts)
    if (texts.length === 0) {
      yield narrow
      return
    }
    let first = 0
    let done = 0
    for (let block = 0; block < this.shard.block_rows.length && done < alive.length; block++) {
      const rows = this.shard.block_rows[block]
      const end = lowerBound(alive, first + rows)
      if (end > done) {
        const within = end - done < rows ? alive.subarray(done, end).map(row => row - first) : undefined
        yield beside(slice(narrow, done, end), select(this.build.texts(this.shard, block, within), texts))
      }
      done = end
      first += rows
    }
  }

  /** Every column but the texts. */
  private narrow(step: Step, reads: Schema, alive: Int32Array): Batch {
    const columns: Record<string, Column> = {}
    const schema: Record<string, Field> = {}
    const take = (from: Batch, name: string): void => {
      schema[name] = from.schema[name]
      columns[name] = from.columns[name]
    }
    for (const [name, from] of this.own(step, reads)) take(from, name)
    for (const name of Object.keys(reads)) {
      if (name in pairTexts || name in schema) continue
      if (name in recallFacts) Object.assign(schema, recallFacts) && (columns.recalled = this.recalled(step))
      else if (name === 'ordinal') Object.assign(schema, { ordinal: 'i32' }) && (columns.ordinal = this.ordinals())
      else if (name in pairFacts || name in sizeFacts) take(this.facts(), name)
      else take(this.added(step, name), name)
    }
    const whole: Batch = { schema, rows: this.shard.pairs, columns }
    return alive.length === this.shard.pairs ? whole : gather(whole, alive)
  }

  /** What is read of the step's own measures and of what its earlier rounds returned; other tables are not opened. */
  private *own(step: Step, reads: Schema): Generator<[string, Batch]> {
    const uses = step.code.measures?.(step.params) ?? []
    for (const [i, { measure, params }] of uses.entries())
      for (const name of Object.keys(measure.adds(params)))
        if (name in reads) yield [name, this.table(measureKey(step.measures[i], this.shard))]
    for (const [round, code] of (step.code.rounds ?? []).entries()) {
      if (!code.returns) continue
      const schema = declared(step, code.returns)
      const names = Object.keys(schema).filter(name => name in reads)
      const { store } = this.build
      if (names.length === 0 || !store.has(returnedKey(step, round))) continue
      const got = store.readJson<number[]>(returnedKey(step, round)).includes(this.shard.place)
      const table = got ? this.returned(returnsKey(step, round, this.shard), schema) : nullBatch(schema, this.shard.pairs)
      for (const name of names) yield [name, table]
    }
  }

  /** Returned rows scattered over the shard; null where nothing was returned. */
  private returned(key: string, schema: Schema): Batch {
    const table = this.table(key)
    const index = new Int32Array(this.shard.pairs).fill(-1)
    const ordinals = (table.columns.ordinal as { values: Int32Array }).values
    for (let i = 0; i < table.rows; i++) index[ordinals[i] - this.shard.start] = i
    return gather(select(table, Object.keys(schema)), index)
  }

  private recalled(step: Step): Column {
    if (!looksAtReview(this.build, step)) return { values: new Uint8Array(this.shard.pairs) }
    return { values: this.inReview(step.at).map(at => (at > 0 ? 1 : 0)) }
  }

  private ordinals(): Column {
    return { values: countFrom(this.shard.start, this.shard.pairs) }
  }

  /** What the last earlier step that adds a column says of each pair; of one in review the last step that said anything. */
  private added(step: Step, name: string): Batch {
    const steps = this.build.steps().slice(0, step.at)
    const adders = steps.filter(s => name in declared(s, s.code.adds))
    if (adders.length === 1 || !looksAtReview(this.build, step)) return this.verdict(adders.at(-1)!)
    const back = this.inReview(step.at)
    const tables = adders.map(s => select(this.verdict(s), [name]))
    const which = Int32Array.from(back, (at, i) => {
      const last = tables.length - 1
      const told = at > 0 ? tables.findLastIndex(({ columns }) => isValid(columns[name], i)) : last
      return told < 0 ? last : told
    })
    return pick(tables[0].schema, tables, which, countFrom(0, this.shard.pairs))
  }
}

function countFrom(first: number, count: number): Int32Array {
  const numbers = new Int32Array(count)
  for (let i = 0; i < count; i++) numbers[i] = first + i
  return numbers
}

function gatherRows(rows: Int32Array, index: Int32Array): Int32Array {
  const gathered = new Int32Array(index.length)
  for (let i = 0; i < index.length; i++) gathered[i] = rows[index[i]]
  return gathered
}

const nullBatch = (schema: Schema, rows: number): Batch => ({
  schema,
  rows,
  columns: Object.fromEntries(Object.entries(schema).map(([name, field]) => [name, nulls(field, rows)])),
})

/** Index of the first of the sorted rows that is not below `limit`. */
export function lowerBound(rows: Int32Array, limit: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (rows[middle] < limit) low = middle + 1
    else high = middle
  }
  return low
}

/** Columns for the rows `index` of a shard, null for its other rows. */
export function scattered(column: Column | undefined, field: Field, index: Int32Array, rows: number): Batch {
  const schema: Schema = { column: field }
  if (!column) return { schema, rows, columns: { column: nulls(field, rows) } }
  if (index.length === rows) return { schema, rows, columns: { column } }
  const inverse = new Int32Array(rows).fill(-1)
  for (let i = 0; i < index.length; i++) inverse[index[i]] = i
  return gather({ schema, rows: index.length, columns: { column } }, inverse)
}
