/** The exchange by which rows that share a band key find each other: components of rows that may be near-duplicates. */
import { type Batch, batchOf, columnsOf, isValid, type List, type Schema } from './batch.ts'
import type { Banding } from './kernels/banding.ts'
import { leastOfKeys } from './kernels/equal-keys.ts'
import { UnionFind } from './kernels/union-find.ts'
import { bandField } from './measures/minhash.ts'
import { type Context, type Declared, type Part, type Round, type Summary, schemaOf } from './stage.ts'

const keyed = { hi: 'i32', lo: 'i32', ordinal: 'i32' } as const
const exchanged = { ...keyed, partition: 'i32' } as const
const reads = { ordinal: 'i32', band_keys: bandField } as const
const edges = { least: 'i32', other: 'i32' } as const
const components = { ordinal: 'i32', component: 'i32' } as const

/** About how many keys one partition holds: 24 bytes each while they are grouped. */
const KEYS_PER_PARTITION = 4_000_000
const partitionsFor = (keys: number): number => Math.ceil((keys + 1) / KEYS_PER_PARTITION)

export interface Buckets<P> {
  readonly banding: (params: P) => Banding
  /** Which rows take part, by further columns; all by default. */
  readonly only?: { readonly reads: Declared<P>; readonly rows: (params: P, batch: Batch) => (row: number) => boolean }
}

/** A round whose summary names the component of every row that shares a key with another, for `componentsOf`; keeps earlier facts. */
export const bucketRound = <P>({ banding, only }: Buckets<P>): Round<P> => ({
  reads: (params, env) => ({ ...reads, ...(only ? schemaOf(only.reads, params, env) : {}) }),
  emits: keyed,
  partitions: (params, corpus) => partitionsFor(corpus.pairs * banding(params).bands),
  observe: (params, { corpus }) => {
    const partitions = partitionsFor(corpus.pairs * banding(params).bands)
    return batch => keysOf(batch, only?.rows(params, batch), partitions)
  },
  reduce: (_params, _context, rows) => edgesOf(rows),
  combine: (params, context, parts) => connect(banding(params), context, parts),
})

function keysOf(batch: Batch, takesPart: ((row: number) => boolean) | undefined, partitions: number): Batch {
  const { ordinal, band_keys } = columnsOf(batch, reads)
  const { starts } = band_keys
  const most = starts[batch.rows] - starts[0]
  const hi = new Int32Array(most)
  const lo = new Int32Array(most)
  const ordinals = new Int32Array(most)
  let count = 0
  for (let i = 0; i < batch.rows; i++) {
    if (!isValid(band_keys, i) || !(takesPart?.(i) ?? true)) continue
    count = copyKeys(band_keys, i, hi, lo, count)
    ordinals.fill(ordinal.values[i], count - (starts[i + 1] - starts[i]), count)
  }
  const partition = new Int32Array(count)
  if (partitions > 1) for (let k = 0; k < count; k++) partition[k] = (hi[k] >>> 0) % partitions
  const columns = { hi: hi.subarray(0, count), lo: lo.subarray(0, count), ordinal: ordinals.subarray(0, count), partition }
  return numbersOf(exchanged, count, columns)
}

/** Copies the keys of row i to `at` and gives the place after them. */
function copyKeys({ starts, items }: List<typeof bandField.list>, i: number, hi: Int32Array, lo: Int32Array, at: number): number {
  const keys = items.columns
  for (let k = starts[i]; k < starts[i + 1]; k++, at++) {
    hi[at] = keys.hi.values[k]
    lo[at] = keys.lo.values[k]
  }
  return at
}

/** Joins every row of a bucket to the one of smallest ordinal: enough for connectivity, and linear. */
function edgesOf(rows: Batch): Part {
  const { hi, lo, ordinal } = columnsOf(rows, keyed)
  return { tables: { edges: distinctEdges(leastOfKeys(hi.values, lo.values, ordinal.values)) } }
}

/** Sorted, so that a part does not depend on the order of rows. */
function distinctEdges(packed: BigUint64Array): Batch {
  packed.sort()
  const halves = new Int32Array(packed.buffer)
  const least = new Int32Array(packed.length)
  const other = new Int32Array(packed.length)
  let count = 0
  for (let i = 0; i < packed.length; i++) {
    if (count > 0 && halves[2 * i] === other[count - 1] && halves[2 * i + 1] === least[count - 1]) continue
    other[count] = halves[2 * i]
    least[count++] = halves[2 * i + 1]
  }
  return numbersOf(edges, count, { least: least.subarray(0, count), other: other.subarray(0, count) })
}

/** Eight bytes a pair of the corpus, while it runs. */
function connect(banding: Banding, { corpus, summary }: Context, parts: readonly Part[]): Summary {
  const sets = new UnionFind(corpus.pairs)
  for (const part of parts) {
    const { least, other } = columnsOf(part.tables!.edges, edges)
    for (let i = 0; i < least.values.length; i++) sets.union(least.values[i], other.values[i])
  }
  const sizes = new Int32Array(corpus.pairs)
  for (let i = 0; i < corpus.pairs; i++) sizes[sets.find(i)]++
  let involved = 0
  let count = 0
  let largest = 0
  for (const size of sizes) {
    if (size < 2) continue
    count++
    involved += size
    largest = Math.max(largest, size)
  }
  const ordinal = new Int32Array(involved)
  const component = new Int32Array(involved)
  for (let i = 0, at = 0; i < corpus.pairs; i++) {
    const root = sets.find(i)
    if (sizes[root] < 2) continue
    ordinal[at] = i
    component[at++] = root
  }
  const facts = { ...(summary.facts as object | undefined), ...banding, involved, components: count, largest_component: largest }
  return { facts, tables: { components: numbersOf(components, involved, { ordinal, component }) } }
}

const numbersOf = (schema: Schema, rows: number, arrays: Readonly<Record<string, Int32Array>>): Batch =>
  batchOf(schema, rows, Object.fromEntries(Object.entries(arrays).map(([name, values]) => [name, { values }])))

/** The component of a row by its ordinal, -1 for rows that share no key. Quick for ascending ordinals. */
export function componentsOf(summary: Summary): (ordinal: number) => number {
  const table = columnsOf(summary.tables!.components, components)
  const ordinals = table.ordinal.values
  let next = 0
  return ordinal => {
    if (next === ordinals.length || ordinals[next] < ordinal || (next > 0 && ordinals[next - 1] >= ordinal))
      next = lowerBound(ordinals, ordinal)
    return ordinals[next] === ordinal ? table.component.values[next++] : -1
  }
}

/** The rows that share a key with another. */
export function inComponents(ordinals: Int32Array, componentOf: (ordinal: number) => number): Int32Array {
  const index = new Int32Array(ordinals.length)
  let count = 0
  for (let i = 0; i < ordinals.length; i++) if (componentOf(ordinals[i]) >= 0) index[count++] = i
  return index.subarray(0, count)
}

/** The first place of a value at or above the wanted one in an ascending array. */
function lowerBound(sorted: Int32Array, wanted: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle] < wanted) low = middle + 1
    else high = middle
  }
  return low
}
