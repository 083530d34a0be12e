/** A bijection of 32-bit integers that moves every bit of the output with every bit of the input (Murmur3's finaliser). */
export const mix32 = (h: number): number => mixSigned(h) >>> 0

/** The same as a signed integer: among those the compiler stays where no number need be above 2^31. */
export function mixSigned(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
