// AssemblyScript. Signs and ideographs among 64 bytes at a time.

/**
 * A bit for each of 64 bytes that begins a character of U+4000 to U+DFFF: ideographs and Hangul, none of which is a sign (a test checks
 * that), so that they are counted together.
 */
export function ideographsOfAll(block: usize): u64 {
  const low = <u64>ideographsOf(v128.load(block)) | ((<u64>ideographsOf(v128.load(block, 16))) << 16)
  return low | ((<u64>ideographsOf(v128.load(block, 32))) << 32) | ((<u64>ideographsOf(v128.load(block, 48))) << 48)
}

function ideographsOf(block: v128): i32 {
  return i8x16.bitmask(i8x16.le_u(i8x16.sub(block, i8x16.splat(<i8>0xe4)), i8x16.splat(<i8>(0xed - 0xe4))))
}

/**
 * A bit for each of 64 bytes that may be a sign: some of ASCII, and all that begin a longer character. `nibbles`: 16 bytes, of the ASCII bytes
 * with that low nibble a bit for the high nibble of each that is a sign.
 */
export function signsOfAll(block: usize, nibbles: usize): u64 {
  const table = v128.load(nibbles)
  const low = <u64>signsOf(v128.load(block), table) | ((<u64>signsOf(v128.load(block, 16), table)) << 16)
  return low | ((<u64>signsOf(v128.load(block, 32), table)) << 32) | ((<u64>signsOf(v128.load(block, 48), table)) << 48)
}

function signsOf(block: v128, table: v128): i32 {
  const low = i8x16.swizzle(table, v128.and(block, i8x16.splat(0x0f)))
  const high = i8x16.swizzle(i8x16(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0), i8x16.shr_u(block, 4))
  return (
    i8x16.bitmask(i8x16.ne(v128.and(low, high), i8x16.splat(0))) |
    (i8x16.bitmask(i8x16.gt_s(block, i8x16.splat(<i8>0xbf))) & i8x16.bitmask(block))
  )
}
