/** Any source file as rows: recognised by its bytes, streamed in bounded chunks, with the reason for every row that cannot be read. */
import { UserError } from '../errors.ts'
import { unreadable } from './damage.ts'
import { compressionOf, type FileEnds, fileBytes, fileEnds, startsWith } from './file-bytes.ts'
import { jsonArrayRows, jsonlRows } from './jsonl.ts'
import { markLength } from './lines.ts'
import { type Compression, type Container, cut, type RowBlock, RowFault } from './row-source.ts'

export interface Recognised {
  readonly container: Container
  readonly compression: Compression
}

/** One input row: its 0-based number in the file, and its value as JSON.parse would give it, or why it cannot be read. */
export type SourceRow = {
  readonly row: number
  /** The first characters of the row as it stands in the file, for rejects. */
  readonly raw: () => string
} & ({ readonly value: unknown } | { readonly error: { readonly field: string; readonly error: string } })

/** Rows a chunk; a block of the file (1 MiB of text) may end it sooner. */
const CHUNK_ROWS = 4096
/** Of the unpacked file, to tell JSON from what is none. */
const HEAD = 1 << 16

/** Looks at the first bytes, never at the name. Refuses what is none of the four. */
export async function recognise(path: string, shown: string): Promise<Recognised> {
  const ends = await fileEnds(path, shown)
  const compression = compressionOf(ends)
  if (compression === 'none') {
    const container = columnar(ends)
    if (container) return { container, compression }
  }
  return { container: jsonContainer(await unpackedHead(path, shown, compression), shown), compression }
}

function columnar({ head }: FileEnds): Container | undefined {
  if (startsWith(head, ...Buffer.from('PAR1')) || startsWith(head, ...Buffer.from('PARE'))) return 'parquet'
  if (startsWith(head, ...Buffer.from('ARROW1'))) return 'arrow'
  return startsWith(head, 0xff, 0xff, 0xff, 0xff) ? 'arrow' : undefined
}

async function unpackedHead(path: string, shown: string, compression: Compression): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  for await (const chunk of fileBytes(path, shown, compression)) {
    parts.push(chunk)
    size += chunk.length
    if (size >= HEAD) break
  }
  return Buffer.concat(parts).subarray(0, HEAD)
}

function jsonContainer(head: Buffer, shown: string): Container {
  const refused = (got: string) => new UserError(`${shown}: ${got}; expected JSON lines, a JSON array, Parquet or Arrow IPC`)
  if (head.length === 0) throw refused('holds no bytes once unpacked')
  if (columnar({ head, tail: head, size: head.length })) throw refused('a packed Parquet or Arrow file: unpack it first')
  if (head.includes(0)) throw refused('holds NUL bytes')
  const text = head.toString('utf8', markLength(head))
  const begins = text.trimStart()
  if (begins.startsWith('[')) return 'json'
  if (begins === '' || /^[ \t]*\{/m.test(text)) return 'jsonl'
  throw refused(`no line begins with "{", the first with ${JSON.stringify(cut(begins, 20))}`)
}

/** Rows in the order of the file, in chunks; `only` = the columns wanted of a columnar file. Throws UserError where the file is damaged. */
export async function* readRows(
  path: string,
  shown: string,
  options: { readonly limit?: number; readonly only?: readonly string[] } = {},
): AsyncGenerator<readonly SourceRow[]> {
  const { limit = Number.POSITIVE_INFINITY } = options
  let row = 0
  if (limit <= 0) return
  for await (const block of await blocksOf(path, shown)) {
    for (let from = 0; from < block.rows; ) {
      const to = Math.min(block.rows, from + CHUNK_ROWS, from + limit - row)
      const chunk: SourceRow[] = []
      for (let i = from; i < to; i++) chunk.push(rowOf(block, i, row++))
      yield chunk
      if (row >= limit) return
      from = to
    }
  }
}

async function blocksOf(path: string, shown: string): Promise<AsyncIterable<RowBlock>> {
  const { container, compression } = await recognise(path, shown)
  if (container === 'json') return jsonArrayRows(fileBytes(path, shown, compression), shown)
  if (container === 'jsonl') return jsonlRows(fileBytes(path, shown, compression))
  throw unreadable(shown, new Error(`${container} is not read yet`))
}

function rowOf(block: RowBlock, i: number, row: number): SourceRow {
  const raw = () => block.excerpt(i)
  try {
    return { row, value: block.row(i), raw }
  } catch (error) {
    if (!(error instanceof RowFault)) throw error
    return { row, error: { field: error.field, error: error.message }, raw }
  }
}

/** Names of the top-level columns of a Parquet or Arrow file; undefined for JSON. */
export async function columnNames(path: string, shown: string): Promise<readonly string[] | undefined> {
  const { container } = await recognise(path, shown)
  if (container === 'json' || container === 'jsonl') return undefined
  throw unreadable(shown, new Error(`${container} is not read yet`))
}
