/** What the Parquet reader itself does not look at: encryption, and the checksums of pages. */
import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { UserError } from '../errors.ts'
import { damaged, messageOf } from './damage.ts'
import { type FileEnds, readAt, startsWith, withFile } from './file-bytes.ts'
import { ThriftReader } from './thrift.ts'

interface Chunk {
  /** The top-level column. */
  column: string
  start: number
  end: number
}

export interface ParquetFooter {
  readonly rows: number
  readonly groups: readonly { readonly rows: number; readonly chunks: readonly Chunk[] }[]
}

const MAGIC = [...Buffer.from('PAR1')]
const ENCRYPTED = [...Buffer.from('PARE')]

export const isParquet = ({ head }: FileEnds): boolean => startsWith(head, ...MAGIC) || startsWith(head, ...ENCRYPTED)

/** Reads the footer; refuses a file that is cut off, encrypted, or whose footer names bytes outside of it. */
export async function readFooter(path: string, shown: string, { head, tail, size }: FileEnds): Promise<ParquetFooter> {
  const end = tail.subarray(-8)
  if (startsWith(head, ...ENCRYPTED) || startsWith(end.subarray(4), ...ENCRYPTED)) throw encrypted(shown)
  if (size < 12 || !startsWith(end.subarray(4), ...MAGIC))
    throw damaged(shown, `byte ${size}`, 'expected the footer of a Parquet file, got other bytes')
  const length = end.readUInt32LE(0)
  if (length > size - 12) throw damaged(shown, `byte ${size - 8}`, `expected a footer of at most ${size - 12} bytes, got ${length}`)
  const bytes = await withFile(path, shown, handle => readAt(handle, size - 8 - length, length))
  const footer = parsed(shown, size - 8 - length, () => footerOf(bytes, shown))
  for (const [g, { chunks }] of filled(footer))
    for (const { column, start, end } of chunks)
      if (!(start >= 4 && start <= end && end <= size))
        throw damaged(shown, `row group ${g}, column ${column}`, `the footer places it at bytes ${start} to ${end} of ${size}`)
  return footer
}

/** Row groups with rows, and their places; those without may name no bytes at all. */
const filled = ({ groups }: ParquetFooter) => [...groups.entries()].filter(([, { rows }]) => rows > 0)

const encrypted = (shown: string): UserError =>
  new UserError(`${shown}: an encrypted Parquet file, which goldpan cannot read; decrypt it first`)

function parsed<T>(shown: string, at: number, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof UserError) throw error
    throw damaged(shown, `Parquet, byte ${at}`, messageOf(error))
  }
}

// Numbers of fields: parquet.thrift of the Parquet format.
function footerOf(bytes: Buffer, shown: string): ParquetFooter {
  const thrift = new ThriftReader(bytes)
  const groups: ParquetFooter['groups'][number][] = []
  let rows = -1
  thrift.struct(id => {
    if (id === 8) throw encrypted(shown)
    if (id === 3) rows = thrift.signed()
    else if (id === 2) checkDepth(thrift, shown)
    else if (id === 4) thrift.list(() => groups.push(groupOf(thrift, shown)))
    else return false
    return true
  })
  if (thrift.at !== bytes.length) throw new RangeError(`the footer has ${bytes.length} bytes, what it says takes ${thrift.at}`)
  const sum = groups.reduce((total, group) => total + group.rows, 0)
  if (sum !== rows) throw new RangeError(`the footer counts ${rows} rows, its row groups ${sum}`)
  return { rows, groups }
}

/** Levels of the schema, a list takes two. The reader's time doubles with each: 100 lists in each other would never be opened. */
const MOST_LEVELS = 24

function checkDepth(thrift: ThriftReader, shown: string): void {
  /** Children still to come, of each element that is open. */
  const open: number[] = []
  thrift.list(() => {
    let children = 0
    thrift.struct(id => {
      if (id !== 5) return false
      children = thrift.signed()
      return true
    })
    if (open.length > 0) open[open.length - 1]--
    if (children > 0) open.push(children)
    while (open.length > 0 && open[open.length - 1] <= 0) open.pop()
    if (open.length > MOST_LEVELS)
      throw new UserError(
        `${shown}: columns nested more than ${MOST_LEVELS} levels deep, which goldpan does not read; write the file without them`,
      )
  })
}

function groupOf(thrift: ThriftReader, shown: string): ParquetFooter['groups'][number] {
  const chunks: Chunk[] = []
  let rows = 0
  thrift.struct(id => {
    if (id === 1) thrift.list(() => chunks.push(chunkOf(thrift, shown)))
    else if (id === 3) rows = thrift.signed()
    else return false
    return true
  })
  return { rows, chunks }
}

function chunkOf(thrift: ThriftReader, shown: string): Chunk {
  let chunk: Chunk = { column: '', start: 4, end: 4 }
  thrift.struct(id => {
    if (id === 8) throw encrypted(shown)
    if (id !== 3) return false
    chunk = metadataOf(thrift)
    return true
  })
  return chunk
}

function metadataOf(thrift: ThriftReader): Chunk {
  const path: string[] = []
  let packed = 0
  let data = 0
  let dictionary = 0
  thrift.struct(id => {
    if (id === 3) thrift.list(() => path.push(thrift.text()))
    else if (id === 7) packed = thrift.signed()
    else if (id === 9) data = thrift.signed()
    else if (id === 11) dictionary = thrift.signed()
    else return false
    return true
  })
  const start = dictionary > 0 ? Math.min(dictionary, data) : data
  return { column: path[0], start, end: start + packed }
}

/** Checks the checksum of every page of these columns that has one. */
export async function checkPages(path: string, shown: string, footer: ParquetFooter, columns: readonly string[]): Promise<void> {
  const wanted = new Set(columns)
  await withFile(path, shown, async handle => {
    for (const [g, { chunks }] of filled(footer))
      for (const chunk of chunks)
        if (wanted.has(chunk.column)) await checkChunk(handle, shown, chunk, `row group ${g}, column ${chunk.column}`)
  })
}

/** Page headers are nearly always shorter; one with long statistics is read again with more. */
const HEADER = 1 << 12

async function checkChunk(handle: FileHandle, shown: string, chunk: Chunk, place: string): Promise<void> {
  for (let at = chunk.start; at < chunk.end; ) {
    const page = await pageHeader(handle, shown, at, chunk.end, place)
    const end = at + page.header + page.packed
    if (!(page.packed >= 0) || end > chunk.end) throw damaged(shown, `${place}, byte ${at}`, 'a page reaches beyond its column')
    if (page.crc === undefined) return
    if (page.crc !== (await crcOf(handle, at + page.header, end)))
      throw damaged(shown, `${place}, byte ${at}`, 'the checksum of a page does not match')
    at = end
  }
}

interface Page {
  readonly header: number
  readonly packed: number
  /** A writer gives it to all pages of a file or to none. */
  readonly crc?: number
}

async function pageHeader(handle: FileHandle, shown: string, at: number, end: number, place: string): Promise<Page> {
  for (let length = HEADER; ; length *= 16) {
    const bytes = await readAt(handle, at, Math.min(length, end - at))
    try {
      return pageOf(bytes)
    } catch (error) {
      if (length >= end - at) throw damaged(shown, `${place}, byte ${at}`, `a page header cannot be read: ${messageOf(error)}`)
    }
  }
}

function pageOf(bytes: Buffer): Page {
  const thrift = new ThriftReader(bytes)
  let packed = -1
  let crc: number | undefined
  thrift.struct(id => {
    if (id === 3) packed = thrift.signed()
    else if (id === 4) crc = thrift.signed() >>> 0
    else return false
    return true
  })
  return { header: thrift.at, packed, crc }
}

async function crcOf(handle: FileHandle, from: number, to: number): Promise<number> {
  let crc = 0
  for (let at = from; at < to; ) {
    const bytes = await readAt(handle, at, Math.min(1 << 20, to - at))
    if (bytes.length === 0) break
    crc = crc32(bytes, crc)
    at += bytes.length
  }
  return crc
}
