/** 64-bit keys of bands: what is equal for two pairs whose fields agree on the band's rows. */
import { mixSigned } from './mix.ts'
import { compiled } from './native.ts'
import { type BandHasher, nativeBands } from './native-bands.ts'

const wasm = compiled('bands')
const builtIn = wasm ? nativeBands(wasm) : null

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
export const bandKeys: BandHasher = (...given) => (builtIn ?? bandKeysPlainly)(...given)

/** The same in plain TypeScript. */
export function bandKeysPlainly(
  pairs: number,
  bands: number,
  straight: readonly FieldSignatures[],
  responses?: readonly [FieldSignatures, FieldSignatures],
): BandKeys {
  const hi = new Int32Array(pairs * bands)
  const lo = new Int32Array(pairs * bands)
  for (let i = 0, band = 0; i < hi.length; i++, band = band + 1 === bands ? 0 : band + 1) {
    hi[i] = mixSigned(band)
    lo[i] = ~hi[i]
  }
  for (const field of straight) {
    addField(hi, field, HIGH)
    addField(lo, field, LOW)
  }
  if (responses) {
    addResponses(hi, responses, HIGH)
    addResponses(lo, responses, LOW)
  }
  return { hi, lo }
}

/** One of two independent hashes of a field's values in one band makes one half of a key. Signed, to stay among integers. */
const HIGH = 0x9e3779b1 | 0
const LOW = 0x85ebca77 | 0

function addField(keys: Int32Array, { values, rows }: FieldSignatures, lane: number): void {
  for (let i = 0; i < keys.length; i++) keys[i] = mixSigned(keys[i] ^ laneOf(values, i * rows, rows, lane))
}

function addResponses(keys: Int32Array, [chosen, rejected]: readonly [FieldSignatures, FieldSignatures], lane: number): void {
  for (let i = 0; i < keys.length; i++) {
    const first = laneOf(chosen.values, i * chosen.rows, chosen.rows, lane)
    const second = laneOf(rejected.values, i * rejected.rows, rejected.rows, lane)
    keys[i] = mixSigned(keys[i] ^ ((first + second) | 0))
  }
}

function laneOf(values: Int32Array, from: number, rows: number, lane: number): number {
  let h = lane
  for (let k = from; k < from + rows; k++) h = Math.imul(h ^ mixSigned((values[k] + lane) | 0), lane)
  return mixSigned(h)
}
