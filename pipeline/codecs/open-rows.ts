/** Opens a source file of any container, recognised by its bytes. */
import { UserError } from '../errors.ts'
import { arrowKind, openArrow } from './arrow-source.ts'
import { compressionOf, type FileEnds, fileBytes, fileEnds, startsWith } from './file-bytes.ts'
import { jsonArrayRows, jsonlRows } from './jsonl.ts'
import { markLength } from './lines.ts'
import { isParquet } from './parquet-pages.ts'
import { openParquet } from './parquet-source.ts'
import type { Compression, RowSource } from './row-source.ts'

const KNOWN = 'expected JSONL, a JSON array (either also as gzip or zstd), Parquet or Arrow'

const others: readonly [string, readonly number[]][] = [
  ['a zip archive', [0x50, 0x4b, 3, 4]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58]],
  ['lz4', [4, 0x22, 0x4d, 0x18]],
  ['a Feather file of version 1', [0x46, 0x45, 0x41, 0x31]],
  ['UTF-16 text', [0xff, 0xfe]],
  ['UTF-16 text', [0xfe, 0xff]],
  ['SQLite', [...Buffer.from('SQLite')]],
]

export async function openRows(path: string, shown: string): Promise<RowSource> {
  const ends = await fileEnds(path, shown)
  if (isParquet(ends)) return openParquet(path, shown, ends)
  if (arrowKind(ends)) return openArrow(path, shown, ends)
  const compression = compressionOf(ends)
  const head = compression === 'none' ? ends.head : await firstBytes(path, shown, compression)
  refuseOthers(head, shown, compression)
  const list = firstByte(head) === 0x5b
  return {
    container: list ? 'json' : 'jsonl',
    compression,
    blocks: () => (list ? jsonArrayRows(fileBytes(path, shown, compression), shown) : jsonlRows(fileBytes(path, shown, compression))),
  }
}

async function firstBytes(path: string, shown: string, compression: Compression): Promise<Uint8Array> {
  for await (const chunk of fileBytes(path, shown, compression)) return chunk
  throw new UserError(`${shown}: holds no bytes after unpacking; ${KNOWN}`)
}

/** The first byte that is no white space. */
function firstByte(head: Uint8Array): number | undefined {
  return head.subarray(markLength(head)).find(byte => byte > 0x20)
}

function refuseOthers(head: Uint8Array, shown: string, compression: Compression): void {
  const ends: FileEnds = { head: Buffer.from(head.subarray(0, 64)), tail: Buffer.alloc(0), size: head.length }
  const packed = compression !== 'none' && (isParquet(ends) || arrowKind(ends) || compressionOf(ends) !== 'none')
  if (packed) throw new UserError(`${shown}: ${compression} around a file that is itself packed; unpack it first`)
  const other = others.find(([, magic]) => startsWith(head, ...magic))
  if (other) throw new UserError(`${shown}: is ${other[0]}; ${KNOWN}`)
  if (head.subarray(0, 64).includes(0)) throw new UserError(`${shown}: is neither text nor a known format (it holds zero bytes); ${KNOWN}`)
}
