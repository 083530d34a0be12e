/** Rows of one byte a feature, as trees read them. */

/** Bins of a signed feature: ZERO is 0, ZERO + b and ZERO - b mirror each other. */
export const ZERO = 31
export const BINS = 2 * ZERO + 1

/** The first `signed` features change sign when a pair is turned, the rest do not. */
export interface Binned {
  readonly width: number
  readonly signed: number
  readonly bins: Uint8Array
}
