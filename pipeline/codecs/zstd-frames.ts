/** What the headers of Zstandard frames and blocks say (RFC 8878); `fault` makes the error of a damaged one. */

/** Most that one block unpacks to (RFC 8878, 3.1.1.2.3). */
export const BLOCK = 1 << 17
const MAX_WINDOW = 1 << 27
const MAGIC = 0xfd2fb528

export interface Frame {
  readonly header: number
  readonly checksum: boolean
  readonly size?: bigint
  /** Bytes that must be kept to unpack it. */
  readonly window: number
}

export interface BlockHeader {
  readonly last: boolean
  /** What follows the header, and the most that it unpacks to. */
  readonly bytes: number
  readonly most: number
}

/** A block's three bytes (RFC 8878, 3.1.1.2): raw, one byte repeated, or compressed. */
export function blockHeader(word: number, fault: (what: string) => Error): BlockHeader {
  const kind = (word >> 1) & 3
  const length = word >> 3
  if (kind === 3 || length > BLOCK) throw fault('expected a zstd block, got other bytes')
  return { last: (word & 1) === 1, bytes: kind === 1 ? 1 : length, most: kind === 2 ? BLOCK : length }
}

export function frameHeader(bytes: Buffer, fault: (what: string) => Error): Frame {
  if (bytes.length < 6 || bytes.readUInt32LE(0) !== MAGIC) throw fault('expected the end of the file or a zstd frame, got other bytes')
  const flags = bytes[4]
  const single = (flags & 0x20) !== 0
  const dictionary = [0, 1, 2, 4][flags & 3]
  const sized = [single ? 1 : 0, 2, 4, 8][flags >> 6]
  const header = 5 + (single ? 0 : 1) + dictionary + sized
  if (bytes.length < header || (flags & 8) !== 0) throw fault('expected a zstd frame header, got other bytes')
  if (dictionary > 0) throw fault('this frame needs a dictionary, which goldpan does not have; pack the file without one')
  const at = header - sized
  const size =
    sized === 0 ? undefined : sized === 8 ? bytes.readBigUInt64LE(at) : BigInt(bytes.readUIntLE(at, sized) + (sized === 2 ? 256 : 0))
  const window = single ? Number(size) : 2 ** (10 + (bytes[5] >> 3)) * (1 + (bytes[5] & 7) / 8)
  if (window > MAX_WINDOW && !single)
    throw fault(
      `the frame needs a window of ${window} bytes, at most ${MAX_WINDOW} are kept; pack the file without --ultra --long=28 or more`,
    )
  return { header, checksum: (flags & 4) !== 0, size, window }
}
