/** Components of near-duplicates with chains: what is near the same thing belongs together, however long the chain. */
import { jaccardAbove } from './jaccard.ts'
import { prefixesOf } from './prefixes.ts'
import type { Sets } from './sets.ts'
import { UnionFind } from './union-find.ts'

/** A row is compared with at most this many rows of other components: bounds the time on rows that are all nearly near-duplicates. */
const MOST_COMPARED = 4096

export interface Connected {
  /** Component of each of the given rows, by the smallest place in `rows` of a member. */
  readonly of: Int32Array
  readonly compared: number
  /** Rows whose comparisons were cut short. */
  readonly cut: number
}

/**
 * Connects rows of Jaccard similarity at or above the threshold. Rows already connected are not compared again: the rows that share a
 * rare shingle are kept in chains, one for each component, and a chain ends at its first match.
 */
export function connectNear(sets: Sets, rows: Int32Array, threshold: number): Connected {
  const [prefixes] = prefixesOf([sets], rows, threshold)
  const components = new UnionFind(rows.length)
  const chains: number[][][] = Array.from({ length: prefixes.count }, () => [])
  const seen = new Int32Array(rows.length).fill(-1)
  let compared = 0
  let cut = 0
  for (let i = 0; i < rows.length; i++) {
    let left = MOST_COMPARED
    const near = (j: number): boolean => {
      if (seen[j] === i) return false
      seen[j] = i
      left--
      return compare(sets, rows[i], rows[j], threshold)
    }
    const meets = (chain: readonly number[]): boolean => {
      if (components.find(chain[0]) === components.find(i)) return true
      let k = 0
      while (k < chain.length && left > 0 && !near(chain[k])) k++
      if (k === chain.length || left === 0) return false
      components.union(i, chain[k])
      return true
    }
    for (let k = prefixes.starts[i]; k < prefixes.starts[i + 1]; k++)
      chains[prefixes.members[k]] = extend(chains[prefixes.members[k]], i, meets)
    compared += MOST_COMPARED - left
    if (left <= 0) cut++
  }
  return { of: Int32Array.from(rows, (_, i) => components.find(i)), compared, cut }
}

const compare = ({ starts, values }: Sets, i: number, j: number, threshold: number): boolean =>
  jaccardAbove(threshold, values, starts[i], starts[i + 1], values, starts[j], starts[j + 1]) >= 0

/** The chains of a shingle once `item` is in: one of its own, with all chains that it meets. */
function extend(chains: readonly number[][], item: number, meets: (chain: readonly number[]) => boolean): number[][] {
  const apart: number[][] = []
  let own: number[] = []
  for (const chain of chains) {
    if (meets(chain)) own = merged(own, chain)
    else apart.push(chain)
  }
  own.push(item)
  apart.push(own)
  return apart
}

/** The shorter chain goes to the end of the longer one. */
function merged(a: number[], b: number[]): number[] {
  const [long, short] = a.length >= b.length ? [a, b] : [b, a]
  for (const item of short) long.push(item)
  return long
}
