// AssemblyScript. The twin of ../../mix.ts, for kernels that hash.

export function mix32(x: u32): u32 {
  let h = (x ^ (x >> 16)) * 0x85ebca6b
  h = (h ^ (h >> 13)) * 0xc2b2ae35
  return h ^ (h >> 16)
}

/** Of two words in this order. */
export function pairHash(first: u32, second: u32): u32 {
  return mix32((first * 0x9e3779b1) ^ second)
}
