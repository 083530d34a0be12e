/** Zstandard streams (RFC 8878), unpacked block by block in bounded memory with libzstd in WebAssembly, checksums and sizes checked here. */
import { createXXHash64 } from 'hash-wasm'
import { Cursor } from './cursor.ts'
import { damaged } from './damage.ts'
import { BLOCK, blockHeader, frameHeader } from './zstd-frames.ts'

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

/** Unpacks any number of frames laid end to end. */
export async function* unzstd(packed: AsyncIterable<Buffer>, shown: string): AsyncGenerator<Buffer> {
  const cursor = new Cursor(packed)
  const unpacker = (await openBlocks())()
  const unpack = (bytes: Buffer): Buffer => Buffer.from(unpacker.unpack(bytes))
  try {
    while ((await cursor.fill(4)) > 0) {
      if (await skipped(cursor, shown)) continue
      unpacker.reset()
      yield* frame(cursor, shown, unpack)
    }
  } finally {
    unpacker.close()
    await cursor.close()
  }
}

/** Unpacks a frame header, then block after block; after `reset` another frame. */
export interface BlockUnpacker {
  reset(): void
  /** Valid until the next call of any unpacker; nothing on any fault. */
  unpack(bytes: Uint8Array): Uint8Array
  close(): void
}

/** Loads the library; what it gives makes unpackers. */
export async function openBlocks(): Promise<() => BlockUnpacker> {
  const library = (await (await import('@hpcc-js/wasm-zstd')).Zstd.load()) as unknown as Library
  const memory = library._mainModule._module
  return () => {
    const stream = new library._zstdClass()
    const input = memory._malloc(BLOCK + 64)
    const output = memory._malloc(BLOCK * 2)
    return {
      reset: () => stream.reset(),
      unpack: bytes => {
        memory.HEAPU8.set(bytes, input)
        const size = stream.decompressChunk(output, BLOCK * 2, input, bytes.length)
        // only now: the memory may have grown
        return memory.HEAPU8.subarray(output, output + size)
      },
      close: () => {
        memory._free(input)
        memory._free(output)
        stream.delete()
      },
    }
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
