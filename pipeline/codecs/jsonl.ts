/** Rows of JSON, one object a line or an element of an array. */
import { isUtf8 } from 'node:buffer'
import { elementBlocks } from './json-array.ts'
import { jsonFault } from './json-fault.ts'
import { type LineBlock, lineBlocks } from './lines.ts'
import { cut, describe, EXCERPT, MAX_TEXT, type Row, type RowBlock, RowFault } from './row-source.ts'

/** Texts longer than this are not searched for their fault; characters. */
const SEARCHED = 1 << 20

/** `offset`: where the first of these bytes lies in the file. */
export async function* jsonlRows(chunks: AsyncIterable<Buffer>, offset = 0): AsyncGenerator<RowBlock> {
  for await (const block of lineBlocks(chunks, MAX_TEXT, offset)) yield new JsonBlock(block)
}

export async function* jsonArrayRows(chunks: AsyncIterable<Buffer>, shown: string): AsyncGenerator<RowBlock> {
  for await (const block of elementBlocks(chunks, shown)) yield new JsonBlock(block)
}

class JsonBlock implements RowBlock {
  readonly rows: number
  private readonly lines: LineBlock

  constructor(lines: LineBlock) {
    this.lines = lines
    this.rows = lines.ends.length
  }

  row(i: number): Row {
    const { bytes, starts, ends, utf8, too_long, offset } = this.lines
    if (too_long !== undefined) throw new RowFault('', `expected a row of at most ${MAX_TEXT} bytes, got ${too_long} bytes`)
    const from = starts[i]
    if (!utf8 && !isUtf8(bytes.subarray(from, ends[i]))) throw invalidUtf8(bytes.subarray(from, ends[i]), offset + from)
    return parseRow(bytes.toString('utf8', from, ends[i]))
  }

  excerpt(i: number): string {
    const { bytes, starts, ends } = this.lines
    return cut(bytes.toString('utf8', starts[i], Math.min(ends[i], starts[i] + EXCERPT * 4)), EXCERPT)
  }
}

function parseRow(text: string): Row {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new RowFault('', text.length > SEARCHED ? 'expected JSON, got a long row that is none' : jsonFault(text))
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RowFault('', `expected an object, got ${describe(value)}`)
  return withExactIds(value as Record<string, unknown>, text)
}

/** An id beyond 2^53 keeps its digits, as a text: many ids of tweets and of databases are such. */
function withExactIds(row: Record<string, unknown>, text: string): Row {
  for (const key of ['id', 'source_id']) {
    const value = row[key]
    if (typeof value !== 'number' || Number.isSafeInteger(value)) continue
    const written = [...text.matchAll(new RegExp(`"${key}"\\s*:\\s*(-?\\d+)(?![\\d.eE])`, 'g'))].map(([, digits]) => digits)
    // of a key that stands twice the last counts
    const digits = written.reverse().find(digits => Number(digits) === value)
    if (digits !== undefined) row[key] = digits
  }
  return row
}

function invalidUtf8(bytes: Buffer, offset: number): RowFault {
  const at = firstInvalid(bytes)
  return new RowFault('', `expected UTF-8, got byte 0x${bytes[at].toString(16).padStart(2, '0')} at byte ${offset + at} of the file`)
}

/** Where the first sequence begins that is not UTF-8. */
function firstInvalid(bytes: Buffer): number {
  let at = 0
  while (at < bytes.length) {
    const lead = bytes[at]
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    if (length > 1 && !isUtf8(bytes.subarray(at, at + length))) return at
    at += length
  }
  return 0
}
