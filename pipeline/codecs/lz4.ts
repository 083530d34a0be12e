/** LZ4 frames (the frame and block formats of lz4.org), as Arrow files hold them; block by block, sizes checked, checksums not. */

/** Unpacks one frame of `size` unpacked bytes; undefined if it does not unpack to that. */
export function unlz4(packed: Uint8Array, size: number): Uint8Array | undefined {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  if (packed.length < 11 || view.getUint32(0, true) !== 0x184d2204) return undefined
  const flags = packed[4]
  const out = new Uint8Array(size)
  let at = 7 + (flags & 8 ? 8 : 0) + (flags & 1 ? 4 : 0)
  let written = 0
  while (at + 4 <= packed.length) {
    const word = view.getUint32(at, true)
    if (word === 0) return written === size ? out : undefined
    const length = word & 0x7fffffff
    const block = packed.subarray(at + 4, at + 4 + length)
    if (block.length < length) return undefined
    written = word >>> 31 ? stored(block, out, written) : unpackBlock(block, out, written)
    if (written < 0) return undefined
    at += 4 + length + (flags & 16 ? 4 : 0)
  }
  return undefined
}

function stored(block: Uint8Array, out: Uint8Array, at: number): number {
  if (at + block.length > out.length) return -1
  out.set(block, at)
  return at + block.length
}

/** Gives where the unpacked block ends in `out`, or -1. */
function unpackBlock(block: Uint8Array, out: Uint8Array, start: number): number {
  let from = 0
  let to = start
  /** A length that the token began; 255 says that it goes on. */
  const lengthOf = (nibble: number): number => {
    let length = nibble
    if (nibble < 15) return length
    for (let byte = 255; byte === 255 && from < block.length; ) length += byte = block[from++]
    return length
  }
  while (from < block.length) {
    const token = block[from++]
    const literals = lengthOf(token >> 4)
    if (from + literals > block.length || to + literals > out.length) return -1
    out.set(block.subarray(from, from + literals), to)
    from += literals
    to += literals
    if (from === block.length) return to
    const back = block[from] | (block[from + 1] << 8)
    from += 2
    const length = lengthOf(token & 15) + 4
    if (back === 0 || back > to || to + length > out.length || from > block.length) return -1
    if (back >= length) out.copyWithin(to, to - back, to - back + length)
    else for (let k = 0; k < length; k++) out[to + k] = out[to + k - back]
    to += length
  }
  return -1
}
