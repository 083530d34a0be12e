/** Lays phrases out for compiled kernels. */
import type { Phrases } from './phrases.ts'

/** Chains of phrases: by the low bits of their first words. */
export const HEADS = 1 << 12

/** Chains the phrases whose first words have the same low bits; gives the address after the last. */
export function writePhrases(phrases: Phrases, heads: number, from: number, numbers: Int32Array): number {
  let address = from
  for (const [first, rests] of phrases)
    for (const rest of rests) {
      const head = (heads >> 2) + (first & (HEADS - 1))
      numbers.set([numbers[head], first, rest.length, ...rest], address >> 2)
      numbers[head] = address
      address += 12 + rest.length * 4
    }
  return address
}
