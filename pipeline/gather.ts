/** Rows of batches copied in any order. */
import {
  type Batch,
  type Column,
  type Columns,
  columnsOf,
  emptyBatch,
  type Field,
  type Ids,
  isValid,
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

export const gatherColumn = (column: Column, field: Field, index: Int32Array): Column => pickColumn([column], field, undefined, index)

/** Row i is row index[i] of batches[which[i]] (of the only one if `which` is undefined), copied once; -1 gives a null row. */
export function pick<S extends Schema>(schema: S, batches: readonly Batch<S>[], which: Which, index: Int32Array): Batch<S> {
  const columns = Object.entries(schema).map(([name, field]) => [
    name,
    pickColumn(
      batches.map(batch => batch.columns[name] as Column),
      field,
      which,
      index,
    ),
  ])
  return { schema, rows: index.length, columns: Object.fromEntries(columns) as unknown as Columns<S> }
}
type Which = Int32Array | undefined

function pickColumn(columns: readonly Column[], field: Field, which: Which, index: Int32Array): Column {
  const valid = pickValid(columns, which, index)
  if (field === 'utf8') return { ...pickText(columns as readonly Utf8[], which, index), valid }
  if (typeof field === 'object' && 'list' in field) return { ...pickList(columns as readonly List[], field.list, which, index), valid }
  const { array, width } = field === 'id' ? { array: Uint8Array, width: 16 } : layoutOf(field)!
  const sources = columns.map(valuesOf)
  const out = new array(index.length * width)
  if (width === 1) pickNumbers(out, sources, which, index)
  else forRuns(which, index, (source, row, run, i) => copyInto(out, i * width, sources[source], row * width, (row + run) * width))
  return field === 'id' ? { bytes: out as Uint8Array, valid } : { values: out, valid }
}

function pickNumbers(out: NumberArray, sources: readonly NumberArray[], which: Which, index: Int32Array): void {
  for (let i = 0; i < index.length; i++) if (index[i] >= 0) out[i] = sources[which ? which[i] : 0][index[i]]
}

function pickValid(columns: readonly Column[], which: Which, index: Int32Array): Valid {
  if (columns.every(column => column.valid === undefined) && !index.includes(-1)) return undefined
  const out = new Uint8Array(index.length)
  for (let i = 0; i < index.length; i++) out[i] = index[i] >= 0 && isValid(columns[which ? which[i] : 0], index[i]) ? 1 : 0
  return out
}

function pickText(columns: readonly Utf8[], which: Which, index: Int32Array): Utf8 {
  const offsets = endsOf(
    columns.map(column => column.offsets),
    which,
    index,
  )
  const bytes = uninitialised(offsets[index.length])
  forRuns(which, index, (source, row, run, i) => {
    const column = columns[source]
    copyInto(bytes, offsets[i], column.bytes, column.offsets[row], column.offsets[row + run])
  })
  return { bytes, offsets }
}

function pickList(columns: readonly List[], schema: Schema, which: Which, index: Int32Array): List {
  const starts = endsOf(
    columns.map(column => column.starts),
    which,
    index,
  )
  const items = columns.map(column => column.items)
  if (items.every(batch => batch.rows === 0)) return { starts, items: items[0] ?? emptyBatch(schema) }
  if (starts[index.length] >= LONG_LISTS * index.length && Object.values(schema).every(isFixed))
    return { starts, items: copyRanges(columns, schema, which, index, starts) }
  const child = new Int32Array(starts[index.length])
  const from = which && new Int32Array(child.length)
  for (let i = 0; i < index.length; i++) {
    const source = which ? which[i] : 0
    for (let k = starts[i]; k < starts[i + 1]; k++) {
      child[k] = columns[source].starts[index[i]] + k - starts[i]
      if (from) from[k] = source
    }
  }
  return { starts, items: pick(schema, items, from, child) }
}

/** Where each picked row ends, from where it begins and ends in its source. */
function endsOf(places: readonly Int32Array[], which: Which, index: Int32Array): Int32Array {
  const ends = new Int32Array(index.length + 1)
  for (let i = 0; i < index.length; i++) {
    const place = places[which ? which[i] : 0]
    ends[i + 1] = ends[i] + (index[i] < 0 ? 0 : place[index[i] + 1] - place[index[i]])
  }
  return ends
}

/** Calls `run` for rows that follow one another in one source; null rows are left out. */
function forRuns(which: Which, index: Int32Array, visit: (source: number, row: number, run: number, i: number) => void): void {
  for (let i = 0, run = 1; i < index.length; i += run) {
    run = 1
    if (index[i] < 0) continue
    const source = which ? which[i] : 0
    while (i + run < index.length && index[i + run] === index[i] + run && (!which || which[i + run] === source)) run++
    visit(source, index[i], run, i)
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
function copyRanges(columns: readonly List[], schema: Schema, which: Which, index: Int32Array, starts: Int32Array): Batch {
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
