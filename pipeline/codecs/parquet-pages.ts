/** Pages of Parquet columns: where they lie, what their headers say, and their checksums, which DuckDB does not look at. */
import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { damaged, messageOf } from './damage.ts'
import { readAt, withFile } from './file-bytes.ts'
import { type Chunk, filled, type ParquetFooter } from './parquet-footer.ts'
import { ThriftReader } from './thrift.ts'

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

/** What the header of a page says, by the numbers of `PageType` and `Encoding`. */
export interface Page {
  /** Bytes of the header, of the page as it lies in the file, and unpacked. */
  readonly header: number
  readonly packed: number
  readonly unpacked: number
  readonly type: number
  /** A writer gives it to all pages of a file or to none. */
  readonly crc?: number
  readonly entries: number
  readonly encoding: number
  /** Of pages of version 2: bytes of levels, which are not packed, and whether the values are. */
  readonly levels: { readonly definition: number; readonly repetition: number; readonly packed: boolean }
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

/** Throws RangeError where the bytes end before the header does. */
export function pageOf(bytes: Buffer): Page {
  const thrift = new ThriftReader(bytes)
  let [type, unpacked, packed, entries, encoding] = [-1, -1, -1, -1, -1]
  let crc: number | undefined
  let levels: Page['levels'] = { definition: -1, repetition: -1, packed: true }
  const headers: Readonly<Record<number, () => void>> = {
    1: () => (type = thrift.signed()),
    2: () => (unpacked = thrift.signed()),
    3: () => (packed = thrift.signed()),
    4: () => (crc = thrift.signed() >>> 0),
    5: () => ({ 1: entries = -1, 2: encoding = -1 } = numbersOf(thrift)),
    7: () => ({ 1: entries = -1, 2: encoding = -1 } = numbersOf(thrift)),
    8: () => {
      const said = numbersOf(thrift)
      ;({ 1: entries = -1, 4: encoding = -1 } = said)
      levels = { definition: said[5] ?? -1, repetition: said[6] ?? -1, packed: said[7] !== 0 }
    },
  }
  thrift.struct(id => {
    headers[id]?.()
    return id in headers
  })
  return { header: thrift.at, packed, unpacked, type, crc, entries, encoding, levels }
}

/** The whole numbers and truth values of a struct by field, other fields left out. */
function numbersOf(thrift: ThriftReader): Record<number, number> {
  const numbers: Record<number, number> = {}
  thrift.struct((id, type) => {
    if (type === I32) numbers[id] = thrift.signed()
    else if (type === TRUE || type === FALSE) numbers[id] = type === TRUE ? 1 : 0
    else return false
    return true
  })
  return numbers
}

const TRUE = 1
const FALSE = 2
const I32 = 5

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
