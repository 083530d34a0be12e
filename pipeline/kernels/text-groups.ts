/** Rows of the same text. */
import { isValid, type Utf8 } from '../batch.ts'
import type { Groups } from './groups.ts'

export interface TextGroups extends Groups {
  /** The first row of each group. */
  readonly firsts: readonly number[]
}

/** Groups rows by text; null is a text of its own. */
export function textGroups(column: Utf8, rows: number): TextGroups {
  const of = new Int32Array(rows)
  const mask = 2 ** Math.ceil(Math.log2(rows + 1) + 0.5) - 1
  const slots = new Int32Array(mask + 1)
  const firsts: number[] = []
  const recent = new Int32Array(RECENT)
  for (let i = 0; i < rows; i++) {
    const glance = glanceAt(column, i)
    const last = recent[glance] - 1
    if (last >= 0 && sameText(column, firsts[last], i)) {
      of[i] = last
      continue
    }
    let slot = hashAt(column, i) & mask
    while (slots[slot] !== 0 && !sameText(column, firsts[slots[slot] - 1], i)) slot = (slot + 1) & mask
    if (slots[slot] === 0) slots[slot] = firsts.push(i)
    of[i] = slots[slot] - 1
    recent[glance] = slots[slot]
  }
  return { of, count: firsts.length, firsts }
}

/** Where few texts alternate, the group is found by size and last byte, without a hash. */
const RECENT = 256

const glanceAt = ({ bytes, offsets }: Utf8, i: number): number =>
  ((offsets[i + 1] - offsets[i]) * 31 + bytes[offsets[i + 1] - 1]) & (RECENT - 1)

function hashAt({ bytes, offsets }: Utf8, i: number): number {
  let hash = 0
  for (let k = offsets[i]; k < offsets[i + 1]; k++) hash = Math.imul(hash ^ bytes[k], 0x9e3779b1)
  return hash ^ (hash >>> 15)
}

function sameText(column: Utf8, i: number, j: number): boolean {
  const { bytes, offsets } = column
  const size = offsets[i + 1] - offsets[i]
  if (offsets[j + 1] - offsets[j] !== size || isValid(column, i) !== isValid(column, j)) return false
  for (let k = 0; k < size; k++) if (bytes[offsets[i] + k] !== bytes[offsets[j] + k]) return false
  return true
}
