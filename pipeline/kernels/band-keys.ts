/** 64-bit keys of bands: what is equal for two pairs whose fields agree on the band's rows. */
import { mix32 } from './mix.ts'

/** Keys of a batch's rows, `bands` a row. */
export interface BandKeys {
  readonly hi: Int32Array
  readonly lo: Int32Array
}

/** The part of a signature column that belongs to one field: `rows` values a band. */
export interface FieldSignatures {
  readonly values: Int32Array
  readonly rows: number
}

/**
 * The keys of every band of every pair. Fields of `straight` enter as they are, the two responses so that their order does not matter:
 * a band is shared if every field agrees on its own rows of it, so with J the smallest similarity of the fields, with probability at
 * least J to the number of all rows.
 */
export function bandKeys(
  pairs: number,
  bands: number,
  straight: readonly FieldSignatures[],
  responses?: readonly [FieldSignatures, FieldSignatures],
): BandKeys {
  const hi = new Int32Array(pairs * bands)
  const lo = new Int32Array(pairs * bands)
  for (let i = 0; i < hi.length; i++) {
    let high = mix32(i % bands)
    let low = ~high
    for (const field of straight) {
      high = mix32(high ^ laneOf(field, i, HIGH))
      low = mix32(low ^ laneOf(field, i, LOW))
    }
    if (responses) {
      high = mix32(high ^ (laneOf(responses[0], i, HIGH) + laneOf(responses[1], i, HIGH)))
      low = mix32(low ^ (laneOf(responses[0], i, LOW) + laneOf(responses[1], i, LOW)))
    }
    hi[i] = high
    lo[i] = low
  }
  return { hi, lo }
}

const HIGH = 0x9e3779b1
const LOW = 0x85ebca77

/** One of two independent hashes of a field's values in one band. */
function laneOf({ values, rows }: FieldSignatures, band: number, lane: number): number {
  let h = lane
  for (let k = band * rows; k < (band + 1) * rows; k++) h = Math.imul(h ^ mix32(values[k] + lane), lane)
  return mix32(h)
}
