/** The pairs of one prompt: which sources they fall between, and a weighted draw of as many as may stay. */
import type { Ids } from '../batch.ts'
import { hash32 } from './random.ts'
import { Tally } from './sources.ts'

/** Rows by prompt: those of prompt p are rows[starts[p] .. starts[p + 1]). */
export interface PromptRows {
  readonly starts: Int32Array
  readonly rows: Int32Array
}

const [HIGH, LOW] = [0x70d1, 0x70d2]

/**
 * Keys of a weighted draw without replacement: the rows of the smallest keys are drawn (Efraimidis and Spirakis 2006, algorithm A, in
 * logarithms: -ln(u) / weight). u is a hash of the id, so a larger draw only adds to a smaller one. A weight that is not above 0 comes last.
 */
export function drawKeys(seed: number, { bytes }: Ids, weights: Float64Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return weights.map((weight, i) => {
    const [a, b] = [view.getUint32(i * 16), view.getUint32(i * 16 + 8)]
    const u = ((hash32(seed ^ a, b, HIGH) >>> 5) * 2 ** 26 + (hash32(seed ^ a, b, LOW) >>> 6) + 0.5) * 2 ** -53
    return weight > 0 ? -Math.log(u) / weight : Number.MAX_VALUE
  })
}

/** By row 1 where a prompt has `most` pairs that are drawn before it: by key, then by place in the corpus. */
export function beyond({ starts, rows }: PromptRows, keys: Float64Array, ordinals: Int32Array, most: number): Uint8Array {
  const past = new Uint8Array(rows.length)
  for (let p = 0; p + 1 < starts.length; p++) {
    if (starts[p + 1] - starts[p] <= most) continue
    const drawn = rows.slice(starts[p], starts[p + 1]).sort((i, j) => keys[i] - keys[j] || ordinals[i] - ordinals[j])
    for (const row of drawn.subarray(most)) past[row] = 1
  }
  return past
}

/** By prompt the row that comes first in the corpus. */
export function firstRowsOf({ starts, rows }: PromptRows, ordinals: Int32Array): Int32Array {
  const firsts = new Int32Array(starts.length - 1)
  for (let p = 0; p < firsts.length; p++) {
    firsts[p] = rows[starts[p]]
    for (let k = starts[p] + 1; k < starts[p + 1]; k++) if (ordinals[rows[k]] < ordinals[firsts[p]]) firsts[p] = rows[k]
  }
  return firsts
}

/** Every pair of a prompt but the first, by its source and that of the first. `sources` are places in the list of names. */
export function samePrompt({ starts, rows }: PromptRows, firsts: Int32Array, sources: Int32Array, names: readonly string[]): Tally {
  const counts = new Map<number, number>()
  for (const [p, first] of firsts.entries())
    for (let k = starts[p]; k < starts[p + 1]; k++) {
      if (rows[k] === first) continue
      const between = sources[rows[k]] * names.length + sources[first]
      counts.set(between, (counts.get(between) ?? 0) + 1)
    }
  const tally = new Tally()
  for (const [between, pairs] of counts)
    tally.add('same-prompt', names[Math.floor(between / names.length)], names[between % names.length], pairs)
  return tally
}
