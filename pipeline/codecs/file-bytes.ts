/** The bytes of a file in order, in chunks, unpacked where it is gzip or zstd. */

import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { UserError } from '../errors.ts'
import { damaged, messageOf, unreadable } from './damage.ts'
import type { Compression, Part } from './row-source.ts'
import { unzstd } from './zstd.ts'

const CHUNK = 1 << 20

/** A file as it lies on disk: its first bytes, its last, and its size. */
export interface FileEnds {
  readonly head: Buffer
  readonly tail: Buffer
  readonly size: number
}

/** Opens a file for `use` and closes it; a refusal of the system becomes a UserError. */
export async function withFile<T>(path: string, shown: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(path, 'r').catch(error => {
    throw unreadable(shown, error)
  })
  try {
    return await use(handle)
  } finally {
    await handle.close()
  }
}

/** Looks at both ends of a file; an empty one is refused. */
export function fileEnds(path: string, shown: string): Promise<FileEnds> {
  return withFile(path, shown, async handle => {
    const stat = await handle.stat()
    if (stat.isDirectory()) throw new UserError(`${shown}: is a folder, expected a file`)
    if (stat.size === 0) throw new UserError(`${shown}: holds no bytes; expected JSONL, a JSON array, Parquet or Arrow`)
    return { head: await readAt(handle, 0, 64), tail: await readAt(handle, Math.max(0, stat.size - 64), 64), size: stat.size }
  })
}

/** Up to `length` bytes from `at` on. */
export async function readAt(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, at + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

export const startsWith = (bytes: Uint8Array, ...magic: number[]): boolean => magic.every((byte, i) => bytes[i] === byte)

/** By magic bytes, not by name. */
export function compressionOf({ head }: FileEnds): Compression {
  if (startsWith(head, 0x1f, 0x8b)) return 'gzip'
  if (startsWith(head, 0x28, 0xb5, 0x2f, 0xfd)) return 'zstd'
  const skippable = head.length > 3 && head[0] >> 4 === 5 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18
  return skippable ? 'zstd' : 'none'
}

/** The unpacked bytes of a file; of one that is not packed, maybe of a part alone. */
export async function* fileBytes(path: string, shown: string, compression: Compression, part?: Part): AsyncGenerator<Buffer> {
  if (compression === 'gzip') yield* gunzipped(path, shown)
  else if (compression === 'zstd') yield* unzstd(rawBytes(path, shown), shown)
  else yield* rawBytes(path, shown, part)
}

async function* rawBytes(path: string, shown: string, part?: Part): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: CHUNK, ...(part ? { start: part.from, end: part.to - 1 } : {}) })
  try {
    for await (const chunk of file) yield chunk as Buffer
  } catch (error) {
    throw unreadable(shown, error)
  } finally {
    file.destroy()
  }
}

const NO_MEMBER = 'expected the end of the file or a further gzip member, got other bytes'

async function* gunzipped(path: string, shown: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: CHUNK })
  const unzip = createGunzip({ chunkSize: CHUNK })
  let unpacked = 0
  pipeline(file, unzip, () => {})
  try {
    for await (const chunk of unzip) {
      unpacked += (chunk as Buffer).length
      yield chunk as Buffer
    }
  } catch (error) {
    if (!String((error as NodeJS.ErrnoException).code).startsWith('Z_')) throw unreadable(shown, error)
    const message = messageOf(error)
    // The first header was seen before, so this one stands where the file should end.
    throw damaged(shown, `gzip, after ${unpacked} unpacked bytes`, message === 'incorrect header check' ? NO_MEMBER : message)
  } finally {
    unzip.destroy()
    file.destroy()
  }
  await checkRest(path, shown, unzip.bytesWritten)
}

/** zlib stops without a word at bytes that begin no further member; only zeros may fill the end. */
async function checkRest(path: string, shown: string, read: number): Promise<void> {
  await withFile(path, shown, async handle => {
    for (let at = read; ; ) {
      const rest = await readAt(handle, at, CHUNK)
      if (rest.length === 0) return
      const wrong = rest.findIndex(byte => byte !== 0)
      if (wrong >= 0) throw damaged(shown, `gzip, byte ${at + wrong}`, NO_MEMBER)
      at += rest.length
    }
  })
}
