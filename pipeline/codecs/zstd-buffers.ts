/** Zstandard buffers of known size: unpacked at once with libzstd itself, which needs no start of its own in every thread, or block by block. */
import { type BlockUnpacker, openBlocks } from './zstd.ts'
import { blockHeader, frameHeader } from './zstd-frames.ts'

/** A block of less than 128 KiB may unpack to less than its header allows. What allows more than this is no buffer of that size. */
const mostAllowed = (size: number): number => Math.min(size + 256 * 2 ** 20, 64 * size + 2 ** 20)

/** Unpacks one buffer of which the unpacked size is known, at once; undefined if it does not unpack to that. Takes at most 256 MiB more. */
export async function openZstd(): Promise<(packed: Uint8Array, size: number) => Uint8Array | undefined> {
  const { Decoder } = await import('@toondepauw/node-zstd')
  const decoder = new Decoder()
  return ({ buffer, byteOffset, byteLength }, size) => {
    const packed = Buffer.from(buffer, byteOffset, byteLength)
    try {
      if (mostUnpacked(packed, size) > mostAllowed(size)) return undefined
      const bytes = decoder.decodeSync(packed)
      return bytes.length === size ? bytes : undefined
    } catch {
      return undefined
    }
  }
}

/** The most that frames laid end to end unpack to by the headers of their blocks; throws where a frame is none or claims more than `size`. */
function mostUnpacked(packed: Buffer, size: number): number {
  const fault = (what: string): Error => new Error(what)
  let most = 0
  for (let at = 0; at < packed.length; ) {
    const frame = frameHeader(packed.subarray(at, at + 18), fault)
    if (frame.size !== undefined && frame.size > size) throw fault('a frame is larger than what is expected')
    at += frame.header
    for (let last = false; !last; ) {
      const block = blockHeader(packed.readUIntLE(at, 3), fault)
      last = block.last
      most += block.most
      at += 3 + block.bytes
    }
    if (frame.checksum) at += 4
    if (at > packed.length) throw fault('the buffer ends inside a frame')
  }
  return most
}

export interface Pieces {
  /**
   * The pieces of one buffer of frames in order, each valid until the next one of any. Undefined for frames that are better unpacked at once: those
   * with a checksum, which is not looked at here, and those that need as much memory either way.
   */
  of(packed: Uint8Array, size: number): Iterator<Uint8Array> | undefined
  /** Ends what was not read to its end. */
  close(): void
}

/** What levels up to 19 need; kept by the thread from then on. */
const MOST_WINDOW = 8 * 2 ** 20

/** Unpacks buffers of known size block by block, so that they need not lie in memory; faults are RangeErrors. */
export async function openZstdPieces(): Promise<Pieces> {
  const open = await openBlocks()
  const unpackers = new Set<BlockUnpacker>()
  return {
    of: ({ buffer, byteOffset, byteLength }, size) => {
      const packed = Buffer.from(buffer, byteOffset, byteLength)
      const { checksum, window } = frameHeader(packed.subarray(0, 18), fault)
      if (checksum || window > MOST_WINDOW) return undefined
      const unpacker = open()
      unpackers.add(unpacker)
      return ending(pieces(unpacker, packed, size), () => {
        unpackers.delete(unpacker)
        unpacker.close()
      })
    },
    close: () => {
      for (const unpacker of unpackers) unpacker.close()
      unpackers.clear()
    },
  }
}

function* ending<T>(items: Iterable<T>, end: () => void): Generator<T> {
  yield* items
  end()
}

const fault = (what: string): Error => new RangeError(`a page does not unpack: ${what}`)

function* pieces(unpacker: BlockUnpacker, packed: Buffer, size: number): Generator<Uint8Array> {
  let total = 0
  for (let at = 0; at < packed.length; ) {
    const { header, checksum } = frameHeader(packed.subarray(at, at + 18), fault)
    if (checksum) throw fault('one of its frames has a checksum, another has none')
    unpacker.reset()
    unpacker.unpack(packed.subarray(at, at + header))
    at += header
    for (let last = false; !last; ) {
      if (at + 3 > packed.length) throw fault('it ends inside a frame')
      const block = blockHeader(packed.readUIntLE(at, 3), fault)
      const end = at + 3 + block.bytes
      if (end > packed.length) throw fault('it ends inside a block')
      const piece = unpacker.unpack(packed.subarray(at, end))
      if (piece.length === 0 && block.most > 0) throw fault('a zstd block does not unpack')
      total += piece.length
      if (total > size) throw fault(`it has more than the ${size} bytes that it says`)
      if (piece.length > 0) yield piece
      last = block.last
      at = end
    }
  }
  if (total !== size) throw fault(`it has ${total} bytes and says ${size}`)
}
