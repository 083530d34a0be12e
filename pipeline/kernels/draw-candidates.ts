/** The candidates for a draw of pairs for people: what each part of the corpus keeps of its rows, so that a draw over all of them loses none. */
import { type Batch, batchOf, hexAt, type Ids } from '../batch.ts'
import { gather } from '../gather.ts'
import { membersOf } from './groups.ts'
import { firstRows } from './sampling.ts'

/** `pairs`: how many pairs of its stratum a row stands for, itself and those of its batch that no draw could take. */
export const candidates = { ordinal: 'i32', hash: 'f64', stratum: 'utf8', cluster: 'id', acquisition: 'f64', pairs: 'i32' } as const

export interface Budget {
  /** Pairs that people are asked about, and how many of them are drawn at random. */
  readonly pairs: number
  readonly audit: number
  readonly max_per_cluster: number
}

export type Candidates = Batch<typeof candidates>['columns']

/**
 * Every row that any draw over all rows could take, at least one of each stratum, and the first of a stratum with the pairs of all that it
 * had here. `of` numbers the `count` strata. It may be asked again of what is left: in any part of the rows no fewer come before a row.
 */
export function candidatesOf(budget: Budget, columns: Candidates, rows: number, of: Int32Array, count: number): Batch<typeof candidates> {
  const { starts, rows: members } = membersOf({ of, count })
  const audit = new Set<number>()
  const pairs = new Int32Array(rows)
  for (let stratum = 0; stratum < count; stratum++) {
    const own = members.subarray(starts[stratum], starts[stratum + 1])
    const first = firstRows(own, Math.max(1, budget.audit), byHash(columns))
    for (const row of first) audit.add(row)
    for (const row of own) pairs[first[0]] += columns.pairs.values[row]
  }
  // whatever the audit takes of its candidates, those after them in the order of worth are enough
  const targeted = worthiest(budget, columns, rows, budget.pairs, audit)
  return gather(batchOf(candidates, rows, { ...columns, pairs: { values: pairs } }), Int32Array.from([...audit, ...targeted]))
}

/** Rows in the order of the audit's draw. */
export const byHash =
  ({ hash, ordinal }: Pick<Candidates, 'hash' | 'ordinal'>) =>
  (a: number, b: number): boolean =>
    hash.values[a] < hash.values[b] || (hash.values[a] === hash.values[b] && ordinal.values[a] < ordinal.values[b])

/**
 * The rows of highest acquisition but for those in `but`, so many of one cluster before any has more, then twice as many, and so on. Rows
 * worth nothing are none. Whatever leaves or joins `but`, a row that is among the first n stays among them.
 */
export function worthiest(
  budget: Pick<Budget, 'max_per_cluster'>,
  columns: Candidates,
  rows: number,
  most: number,
  but: ReadonlySet<number>,
): number[] {
  const { values } = columns.acquisition
  const eligible: number[] = []
  for (let i = 0; i < rows; i++) if (values[i] > 0 && !but.has(i)) eligible.push(i)
  const earlier = byHash(columns)
  const before = (a: number, b: number): boolean => values[a] > values[b] || (values[a] === values[b] && earlier(a, b))
  for (let seen = 2 * most; ; seen *= 4) {
    const tiers = tiersOf(budget, columns.cluster, firstRows(eligible, seen, before))
    // those further down come after a full first tier, in whichever they are
    if (seen >= eligible.length || (tiers[0]?.length ?? 0) >= most) return tiers.flat().slice(0, most)
  }
}

/** Rows in the order of worth by how many of their cluster come before them. */
function tiersOf({ max_per_cluster }: Pick<Budget, 'max_per_cluster'>, clusters: Ids, order: readonly number[]): number[][] {
  const taken = new Map<string, number>()
  const tiers: number[][] = []
  for (const i of order) {
    const cluster = hexAt(clusters, i)
    const before = taken.get(cluster) ?? 0
    taken.set(cluster, before + 1)
    const tier = before < max_per_cluster ? 0 : 1 + Math.floor(Math.log2(before / max_per_cluster))
    while (tiers.length <= tier) tiers.push([])
    tiers[tier].push(i)
  }
  return tiers
}
