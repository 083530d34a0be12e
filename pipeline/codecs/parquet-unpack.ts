/** The ways in which pages of Parquet files are packed. */
import { uncompressSync } from 'snappy'
import { openZstd } from './zstd.ts'

/** Unpacks to exactly `size` bytes; undefined where the page is no such page. */
type Unpack = (packed: Uint8Array, size: number) => Uint8Array | undefined
export type Unpackers = Readonly<Record<number, Unpack>>

/** By number of `CompressionCodec`. */
export async function openUnpackers(): Promise<Unpackers> {
  return { 0: packed => packed, 1: unsnappy, 6: await openZstd() }
}
export const CODECS: readonly number[] = [0, 1, 6]

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
