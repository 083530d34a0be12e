/** Rows that share a key. */
import type { Ids } from '../batch.ts'
import { mixSigned } from './mix.ts'

export interface Groups {
  /** The group of each row, counted from 0 in the order in which their keys first appear. */
  readonly of: Int32Array
  readonly count: number
}

/** Groups rows by keys of several 32-bit lanes, in one pass over a table of open addressing: 12 bytes a row beside the keys. */
export function groupsOf([hi, lo, ...others]: readonly Int32Array[]): Groups {
  const rows = hi.length
  const of = new Int32Array(rows)
  const mask = 2 ** Math.ceil(Math.log2(rows + 1) + 0.5) - 1
  const firsts = new Int32Array(mask + 1)
  let count = 0
  for (let i = 0; i < rows; i++) {
    let slot = mixSigned(hi[i] ^ Math.imul(lo[i], 0x9e3779b1)) & mask
    for (let first = firsts[slot] - 1; first >= 0; first = firsts[slot] - 1) {
      if (hi[first] === hi[i] && lo[first] === lo[i] && (others.length === 0 || sameIn(others, first, i))) break
      slot = (slot + 1) & mask
    }
    if (firsts[slot] === 0) {
      firsts[slot] = i + 1
      of[i] = count++
    } else of[i] = of[firsts[slot] - 1]
  }
  return { of, count }
}

function sameIn(lanes: readonly Int32Array[], i: number, j: number): boolean {
  for (let lane = 0; lane < lanes.length; lane++) if (lanes[lane][i] !== lanes[lane][j]) return false
  return true
}

/** Ids as the lanes of a key. */
export function lanesOf({ bytes }: Ids, rows: number): Int32Array[] {
  const whole = new Int32Array(bytes.slice(0, rows * 16).buffer)
  const lanes = [new Int32Array(rows), new Int32Array(rows), new Int32Array(rows), new Int32Array(rows)]
  for (let lane = 0; lane < 4; lane++) for (let i = 0; i < rows; i++) lanes[lane][i] = whole[i * 4 + lane]
  return lanes
}

/** Rows of each group: group g's are rows[starts[g] .. starts[g + 1]), ascending. */
export function membersOf({ of, count }: Groups): { readonly starts: Int32Array; readonly rows: Int32Array } {
  const starts = new Int32Array(count + 1)
  for (const group of of) starts[group + 1]++
  for (let g = 0; g < count; g++) starts[g + 1] += starts[g]
  const rows = new Int32Array(of.length)
  const next = starts.slice()
  for (let i = 0; i < of.length; i++) rows[next[of[i]]++] = i
  return { starts, rows }
}
