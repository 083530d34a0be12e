/** Rows of batches copied in any order. */
import {
  type Batch,
  type Column,
  type Columns,
  columnsOf,
  emptyBatch,
  type Field,
  type Ids,
  type List,
  layoutOf,
  type NumberArray,
  type Schema,
  type Utf8,
  uninitialised,
  type Valid,
} from './batch.ts'

/** The rows named by `index`, in that order, copied; -1 gives a null row. */
export const gather = <S extends Schema>(batch: Batch<S>, index: Int32Array): Batch<S> => pick(batch.schema, [batch], undefined, index)

export const gatherColumn = (column: Column, field: Field, index: Int32Array): Column =>
  pickColumn([column], field, rowsOf(undefined, index))

/** Row i is row index[i] of batches[which[i]] (of the only one if `which` is undefined), copied once; -1 gives a null row. */
export function pick<S extends Schema>(schema: S, batches: readonly Batch<S>[], which: Which, index: Int32Array): Batch<S> {
  const rows = rowsOf(which, index)
  const columns = Object.entries(schema).map(([name, field]) => [
    name,
    pickColumn(
      batches.map(batch => batch.columns[name] as Column),
      field,
      rows,
    ),
  ])
  return { schema, rows: index.length, columns: Object.fromEntries(columns) as unknown as Columns<S> }
}
type Which = Int32Array | undefined

/** The rows to copy. */
interface Rows {
  readonly which: Which
  readonly index: Int32Array
  /** Where rows that follow one another in their source begin; the end comes last. */
  readonly runs: Int32Array
  /** Whether runs are long enough to be copied whole. */
  readonly together: boolean
}

/** Rows of a run, on average, that are worth a copy of their own. */
const LONG_RUN = 16

function rowsOf(which: Which, index: Int32Array): Rows {
  const runs = new Int32Array(index.length + 1)
  let count = 0
  for (let i = 0; i < index.length; i++) {
    const follows = i > 0 && index[i] > 0 && index[i] === index[i - 1] + 1 && (which === undefined || which[i] === which[i - 1])
    if (!follows) runs[count++] = i
  }
  runs[count] = index.length
  return { which, index, runs: runs.subarray(0, count + 1), together: count * LONG_RUN <= index.length }
}

function pickColumn(columns: readonly Column[], field: Field, rows: Rows): Column {
  const valid = pickValid(columns, rows)
  if (field === 'utf8') return { ...pickText(columns as readonly Utf8[], rows), valid }
  if (typeof field === 'object' && 'list' in field) return { ...pickList(columns as readonly List[], field.list, rows), valid }
  const { array, width } = field === 'id' ? { array: Uint8Array, width: 16 } : layoutOf(field)!
  const sources = columns.map(valuesOf)
  const out = new array(rows.index.length * width)
  if (width === 1 && !rows.together) pickNumbers(out, sources, rows)
  else forRuns(rows, (source, row, run, i) => copyInto(out, i * width, sources[source], row * width, (row + run) * width))
  return field === 'id' ? { bytes: out as Uint8Array, valid } : { values: out, valid }
}

/** Numbers of one size are copied by one function, whatever they mean: V8 compiles it once, and not again for each kind of array. */
function pickNumbers(out: NumberArray, sources: readonly NumberArray[], { which, index }: Rows): void {
  if (out instanceof Uint8Array) pickBytes(out, sources as readonly Uint8Array[], which, index)
  else if (out instanceof Float64Array) pickDoubles(out, sources as readonly Float64Array[], which, index)
  else pickWords(wordsOf(out), sources.map(wordsOf), which, index)
}

const wordsOf = ({ buffer, byteOffset, length }: NumberArray): Int32Array => new Int32Array(buffer, byteOffset, length)

function pickBytes(out: Uint8Array, sources: readonly Uint8Array[], which: Which, index: Int32Array): void {
  for (let i = 0; i < index.length; i++) out[i] = index[i] < 0 ? 0 : sources[which ? which[i] : 0][index[i]]
}

function pickWords(out: Int32Array, sources: readonly Int32Array[], which: Which, index: Int32Array): void {
  for (let i = 0; i < index.length; i++) out[i] = index[i] < 0 ? 0 : sources[which ? which[i] : 0][index[i]]
}

function pickDoubles(out: Float64Array, sources: readonly Float64Array[], which: Which, index: Int32Array): void {
  for (let i = 0; i < index.length; i++) out[i] = index[i] < 0 ? 0 : sources[which ? which[i] : 0][index[i]]
}

function pickValid(columns: readonly Column[], rows: Rows): Valid {
  const { which, index, together } = rows
  const sources = columns.map(({ valid }) => valid)
  if (sources.every(valid => valid === undefined) && !index.includes(-1)) return undefined
  const out = new Uint8Array(index.length)
  if (together)
    forRuns(rows, (source, row, run, i) => {
      const valid = sources[source]
      if (valid) copyInto(out, i, valid, row, row + run)
      else out.fill(1, i, i + run)
    })
  else pickFlags(out, sources, which, index)
  return out
}

function pickFlags(out: Uint8Array, sources: readonly Valid[], which: Which, index: Int32Array): void {
  for (let i = 0; i < index.length; i++) {
    const valid = sources[which ? which[i] : 0]
    out[i] = index[i] < 0 ? 0 : valid ? valid[index[i]] : 1
  }
}

function pickText(columns: readonly Utf8[], rows: Rows): Utf8 {
  const offsets = endsOf(
    columns.map(column => column.offsets),
    rows,
  )
  const bytes = uninitialised(offsets[rows.index.length])
  forRuns(rows, (source, row, run, i) => {
    const column = columns[source]
    copyInto(bytes, offsets[i], column.bytes, column.offsets[row], column.offsets[row + run])
  })
  return { bytes, offsets }
}

function pickList(columns: readonly List[], schema: Schema, rows: Rows): List {
  const { which, index } = rows
  const starts = endsOf(
    columns.map(column => column.starts),
    rows,
  )
  const items = columns.map(column => column.items)
  if (items.every(batch => batch.rows === 0)) return { starts, items: items[0] ?? emptyBatch(schema) }
  if (starts[index.length] >= LONG_LISTS * index.length && Object.values(schema).every(isFixed))
    return { starts, items: copyRanges(columns, schema, rows, starts) }
  const child = new Int32Array(starts[index.length])
  const from = which && new Int32Array(child.length)
  fillChildren(
    child,
    from,
    starts,
    columns.map(column => column.starts),
    rows,
  )
  return { starts, items: pick(schema, items, from, child) }
}

/** The child rows of each picked list, and the source of each where there are several. */
function fillChildren(child: Int32Array, from: Which, ends: Int32Array, starts: readonly Int32Array[], { which, index }: Rows): void {
  for (let i = 0; i < index.length; i++) {
    const source = which ? which[i] : 0
    for (let k = ends[i]; k < ends[i + 1]; k++) {
      child[k] = starts[source][index[i]] + k - ends[i]
      if (from) from[k] = source
    }
  }
}

/** Where each picked row ends, from where it begins and ends in its source. */
function endsOf(places: readonly Int32Array[], { which, index }: Rows): Int32Array {
  const ends = new Int32Array(index.length + 1)
  for (let i = 0; i < index.length; i++) {
    const place = places[which ? which[i] : 0]
    ends[i + 1] = ends[i] + (index[i] < 0 ? 0 : place[index[i] + 1] - place[index[i]])
  }
  return ends
}

/** Calls `visit` for rows that follow one another in one source; null rows are left out. */
function forRuns({ which, index, runs }: Rows, visit: (source: number, row: number, run: number, i: number) => void): void {
  for (let k = 0; k + 1 < runs.length; k++) {
    const i = runs[k]
    if (index[i] >= 0) visit(which ? which[i] : 0, index[i], runs[k + 1] - i, i)
  }
}

/** Fewer values than this are copied faster one by one. */
const FEW = 32

function copyInto(target: NumberArray, at: number, source: NumberArray, from: number, to: number): void {
  if (to - from >= FEW) target.set(source.subarray(from, to), at)
  else for (let k = from; k < to; k++) target[at + k - from] = source[k]
}

/** Child rows a list from which on they are copied list by list, not one by one. */
const LONG_LISTS = 12
const isFixed = (field: Field): boolean => field === 'id' || layoutOf(field) !== undefined

/** The child rows of the named lists, in that order; each list goes to where `starts` says. */
function copyRanges(columns: readonly List[], schema: Schema, { which, index }: Rows, starts: Int32Array): Batch {
  const rows = starts[index.length]
  const copy = <A extends NumberArray>(sources: readonly A[], out: A, width: number): A => {
    for (let i = 0; i < index.length; i++) {
      if (index[i] < 0) continue
      const source = which ? which[i] : 0
      const { starts: from } = columns[source]
      out.set(sources[source].subarray(from[index[i]] * width, from[index[i] + 1] * width), starts[i] * width)
    }
    return out
  }
  const copied = Object.entries(schema).map(([name, field]): [string, Column] => {
    const children = columns.map(column => column.items.columns[name] as Column)
    const valid = children.some(child => child.valid)
      ? copy(
          children.map((child, k) => child.valid ?? new Uint8Array(columns[k].items.rows).fill(1)),
          new Uint8Array(rows),
          1,
        )
      : undefined
    const { array, width } = field === 'id' ? { array: Uint8Array, width: 16 } : layoutOf(field)!
    const out = copy(children.map(valuesOf), new array(rows * width), width)
    return [name, field === 'id' ? { bytes: out as Uint8Array, valid } : { values: out, valid }]
  })
  return { schema, rows, columns: Object.fromEntries(copied) }
}

const valuesOf = (column: Column): NumberArray => ('values' in column ? column.values : (column as Ids).bytes)

/** Rows in the order of the corpus, so that sums of floats come out the same to the bit however the rows arrived. */
export function inOrder(rows: Batch): Batch {
  const { values } = columnsOf(rows, { ordinal: 'i32' }).ordinal
  return gather(
    rows,
    Int32Array.from(values.keys()).sort((a, b) => values[a] - values[b]),
  )
}
