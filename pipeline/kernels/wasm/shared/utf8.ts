// AssemblyScript. Code points of UTF-8, which texts hold without faults.

/** Bytes of the character that begins with this one. */
export function sizeOf(lead: i32): i32 {
  return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
}

/** The code point of two bytes or more that begins at `at`. */
export function pointAt(at: usize): i32 {
  const lead = <i32>load<u8>(at)
  const second = <i32>load<u8>(at, 1) & 0x3f
  if (lead < 0xe0) return ((lead & 0x1f) << 6) | second
  const third = <i32>load<u8>(at, 2) & 0x3f
  if (lead < 0xf0) return ((lead & 0x0f) << 12) | (second << 6) | third
  return ((lead & 0x07) << 18) | (second << 12) | (third << 6) | (<i32>load<u8>(at, 3) & 0x3f)
}

/** Writes a code point; gives the place after it. */
export function encode(point: i32, to: usize): usize {
  if (point < 0x80) {
    store<u8>(to, point)
    return to + 1
  }
  if (point < 0x800) {
    store<u8>(to, 0xc0 | (point >> 6))
    store<u8>(to + 1, 0x80 | (point & 0x3f))
    return to + 2
  }
  if (point < 0x10000) {
    store<u8>(to, 0xe0 | (point >> 12))
    store<u8>(to + 1, 0x80 | ((point >> 6) & 0x3f))
    store<u8>(to + 2, 0x80 | (point & 0x3f))
    return to + 3
  }
  store<u8>(to, 0xf0 | (point >> 18))
  store<u8>(to + 1, 0x80 | ((point >> 12) & 0x3f))
  store<u8>(to + 2, 0x80 | ((point >> 6) & 0x3f))
  store<u8>(to + 3, 0x80 | (point & 0x3f))
  return to + 4
}
