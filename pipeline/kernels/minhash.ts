/**
 * MinHash (Broder 1997): a set's signature is its smallest value under each of many hash functions; two signatures agree at one place
 * with probability equal to the Jaccard similarity. Functions are a x + b modulo 2^32 with odd a over well mixed x.
 */
import { mix32 } from './mix.ts'

export interface Family {
  readonly size: number
  readonly multipliers: Int32Array
  /** With the sign bit turned, so that values that are unsigned compare as signed integers. */
  readonly signedAddends: Int32Array
}

/** `size` hash functions drawn by the seed. */
export function familyOf(seed: number, size: number): Family {
  const draw = (i: number) => mix32(mix32(seed ^ 0x6d696e68) + Math.imul(i + 1, 0x9e3779b9))
  return {
    size,
    multipliers: Int32Array.from({ length: size }, (_, i) => draw(2 * i) | 1),
    signedAddends: Int32Array.from({ length: size }, (_, i) => draw(2 * i + 1) ^ SIGN),
  }
}

const SIGN = -0x80000000
/** The signature of the empty set. */
export const EMPTY = 0x7fffffff

/** Lowers the values of the first `size` functions, signature[at ..], by the given shingles. Start from EMPTY. */
export function sign(family: Family, shingles: Int32Array, signature: Int32Array, at: number, size: number): void {
  for (let k = 0; k < size; k++) {
    const a = family.multipliers[k]
    const b = family.signedAddends[k]
    let least = signature[at + k]
    for (let i = 0; i < shingles.length; i++) {
      const h = (Math.imul(a, shingles[i]) + b) | 0
      if (h < least) least = h
    }
    signature[at + k] = least
  }
}

/** Share of the places at which two signatures agree: estimates the Jaccard similarity. */
export function agreement(a: Int32Array, aAt: number, b: Int32Array, bAt: number, size: number): number {
  let same = 0
  for (let k = 0; k < size; k++) if (a[aAt + k] === b[bAt + k]) same++
  return same / size
}
