/** The ways in which pages of Parquet files are packed. */
import { uncompressSync } from 'snappy'
import type { ParquetFooter } from './parquet-footer.ts'
import { openZstd, openZstdPieces, type Pieces } from './zstd-buffers.ts'

/** Unpacks to exactly `size` bytes; undefined where the page is no such page. */
type Unpack = (packed: Uint8Array, size: number) => Uint8Array | undefined
export interface Unpackers {
  /** By number of `CompressionCodec`. */
  readonly whole: Readonly<Record<number, Unpack>>
  /** For large pages packed by zstd, where there may be some. */
  readonly pieces?: Pieces
}

export const ZSTD = 6
export const CODECS: readonly number[] = [0, 1, ZSTD]

/** A chunk below this has no page that is large unpacked, or is soon read. */
const LARGE_CHUNK = 8 * 2 ** 20

export async function openUnpackers({ groups }: ParquetFooter): Promise<Unpackers> {
  const whole = { 0: (packed: Uint8Array) => packed, 1: unsnappy, [ZSTD]: await openZstd() }
  const large = groups.some(({ chunks }) => chunks.some(({ codec, start, end }) => codec === ZSTD && end - start >= LARGE_CHUNK))
  return large ? { whole, pieces: await openZstdPieces() } : { whole }
}

function unsnappy(packed: Uint8Array, size: number): Uint8Array | undefined {
  // the block begins with its size: one that claims more is not given the memory
  let claimed = 0
  for (let k = 0; k < 5 && k < packed.length; k++) {
    claimed += (packed[k] & 127) * 128 ** k
    if (packed[k] < 128) break
  }
  if (claimed !== size) return undefined
  try {
    return uncompressSync(packed as Buffer, { asBuffer: true }) as Buffer
  } catch {
    return undefined
  }
}
