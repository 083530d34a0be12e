/** JSON Lines packed as one gzip member or one zstd frame: some readers stop after the first. The bytes depend on the lines alone. */
import { createGzip } from 'node:zlib'
import { openJsonlEncoder } from './jsonl-writer.ts'
import type { Emit, OpenEncoder } from './table-writer.ts'

interface Packer {
  pack(lines: Uint8Array): Promise<void> | void
  end(): Promise<void> | void
}

/** The lines of one group are packed before the next is made. */
const packed =
  (open: (emit: Emit) => Packer): OpenEncoder =>
  (columns, emit) => {
    const waiting: Uint8Array[] = []
    const lines = openJsonlEncoder(columns, bytes => waiting.push(bytes.slice()))
    const packer = open(emit)
    return {
      group_rows: lines.group_rows,
      async write(group) {
        await lines.write(group)
        for (const bytes of waiting.splice(0)) await packer.pack(bytes)
      },
      close: () => packer.end(),
    }
  }

function gzipper(emit: Emit): Packer {
  const gzip = createGzip({ level: 6 })
  let failure: unknown
  gzip.on('data', (bytes: Buffer) => {
    try {
      if (failure === undefined) emit(bytes)
    } catch (error) {
      failure = error
    }
  })
  const settled = (start: (done: (error?: Error | null) => void) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      start(error => (error || failure ? reject(error ?? failure) : resolve()))
    })
  return {
    pack: bytes => settled(done => gzip.write(bytes, done)),
    end: () =>
      settled(done => {
        gzip.once('end', done)
        gzip.end()
      }),
  }
}

const ZSTD_LEVEL = 3

/** What lies under the package's own methods, whose one stream is shared by all who load it. */
interface Library {
  readonly _mainModule: { readonly _module: { readonly HEAPU8: Uint8Array; _malloc(bytes: number): number; _free(at: number): void } }
  readonly _zstdClass: { new (): Stream; compressBound(bytes: number): number; CStreamOutSize(): number; isError(size: number): boolean }
}
interface Stream {
  reset(): void
  setCompressionLevel(level: number): void
  compressChunk(to: number, room: number, from: number, bytes: number): number
  compressEnd(to: number, room: number): number
  delete(): void
}

function zstdPacker(emit: Emit): Packer {
  let opened: { library: Library; stream: Stream } | undefined
  const open = async (): Promise<{ library: Library; stream: Stream }> => {
    const library = (await (await import('@hpcc-js/wasm-zstd')).Zstd.load()) as unknown as Library
    const stream = new library._zstdClass()
    stream.reset()
    stream.setCompressionLevel(ZSTD_LEVEL)
    return { library, stream }
  }
  const run = ({ library, stream }: { library: Library; stream: Stream }, bytes?: Uint8Array): void => {
    const { _zstdClass: zstd } = library
    const memory = library._mainModule._module
    const room = zstd.CStreamOutSize() + (bytes ? zstd.compressBound(bytes.length) : 0)
    const [to, from] = [memory._malloc(room), memory._malloc(bytes?.length ?? 0)]
    if (bytes) memory.HEAPU8.set(bytes, from)
    const size = bytes ? stream.compressChunk(to, room, from, bytes.length) : stream.compressEnd(to, room)
    const out = zstd.isError(size) ? undefined : memory.HEAPU8.slice(to, to + size)
    memory._free(to)
    memory._free(from)
    if (!out) throw new Error('zstd: a chunk could not be packed')
    if (out.length > 0) emit(out)
  }
  return {
    pack: async bytes => run((opened ??= await open()), bytes),
    end: async () => {
      run((opened ??= await open()))
      opened.stream.delete()
    },
  }
}

export const openGzipLines = packed(gzipper)
export const openZstdLines = packed(zstdPacker)
