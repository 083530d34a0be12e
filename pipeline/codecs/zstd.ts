/**
 * Zstandard (RFC 8878). Streams are unpacked block by block in bounded memory with libzstd in WebAssembly, checksums and sizes checked here;
 * buffers of known size at once with libzstd itself, which needs no start of its own in every thread.
 */
import { createXXHash64 } from 'hash-wasm'
import { Cursor } from './cursor.ts'
import { damaged } from './damage.ts'

/** What lies under the package's own methods, which copy byte by byte through JS arrays (13 MB/s; this way 350). */
interface Library {
  readonly _mainModule: { readonly _module: { readonly HEAPU8: Uint8Array; _malloc(bytes: number): number; _free(at: number): void } }
  readonly _zstdClass: { new (): Stream }
}
interface Stream {
  reset(): void
  /** Bytes written; 0 on any fault. */
  decompressChunk(to: number, room: number, from: number, bytes: number): number
  delete(): void
}

/** Most that one block unpacks to (RFC 8878, 3.1.1.2.3). */
const BLOCK = 1 << 17
const MAX_WINDOW = 1 << 27
const MAGIC = 0xfd2fb528

interface Frame {
  readonly header: number
  readonly checksum: boolean
  readonly size?: bigint
}

/** Unpacks any number of frames laid end to end. */
export async function* unzstd(packed: AsyncIterable<Buffer>, shown: string): AsyncGenerator<Buffer> {
  const library = (await (await import('@hpcc-js/wasm-zstd')).Zstd.load()) as unknown as Library
  const cursor = new Cursor(packed)
  const stream = new library._zstdClass()
  const memory = library._mainModule._module
  const input = memory._malloc(BLOCK + 64)
  const output = memory._malloc(BLOCK * 2)
  const unpack = (bytes: Buffer): Buffer => {
    memory.HEAPU8.set(bytes, input)
    const size = stream.decompressChunk(output, BLOCK * 2, input, bytes.length)
    return Buffer.from(memory.HEAPU8.subarray(output, output + size))
  }
  try {
    while ((await cursor.fill(4)) > 0) {
      if (await skipped(cursor, shown)) continue
      stream.reset()
      yield* frame(cursor, shown, unpack)
    }
  } finally {
    memory._free(input)
    memory._free(output)
    stream.delete()
    await cursor.close()
  }
}

/** Passes over a skippable frame. */
async function skipped(cursor: Cursor, shown: string): Promise<boolean> {
  const start = cursor.peek(4)
  if (start.length < 4) throw damaged(shown, `zstd, byte ${cursor.position}`, 'the file ends inside a frame')
  if (start.readUInt32LE(0) >>> 4 !== 0x184d2a5) return false
  if ((await cursor.fill(8)) < 8) throw damaged(shown, `zstd, byte ${cursor.position}`, 'the file ends inside a frame')
  let left = cursor.take(8).readUInt32LE(4)
  while (left > 0) {
    const held = Math.min(left, await cursor.fill(1))
    if (held === 0) throw damaged(shown, `zstd, byte ${cursor.position}`, 'the file ends inside a frame')
    left -= cursor.take(held).length
  }
  return true
}

async function* frame(cursor: Cursor, shown: string, unpack: (bytes: Buffer) => Buffer): AsyncGenerator<Buffer> {
  const fault = (what: string) => damaged(shown, `zstd, byte ${cursor.position}`, what)
  await cursor.fill(18)
  const { header, checksum, size } = frameHeader(cursor.peek(18), fault)
  const hash = await createXXHash64()
  unpack(cursor.take(header))
  let total = 0
  for (let last = false; !last; ) {
    if (!cursor.has(3) && (await cursor.fill(3)) < 3) throw fault('the file ends inside a frame')
    const block = blockHeader(cursor.peek(3).readUIntLE(0, 3), fault)
    last = block.last
    const bytes = 3 + block.bytes
    const held = bytes + (last && checksum ? 4 : 0)
    if (!cursor.has(held) && (await cursor.fill(held)) < held) throw fault('the file ends inside a block')
    const text = unpack(cursor.peek(bytes))
    if (text.length === 0 && block.most > 0) throw fault('a zstd block does not unpack')
    cursor.take(bytes)
    hash.update(text)
    total += text.length
    if (text.length > 0) yield text
  }
  if (size !== undefined && BigInt(total) !== size) throw fault(`expected a frame of ${size} bytes, got ${total}`)
  if (!checksum) return
  const expected = cursor.take(4).readUInt32LE(0)
  if (Buffer.from(hash.digest('binary')).readUInt32BE(4) !== expected) throw fault('the checksum of a zstd frame does not match')
}

interface BlockHeader {
  readonly last: boolean
  /** What follows the header, and the most that it unpacks to. */
  readonly bytes: number
  readonly most: number
}

/** A block's three bytes (RFC 8878, 3.1.1.2): raw, one byte repeated, or compressed. */
function blockHeader(word: number, fault: (what: string) => Error): BlockHeader {
  const kind = (word >> 1) & 3
  const length = word >> 3
  if (kind === 3 || length > BLOCK) throw fault('expected a zstd block, got other bytes')
  return { last: (word & 1) === 1, bytes: kind === 1 ? 1 : length, most: kind === 2 ? BLOCK : length }
}

function frameHeader(bytes: Buffer, fault: (what: string) => Error): Frame {
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
  return { header, checksum: (flags & 4) !== 0, size }
}

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
