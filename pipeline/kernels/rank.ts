/** The order in which duplicates survive: the kind of label, the source's priority, then the smallest pair_id and place in the corpus. */
import type { Ids, Numbers } from '../batch.ts'

export interface Standing {
  /** Index into labelKinds, the most trusted first. */
  readonly label_kind: Numbers<Uint8Array>
  readonly priority: Numbers<Int32Array>
  readonly pair_id: Ids
  readonly ordinal: Numbers<Int32Array>
}

/** Negative where row i's label outranks row j's, 0 between equals. */
export const compareLabels = ({ label_kind, priority }: Standing, i: number, j: number): number =>
  label_kind.values[i] - label_kind.values[j] || priority.values[j] - priority.values[i]

/** Negative where row i survives row j; 0 only for a row and itself. */
export const compareRank = (standing: Standing, i: number, j: number): number =>
  compareLabels(standing, i, j) ||
  compareIds(standing.pair_id, i, standing.pair_id, j) ||
  standing.ordinal.values[i] - standing.ordinal.values[j]

/** Negative where the id in row i of `a` is smaller than that in row j of `b`. */
export function compareIds(a: Ids, i: number, b: Ids, j: number): number {
  for (let k = 0; k < 16; k++) {
    const difference = a.bytes[i * 16 + k] - b.bytes[j * 16 + k]
    if (difference !== 0) return difference
  }
  return 0
}

/** Copies the id in row j of `from` to row i of `to`. */
export function copyId(to: Ids, i: number, from: Ids, j: number): void {
  for (let k = 0; k < 16; k++) to.bytes[i * 16 + k] = from.bytes[j * 16 + k]
}
