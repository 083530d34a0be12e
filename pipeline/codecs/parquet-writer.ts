/**
 * Parquet as trainers read it: row groups of up to 8,192 rows, pages of about 1 MiB of text with a checksum each, zstd level 1; by
 * parquet.thrift and Encodings.md of the Parquet format. Written here because it is a large part of a build: ARCHITECTURE.md has the figures.
 */
import { isUtf8 } from 'node:buffer'
import { setImmediate as immediate } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { Encoder as ZstdEncoder } from '@toondepauw/node-zstd'
import type { Numbers, Utf8 } from '../batch.ts'
import { GrowingBytes } from './growing-bytes.ts'
import { GROUP_ROWS, type OutColumn } from './out-columns.ts'
import { bitsFor, dictionaryOf, plainSize, type TextDictionary, writeHybrid, writeNumbers, writeTexts } from './parquet-encodings.ts'
import { type Entries, entriesOf } from './parquet-entries.ts'
import { type Leaf, parquetSchema, physical } from './parquet-schema.ts'
import type { Emit, Encoder } from './table-writer.ts'
import { type ThriftStruct, thriftBytes } from './thrift-writer.ts'

const MAGIC = Buffer.from('PAR1')
const ZSTD = 6
const ZSTD_LEVEL = 1
const PLAIN = 0
const RLE = 3
const RLE_DICTIONARY = 8
const DATA_PAGE = 0
const DICTIONARY_PAGE = 2

/** Bytes of values after which a page ends with the row. */
const PAGE_BYTES = 1 << 20

export function openParquetEncoder(columns: readonly OutColumn[], emit: Emit): Encoder {
  const { elements, leaves } = parquetSchema(columns)
  const out = new Output(emit)
  const groups: WrittenGroup[] = []
  return {
    group_rows: GROUP_ROWS,
    async write(group) {
      if (out.at === 0) out.bytes(MAGIC)
      const chunks = columns.flatMap((column, k) =>
        entriesOf(column, leaves[k], group).map((entries, i) => writeChunk(out, leaves[k][i], entries)),
      )
      groups.push({ rows: group.rows, chunks })
      // The native memory of compressed pages is given back between turns of the event loop only: 219 MB instead of 576 for 40 groups.
      await immediate()
    },
    close() {
      const indexes = groups.map(({ chunks }) => chunks.map(chunk => writeOffsetIndex(out, chunk)))
      const footer = thriftBytes(footerOf(elements, groups, indexes))
      out.bytes(footer)
      const end = Buffer.alloc(8)
      end.writeUInt32LE(footer.length)
      MAGIC.copy(end, 4)
      out.bytes(end)
    },
  }
}

/** Where the file stands, and what pages are made with. */
class Output {
  at = 0
  readonly scratch = new GrowingBytes(PAGE_BYTES * 1.5)
  private readonly zstd = new ZstdEncoder(ZSTD_LEVEL)
  private readonly emit: Emit

  constructor(emit: Emit) {
    this.emit = emit
  }

  bytes(bytes: Uint8Array): void {
    this.emit(bytes)
    this.at += bytes.length
  }

  /** Writes what lies in the scratch as the body of a page. */
  page(type: number, header: Readonly<Record<number, ThriftStruct>>): PageSize {
    const body = this.scratch.part()
    const packed = this.zstd.encodeSync(Buffer.from(body.buffer, body.byteOffset, body.byteLength))
    const head = thriftBytes({
      struct: { 1: { i32: type }, 2: { i32: body.length }, 3: { i32: packed.length }, 4: { i32: crc32(packed) | 0 }, ...header },
    })
    this.bytes(head)
    this.bytes(packed)
    return { plain: head.length + body.length, packed: head.length + packed.length }
  }
}

interface PageSize {
  readonly plain: number
  readonly packed: number
}

interface PagePlace extends PageSize {
  readonly at: number
  readonly row: number
}

interface WrittenChunk {
  readonly leaf: Leaf
  readonly levels: number
  readonly values: number
  readonly dictionary?: { readonly at: number } & PageSize
  readonly pages: readonly PagePlace[]
}

interface WrittenGroup {
  readonly rows: number
  readonly chunks: readonly WrittenChunk[]
}

function writeChunk(out: Output, leaf: Leaf, entries: Entries): WrittenChunk {
  const { levels, values, column } = entries
  const found = entries.dictionary ?? ('offsets' in column ? dictionaryOf(column, values) : undefined)
  if ('offsets' in column) checkUtf8(leaf, column, entries.dictionary?.first.length ?? values)
  const dictionary = found && { at: out.at, ...writeDictionary(out, column as Utf8, found) }
  const pages = [...cutPages(leaf, entries, found)].map(cut => ({ at: out.at, row: cut.row, ...writePage(out, leaf, entries, cut, found) }))
  return { leaf, levels, values, dictionary, pages }
}

/** Ids and labels are text of our own making; what comes from files was checked there, and is checked here once more. */
function checkUtf8(leaf: Leaf, { bytes, offsets }: Utf8, values: number): void {
  const whole = isUtf8(bytes.subarray(offsets[0], offsets[values]))
  let split = false
  for (let i = 1; i < values; i++) split ||= offsets[i] < offsets[values] && (bytes[offsets[i]] & 0xc0) === 0x80
  if (!whole || split) throw new Error(`column ${leaf.path.join('.')}: bytes that are not UTF-8`)
}

function writeDictionary(out: Output, texts: Utf8, { first }: TextDictionary): PageSize {
  const { scratch } = out
  scratch.length = 0
  for (const i of first) writeTexts(scratch, texts, i, i + 1)
  return out.page(DICTIONARY_PAGE, { 7: { struct: { 1: { i32: first.length }, 2: { i32: PLAIN } } } })
}

/** Entries from .. to of a chunk, its values first .. last; `row` = the first row. */
interface Cut {
  readonly from: number
  readonly to: number
  readonly first: number
  readonly last: number
  readonly row: number
}

/** Pages begin with a row. */
function* cutPages(leaf: Leaf, { levels, values, definition, repetition, column }: Entries, dictionary?: TextDictionary): Generator<Cut> {
  const size = dictionary ? (a: number, b: number) => 2 * (b - a) : (a: number, b: number) => plainSize(leaf, column, a, b)
  let begin = { from: 0, first: 0, row: 0 }
  if (size(0, values) < PAGE_BYTES) return yield { ...begin, to: levels, last: values }
  let value = 0
  let row = 0
  for (let i = 0; i < levels; i++) {
    if (!repetition || repetition[i] === 0) {
      if (size(begin.first, value) >= PAGE_BYTES) {
        yield { ...begin, to: i, last: value }
        begin = { from: i, first: value, row }
      }
      row++
    }
    if (!definition || definition[i] === leaf.max_definition) value++
  }
  yield { ...begin, to: levels, last: value }
}

function writePage(out: Output, leaf: Leaf, entries: Entries, cut: Cut, dictionary?: TextDictionary): PageSize {
  const { scratch } = out
  const { column } = entries
  scratch.length = 0
  writeLevels(scratch, entries.repetition, cut, leaf.max_repetition)
  writeLevels(scratch, entries.definition, cut, leaf.max_definition)
  if (dictionary) {
    const bits = bitsFor(Math.max(1, dictionary.first.length - 1))
    scratch.push(bits)
    writeHybrid(scratch, dictionary.places, cut.first, cut.last, bits)
  } else if ('offsets' in column) writeTexts(scratch, column, cut.first, cut.last)
  else writeNumbers(scratch, column as Numbers, leaf, cut.first, cut.last)
  const header = { 1: { i32: cut.to - cut.from }, 2: { i32: dictionary ? RLE_DICTIONARY : PLAIN }, 3: { i32: RLE }, 4: { i32: RLE } }
  return out.page(DATA_PAGE, { 5: { struct: header } })
}

function writeLevels(out: GrowingBytes, levels: Uint8Array | undefined, { from, to }: Cut, most: number): void {
  if (!levels) return
  const start = out.length
  out.uint32(0)
  writeHybrid(out, levels, from, to, bitsFor(most))
  out.view.setUint32(start, out.length - start - 4, true)
}

/** Where each page lies and with which row it begins. */
function writeOffsetIndex(out: Output, { pages }: WrittenChunk): { at: number; length: number } {
  const at = out.at
  const locations = pages.map(page => ({ struct: { 1: { i64: page.at }, 2: { i32: page.packed }, 3: { i64: page.row } } }))
  out.bytes(thriftBytes({ struct: { 1: { list: locations } } }))
  return { at, length: out.at - at }
}

function footerOf(
  elements: readonly ThriftStruct[],
  groups: readonly WrittenGroup[],
  indexes: readonly { at: number; length: number }[][],
): ThriftStruct {
  const rows = groups.reduce((sum, group) => sum + group.rows, 0)
  const row_groups = groups.map((group, g) => groupMeta(group, g, indexes[g]))
  return { struct: { 1: { i32: 1 }, 2: { list: elements }, 3: { i64: rows }, 4: { list: row_groups }, 6: { text: 'goldpan' } } }
}

function groupMeta({ rows, chunks }: WrittenGroup, ordinal: number, indexes: readonly { at: number; length: number }[]): ThriftStruct {
  const columns = chunks.map((chunk, k) => ({
    struct: { 2: { i64: 0 }, 3: chunkMeta(chunk), 4: { i64: indexes[k].at }, 5: { i32: indexes[k].length } },
  }))
  const sum = (of: keyof PageSize): number => chunks.reduce((total, chunk) => total + sizeOf(chunk, of), 0)
  const first = startOf(chunks[0])
  return {
    struct: {
      1: { list: columns },
      2: { i64: sum('plain') },
      3: { i64: rows },
      5: { i64: first },
      6: { i64: sum('packed') },
      7: { i16: ordinal },
    },
  }
}

const startOf = ({ dictionary, pages }: WrittenChunk): number => dictionary?.at ?? pages[0].at
const sizeOf = ({ dictionary, pages }: WrittenChunk, of: keyof PageSize): number =>
  pages.reduce((sum, page) => sum + page[of], dictionary?.[of] ?? 0)

function chunkMeta(chunk: WrittenChunk): ThriftStruct {
  const { leaf, levels, values, dictionary, pages } = chunk
  const encodings = dictionary ? [PLAIN, RLE, RLE_DICTIONARY] : [PLAIN, RLE]
  return {
    struct: {
      1: { i32: physical[leaf.physical] },
      2: { list: encodings.map(i32 => ({ i32 })) },
      3: { list: leaf.path.map(text => ({ text })) },
      4: { i32: ZSTD },
      5: { i64: levels },
      6: { i64: sizeOf(chunk, 'plain') },
      7: { i64: sizeOf(chunk, 'packed') },
      9: { i64: pages[0].at },
      11: dictionary && { i64: dictionary.at },
      12: leaf.max_definition > 0 ? { struct: { 3: { i64: levels - values } } } : undefined,
    },
  }
}
