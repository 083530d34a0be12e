/** Which pairs are judged by which model: all pairs of a prompt by one that has seen none of them. */
import type { Ids } from '../batch.ts'
import { groupsOf, lanesOf } from './groups.ts'
import { mix32 } from './mix.ts'
import { FOLDS } from './style-model.ts'

/** A prompt of more pairs than this share of its source, say the only one, is dealt to all folds pair by pair. */
const LARGE = 1 / (2 * FOLDS)

/**
 * Folds of the pairs named by `index`, in that order, by the cluster of their prompt; clusters named in `large`, by the first lane of their
 * id, are dealt by pair.
 */
export function foldsOf(cluster: Ids, pair: Ids, index: Int32Array, large: readonly number[], salt: number): Uint8Array {
  const folds = new Uint8Array(index.length)
  for (let i = 0; i < folds.length; i++) {
    const lane = firstLane(cluster, index[i])
    const name = large.length > 0 && large.includes(lane) ? firstLane(pair, index[i]) : lane
    folds[i] = mix32(name ^ salt) % FOLDS
  }
  return folds
}

function firstLane({ bytes }: Ids, row: number): number {
  const at = row * 16
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
}

/** Clusters too large for one fold, by the first lane of their id. */
export function largeClusters(cluster: Ids, rows: number): number[] {
  const lanes = lanesOf(cluster, rows)
  const { of, count } = groupsOf(lanes)
  const sizes = new Int32Array(count)
  const names = new Int32Array(count)
  for (let i = 0; i < rows; i++) {
    sizes[of[i]]++
    names[of[i]] = lanes[0][i]
  }
  return Array.from(names)
    .filter((_, g) => sizes[g] > LARGE * rows)
    .sort((a, b) => a - b)
}
