// AssemblyScript. The hash of a word, as ../../tokens.ts has it.

export const BASIS: u32 = 0x2545f491

/** Of the bytes between two addresses, with the bits of `lower` set in every eight. Eight bytes after them must be readable. */
export function hashBytes(begin: usize, end: usize, lower: u64): u32 {
  let h = BASIS
  for (let at = begin; at < end; at += 8) {
    let eight = load<u64>(at) | lower
    const rest = end - at
    if (rest < 8) eight &= ((<u64>1) << ((<u64>rest) << 3)) - 1
    h = absorb(h, eight)
  }
  return finish(h ^ <u32>(end - begin))
}

/** Takes up eight bytes, 0 beyond the end of the word. */
export function absorb(hash: u32, eight: u64): u32 {
  let h = (hash ^ <u32>eight) * 0x9e3779b1
  h = (h ^ (h >> 15) ^ <u32>(eight >> 32)) * 0x85ebca77
  return h ^ (h >> 13)
}

/** Of what has taken up a word, ^ its size. */
export function finish(hash: u32): u32 {
  let h = (hash ^ (hash >> 16)) * 0x85ebca6b
  h = (h ^ (h >> 13)) * 0xc2b2ae35
  return h ^ (h >> 16)
}
