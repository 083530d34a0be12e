/** Opens a source file of any container, recognised by its bytes. */
import { UserError } from '../errors.ts'
import { arrowKind } from './arrow-messages.ts'
import { compressionOf, type FileEnds, fileBytes, fileEnds, startsWith } from './file-bytes.ts'
import { jsonArrayRows, jsonlRows } from './jsonl.ts'
import { lineParts, markLength } from './lines.ts'
import { isParquet } from './parquet-footer.ts'
import { type Compression, cut, type Part, type RowSource } from './row-source.ts'

const OPEN_LIST = 0x5b
const NEWLINE = 10

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
  // What reads these is large, and not loaded for other files.
  if (isParquet(ends)) return (await import('./parquet-source.ts')).openParquet(path, shown, ends)
  if (arrowKind(ends)) return (await import('./arrow-source.ts')).openArrow(path, shown, ends)
  const compression = compressionOf(ends)
  const head = await firstBytes(path, shown, compression)
  refuseOthers(head, shown, compression)
  const list = firstByte(head) === OPEN_LIST
  if (!list) refuseOtherText(head, shown)
  const bytes = (part?: Part) => fileBytes(path, shown, compression, part)
  if (list) return { container: 'json', compression, blocks: () => jsonArrayRows(bytes(), shown) }
  return {
    container: 'jsonl',
    compression,
    blocks: (_columns, _rows, part) => jsonlRows(bytes(part), part?.from),
    ...(compression === 'none' ? { parts: size => lineParts(bytes(), size) } : {}),
  }
}

async function firstBytes(path: string, shown: string, compression: Compression): Promise<Buffer> {
  for await (const chunk of fileBytes(path, shown, compression)) return chunk
  throw new UserError(`${shown}: holds no bytes once unpacked; ${KNOWN}`)
}

/** The first byte that is no white space. */
function firstByte(head: Uint8Array): number | undefined {
  return head.subarray(markLength(head)).find(byte => byte > 0x20)
}

function refuseOthers(head: Buffer, shown: string, compression: Compression): void {
  const ends: FileEnds = { head: head.subarray(0, 64), tail: Buffer.alloc(0), size: head.length }
  if (compression !== 'none' && (isParquet(ends) || arrowKind(ends)))
    throw new UserError(`${shown}: a packed Parquet or Arrow file: unpack it first`)
  if (compression !== 'none' && compressionOf(ends) !== 'none') throw new UserError(`${shown}: packed twice: unpack it once first`)
  const other = others.find(([, magic]) => startsWith(head, ...magic))
  if (other) throw new UserError(`${shown}: is ${other[0]}; ${KNOWN}`)
  if (ends.head.includes(0)) throw new UserError(`${shown}: holds NUL bytes; ${KNOWN}`)
}

/** Of a longer beginning, the last line may be cut. */
const WHOLE = 1 << 16

/** Text none of whose first lines can be an object, such as CSV. */
function refuseOtherText(head: Buffer, shown: string): void {
  const text = head.toString('utf8', markLength(head), head.length > WHOLE ? head.lastIndexOf(NEWLINE) + 1 : undefined)
  if (text.trim() === '' || /^[ \t\r]*\{/m.test(text)) return
  throw new UserError(
    `${shown}: no line begins with "{", the first with ${JSON.stringify(cut(text.trimStart(), 40))}; ${KNOWN}; for CSV and TSV docs/recipes.md has a line of SQL`,
  )
}
