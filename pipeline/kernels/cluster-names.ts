/** Clusters of ids, each named by its smallest id. */
import { type Batch, batchOf, type Ids } from '../batch.ts'
import { concat } from '../concat.ts'
import { gather } from '../gather.ts'
import { compareIds, copyId } from './rank.ts'
import { UnionFind } from './union-find.ts'

/** Members of clusters with the names of these, ascending by id. */
const clusterNames = { id: 'id', cluster: 'id' } as const
export type ClusterNames = Batch<typeof clusterNames>

/** Gives every row of a component of two or more the row that names it: `of[k]` is the component of rows[k], by the place of a member. */
export function nameClusters(ids: Ids, rows: Int32Array, of: Int32Array, names: Int32Array): void {
  const least = of.slice()
  const sizes = new Int32Array(rows.length)
  of.forEach((root, k) => {
    sizes[root]++
    if (compareIds(ids, rows[k], ids, rows[least[root]]) < 0) least[root] = k
  })
  of.forEach((root, k) => {
    if (sizes[root] > 1) names[rows[k]] = rows[least[root]]
  })
}

/** The table of those rows that have a name. */
export function namesOf(ids: Ids, names: Int32Array): ClusterNames {
  const rows = Int32Array.from(names.keys()).filter(i => names[i] >= 0)
  rows.sort((i, j) => compareIds(ids, i, ids, j))
  const of = (row: (k: number) => number): Ids => {
    const column = { bytes: new Uint8Array(rows.length * 16) }
    for (let k = 0; k < rows.length; k++) copyId(column, k, ids, row(k))
    return column
  }
  return batchOf(clusterNames, rows.length, { id: of(k => rows[k]), cluster: of(k => names[rows[k]]) })
}

/** Tables of different ids as one. */
export function joinNames(tables: readonly ClusterNames[]): ClusterNames {
  const whole = concat(clusterNames, tables)
  const { id } = whole.columns
  return gather(
    whole,
    Int32Array.from({ length: whole.rows }, (_, i) => i).sort((i, j) => compareIds(id, i, id, j)),
  )
}

/** Clusters of two tables, put together where they share a member. */
export function mergeNames(some: ClusterNames, others: ClusterNames): ClusterNames {
  if (others.rows === 0) return some
  const all = joinNames([some, others])
  const { id, cluster } = all.columns
  const firsts = Int32Array.from(Array(all.rows).keys()).filter(i => i === 0 || compareIds(id, i, id, i - 1) !== 0)
  const { columns: members } = gather(all, firsts)
  const sets = new UnionFind(firsts.length)
  for (let i = 0, k = -1; i < all.rows; i++) {
    if (firsts[k + 1] === i) k++
    sets.union(k, findId(members.id, firsts.length, cluster, i))
  }
  return namesOf(
    members.id,
    firsts.map((_, k) => sets.find(k)),
  )
}

/** The cluster of each of the ids; an id of none is its own. */
export function lookUpNames({ rows, columns }: ClusterNames, ids: Ids, count: number): Ids {
  const named = { bytes: ids.bytes.slice(0, count * 16) }
  for (let i = 0; i < count; i++) {
    const row = findId(columns.id, rows, ids, i)
    if (row >= 0) copyId(named, i, columns.cluster, row)
  }
  return named
}

/** The row of an id in a column of ascending ids, or -1. */
export function findId(sorted: Ids, rows: number, wanted: Ids, row: number): number {
  let low = 0
  let high = rows
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareIds(sorted, middle, wanted, row) < 0) low = middle + 1
    else high = middle
  }
  return low < rows && compareIds(sorted, low, wanted, row) === 0 ? low : -1
}
