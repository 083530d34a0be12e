/** A Parquet file that is open for reading. */
import { closeSync, openSync } from 'node:fs'
import { unreadable } from './damage.ts'
import type { ParquetFooter } from './parquet-footer.ts'
import { openUnpackers, type Unpackers } from './parquet-unpack.ts'

export interface ParquetFile {
  readonly fd: number
  readonly shown: string
  readonly unpackers: Unpackers
}

/** The caller closes it. */
export async function openFile(path: string, shown: string, footer: ParquetFooter): Promise<ParquetFile> {
  const unpackers = await openUnpackers(footer)
  try {
    return { fd: openSync(path, 'r'), shown, unpackers }
  } catch (error) {
    throw unreadable(shown, error)
  }
}

export function closeFile({ fd, unpackers }: ParquetFile): void {
  unpackers.pieces?.close()
  closeSync(fd)
}
