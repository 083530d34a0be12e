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
  for (let i = 0; i < rows; i++) {
    let slot = hashAt(column, i) & mask
    while (slots[slot] !== 0 && !sameText(column, firsts[slots[slot] - 1], i)) slot = (slot + 1) & mask
    if (slots[slot] === 0) slots[slot] = firsts.push(i)
    of[i] = slots[slot] - 1
  }
  return { of, count: firsts.length, firsts }
}

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
