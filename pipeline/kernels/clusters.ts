/** What becomes of the near-duplicates of one partition. */
import { compareLabels, compareRank, type Standing } from './rank.ts'
import type { PairSets } from './similarity.ts'
import { matchSurvivors } from './survivors.ts'

export interface ClusterRows extends Standing {
  /** Rows of one component may be near-duplicates; -1 = of nothing. */
  readonly component: { readonly values: Int32Array }
  readonly tie: { readonly values: Uint8Array }
}

/** What the rules make of a pair: it stays, goes as a copy, as the lesser of two contradicting labels, or is in conflict with its equal. */
export const FATES = { stay: 0, near: 1, swapped: 2, conflict: 3 } as const

export interface ClusterRules {
  readonly threshold: number
  readonly near: number
  /** Whether the pair that a near-duplicate is near to shares its fate. */
  readonly near_both: boolean
  readonly near_swapped: 'drop_lesser' | 'drop_both' | 'mark' | 'review'
}

/** By row: the pair it is near to (-1 = none), whether crossed, the smallest similarity of the fields, the survivor of its cluster and its size. */
export interface Clusters {
  readonly of: Int32Array
  readonly crossed: Uint8Array
  readonly jaccard: Float64Array
  readonly fate: Uint8Array
  readonly survivor: Int32Array
  readonly sizes: Int32Array
  compared: number
  cut: number
}

/** Solves every component. Ties are no labels: they are near-duplicates of ties alone, in either order of the responses. */
export function clustersOf(rows: ClusterRows, count: number, sets: PairSets, rules: ClusterRules): Clusters {
  const clusters: Clusters = {
    of: new Int32Array(count).fill(-1),
    crossed: new Uint8Array(count),
    jaccard: new Float64Array(count),
    fate: new Uint8Array(count),
    survivor: Int32Array.from({ length: count }, (_, i) => i),
    sizes: new Int32Array(count),
    compared: 0,
    cut: 0,
  }
  for (const members of componentsByRank(rows, count)) solve(rows, members, sets, rules, clusters)
  return clusters
}

/** Rows of each component, labels and ties apart, in the order of their rank. */
function componentsByRank(rows: ClusterRows, count: number): Int32Array[] {
  const { component, tie } = rows
  const same = (i: number, j: number) => component.values[i] - component.values[j] || tie.values[i] - tie.values[j]
  const order = Int32Array.from({ length: count }, (_, i) => i)
    .filter(i => component.values[i] >= 0)
    .sort((i, j) => same(i, j) || compareRank(rows, i, j))
  const members: Int32Array[] = []
  for (let from = 0, to = 0; from < order.length; from = to) {
    while (to < order.length && same(order[from], order[to]) === 0) to++
    members.push(order.subarray(from, to))
  }
  return members
}

function solve(rows: ClusterRows, members: Int32Array, sets: PairSets, rules: ClusterRules, clusters: Clusters): void {
  const orderless = rows.tie.values[members[0]] === 1
  const matches = matchSurvivors(sets, members, { threshold: rules.threshold, orderless, keepCrossed: rules.near_swapped === 'mark' })
  clusters.compared += matches.compared
  clusters.cut += matches.cut
  for (let i = 0; i < members.length; i++) {
    if (matches.of[i] < 0) continue
    const row = members[i]
    const other = members[matches.of[i]]
    relate(clusters, row, other, matches.jaccard[i], matches.crossed[i])
    clusters.survivor[row] = clusters.survivor[other]
    if (matches.crossed[i]) contradict(rows, clusters, row, other, rules.near_swapped)
    else repeat(clusters, row, other, rules)
  }
  for (const row of members) clusters.sizes[clusters.survivor[row]]++
}

function relate(clusters: Clusters, row: number, other: number, jaccard: number, crossed: number): void {
  clusters.of[row] = other
  clusters.jaccard[row] = jaccard
  clusters.crossed[row] = crossed
}

function repeat(clusters: Clusters, row: number, other: number, { near, near_both }: ClusterRules): void {
  clusters.fate[row] = near
  if (!near_both) return
  clusters.fate[other] = near
  if (clusters.of[other] < 0) relate(clusters, other, row, clusters.jaccard[row], 0)
}

/** `other` ranks higher. Where it shares the fate of `row`, it is related to the first pair that contradicts it. */
function contradict(rows: ClusterRows, clusters: Clusters, row: number, other: number, action: ClusterRules['near_swapped']): void {
  if (action === 'mark') return
  const both = action !== 'drop_lesser' || compareLabels(rows, row, other) === 0
  const fate = action === 'drop_both' || !both ? FATES.swapped : FATES.conflict
  clusters.fate[row] = fate
  if (!both) return
  clusters.fate[other] = fate
  if (clusters.of[other] < 0) relate(clusters, other, row, clusters.jaccard[row], 1)
}
