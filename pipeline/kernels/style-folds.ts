/** Which pairs are judged by which model: all pairs of a prompt by one that has seen none of them. */
import type { Ids } from '../batch.ts'
import { groupsOf, lanesOf } from './groups.ts'
import { mix32 } from './mix.ts'
import { FOLDS } from './style-model.ts'

/** A prompt of more pairs than this share of its source, say the only one, is dealt to all folds pair by pair. */
const LARGE = 1 / (2 * FOLDS)

/** Folds of pairs by the cluster of their prompt; clusters named in `large`, by the first lane of their id, are dealt by pair. */
export function foldsOf(cluster: Ids, pair: Ids, rows: number, large: readonly number[], salt: number): Uint8Array {
  const clusters = lanesOf(cluster, rows)[0]
  const pairs = lanesOf(pair, rows)[0]
  return Uint8Array.from(clusters, (lane, i) => (mix32((large.includes(lane) ? pairs[i] : lane) ^ salt) >>> 0) % FOLDS)
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
