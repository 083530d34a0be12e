/** Style differences as bytes, for trees. */
import { BINS, type Binned, ZERO } from './binned.ts'
import { CONTEXT, INPUTS, SIGNED, type StyleDifferences } from './style-differences.ts'
import { styleFeatures } from './style-features.ts'

type Rows = Pick<StyleDifferences, 'differences' | 'context'>

const WIDTH = styleFeatures.length
/** Cuts of a signed feature split its size, so that both signs have the same bins. */
const SIGNED_CUTS = ZERO - 1
const CONTEXT_CUTS = BINS - 1
export const CUTS = SIGNED * SIGNED_CUTS + CONTEXT * CONTEXT_CUTS

/** Where to cut each input, by quantiles of its values other than 0. */
export function styleCuts({ differences, context }: Rows): Float32Array {
  const rows = context.length / CONTEXT
  const cuts = new Float32Array(CUTS)
  const values = new Float32Array(rows)
  for (let k = 0; k < SIGNED; k++) {
    let count = 0
    for (let i = 0; i < rows; i++) {
      const size = Math.abs(differences[i * WIDTH + k])
      if (size > 0) values[count++] = size
    }
    quantiles(values.subarray(0, count), cuts.subarray(k * SIGNED_CUTS, (k + 1) * SIGNED_CUTS))
  }
  for (let k = 0; k < CONTEXT; k++) {
    for (let i = 0; i < rows; i++) values[i] = context[i * CONTEXT + k]
    const at = SIGNED * SIGNED_CUTS + k * CONTEXT_CUTS
    quantiles(values, cuts.subarray(at, at + CONTEXT_CUTS))
  }
  return cuts
}

function quantiles(values: Float32Array, cuts: Float32Array): void {
  values.sort()
  for (let c = 0; c < cuts.length; c++)
    cuts[c] = values.length === 0 ? 0 : values[Math.floor(((c + 1) * values.length) / (cuts.length + 1))]
}

export function binStyle({ differences, context }: Rows, cuts: Float32Array): Binned {
  const rows = context.length / CONTEXT
  const bins = new Uint8Array(rows * INPUTS)
  const firsts = firstCuts(cuts)
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < SIGNED; k++) {
      const d = differences[i * WIDTH + k]
      if (d === 0) {
        bins[i * INPUTS + k] = ZERO
        continue
      }
      const end = (k + 1) * SIGNED_CUTS
      let cut = firsts[k * STEPS + Math.min(STEPS - 1, Math.floor(Math.abs(d) * STEPS))]
      while (cut < end && cuts[cut] < Math.abs(d)) cut++
      const size = 1 + cut - k * SIGNED_CUTS
      bins[i * INPUTS + k] = d < 0 ? ZERO - size : ZERO + size
    }
    for (let k = 0; k < CONTEXT; k++)
      bins[i * INPUTS + SIGNED + k] = below(cuts, SIGNED * SIGNED_CUTS + k * CONTEXT_CUTS, CONTEXT_CUTS, context[i * CONTEXT + k])
  }
  return { width: INPUTS, signed: SIGNED, bins }
}

/** Sizes, which are at most 1, are looked for from one of so many places on. */
const STEPS = 256

/** Of each signed feature and each step, the place of the first cut that is not below it. */
function firstCuts(cuts: Float32Array): Int32Array {
  const firsts = new Int32Array(SIGNED * STEPS)
  for (let k = 0; k < SIGNED; k++)
    for (let step = 0; step < STEPS; step++)
      firsts[k * STEPS + step] = k * SIGNED_CUTS + below(cuts, k * SIGNED_CUTS, SIGNED_CUTS, step / STEPS)
  return firsts
}

/** How many of the ascending cuts[at .. at + count) are below a value. */
function below(cuts: Float32Array, at: number, count: number, value: number): number {
  let from = at
  let to = at + count
  while (from < to) {
    const middle = (from + to) >>> 1
    if (cuts[middle] < value) from = middle + 1
    else to = middle
  }
  return from - at
}
