/**
 * Prefix filtering (Chaudhuri et al. 2006; Bayardo et al. 2007): with the members of all sets put in one order, rarest first, two sets of
 * Jaccard similarity >= t share a member among the first |A| - ceil(t |A|) + 1 of each. Candidates are exact, none is missed.
 */
import { mix32 } from './mix.ts'
import type { Sets } from './sets.ts'

/** Row i's prefix is members[starts[i] .. starts[i + 1]), as numbers 0 .. count - 1; members that occur once are left out. */
export interface Prefixes {
  readonly starts: Int32Array
  readonly members: Int32Array
  readonly count: number
}

/** Prefixes of the given rows of several columns of sets under one order, so that sets of different columns may be compared. */
export function prefixesOf(columns: readonly Sets[], rows: Int32Array, threshold: number): Prefixes[] {
  const numbers = numberMembers(columns, rows)
  const ranks = ranksOf(numbers.occurrences)
  const singles = numbers.occurrences.reduce((n, times) => n + (times === 1 ? 1 : 0), 0)
  let at = 0
  return columns.map(column => {
    const starts = new Int32Array(rows.length + 1)
    const members: number[] = []
    for (let i = 0; i < rows.length; i++) {
      const size = column.starts[rows[i] + 1] - column.starts[rows[i]]
      const own = numbers.ids.subarray(at, at + size).map(id => ranks[id])
      at += size
      const length = size - Math.ceil(threshold * size - 1e-9) + 1
      for (const rank of own.sort().subarray(0, length)) if (rank >= singles) members.push(rank - singles)
      starts[i + 1] = members.length
    }
    return { starts, members: Int32Array.from(members), count: ranks.length - singles }
  })
}

interface Numbered {
  /** Members of all sets, column by column and row by row, as numbers 0 .. occurrences.length - 1. */
  readonly ids: Int32Array
  readonly occurrences: Int32Array
}

function numberMembers(columns: readonly Sets[], rows: Int32Array): Numbered {
  let total = 0
  for (const { starts } of columns) for (const row of rows) total += starts[row + 1] - starts[row]
  const ids = new Int32Array(total)
  const table = new Int32Array(2 ** Math.ceil(Math.log2(total + 1) + 0.5))
  const mask = table.length - 1
  const distinct = new Int32Array(total)
  const occurrences = new Int32Array(total)
  let count = 0
  let at = 0
  for (const { starts, values } of columns)
    for (const row of rows)
      for (let k = starts[row]; k < starts[row + 1]; k++) {
        let slot = mix32(values[k]) & mask
        while (table[slot] !== 0 && distinct[table[slot] - 1] !== values[k]) slot = (slot + 1) & mask
        if (table[slot] === 0) {
          distinct[count] = values[k]
          table[slot] = ++count
        }
        ids[at] = table[slot] - 1
        occurrences[ids[at++]]++
      }
  return { ids, occurrences: occurrences.subarray(0, count) }
}

/** Places of the members in the order of their number of occurrences (counting sort). */
function ranksOf(occurrences: Int32Array): Int32Array {
  const most = occurrences.reduce((a, b) => Math.max(a, b), 0)
  const next = new Int32Array(most + 2)
  for (const times of occurrences) next[times + 1]++
  for (let i = 0; i <= most; i++) next[i + 1] += next[i]
  return occurrences.map(times => next[times]++)
}

/** How many candidates an index over `indexed` would offer to lookups by `asked`, at most. */
export function costOf(indexed: Prefixes, asked: readonly Prefixes[]): number {
  const postings = new Int32Array(indexed.count)
  for (const member of indexed.members) postings[member]++
  let cost = 0
  for (const { members } of asked) for (const member of members) cost += postings[member]
  return cost
}
