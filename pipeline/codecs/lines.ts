/** Cuts a stream of bytes at \n into blocks of whole lines; nothing else ends a line. */
import { isUtf8 } from 'node:buffer'
import { MAX_TEXT, type Part } from './row-source.ts'

/** Row i is bytes[starts[i] .. ends[i]); blank lines are left out. */
export interface LineBlock {
  readonly bytes: Buffer
  readonly starts: readonly number[]
  readonly ends: readonly number[]
  /** Where bytes[0] lies in the (unpacked) file. */
  readonly offset: number
  /** All of it is UTF-8; if not, single rows may still be. */
  readonly utf8: boolean
  /** The one line of this block was longer than can be read: its size in bytes; only its beginning is here. */
  readonly too_long?: number
}

const NEWLINE = 10
/** Of a line that is too long, for the excerpt. */
const KEPT = 1024

/** The file's bytes from `offset` on, where a line begins. A byte-order mark at the start of the file is no part of a line. */
export async function* lineBlocks(chunks: AsyncIterable<Buffer>, max_line = MAX_TEXT, offset = 0): AsyncGenerator<LineBlock> {
  /** Parts of the line that has not ended, or only its beginning once it is too long. */
  let open: Buffer[] = []
  let size = 0
  for await (const chunk of chunks) {
    const first = chunk.indexOf(NEWLINE)
    if (first < 0) {
      if (size + chunk.length <= max_line) open.push(chunk)
      else open = [Buffer.concat([...open, chunk].slice(0, 2)).subarray(0, KEPT)]
      size += chunk.length
      continue
    }
    const whole = chunk.subarray(0, chunk.lastIndexOf(NEWLINE) + 1)
    const long = size + first > max_line
    if (long) yield tooLong(Buffer.concat([...open, chunk.subarray(0, first)].slice(0, 2)), offset, size + first)
    if (long) offset += size + first + 1
    const bytes = long ? whole.subarray(first + 1) : open.length === 0 ? whole : Buffer.concat([...open, whole])
    yield* blocksOf(bytes, offset, max_line)
    offset += bytes.length
    size = chunk.length - whole.length
    open = size > 0 ? [Buffer.from(chunk.subarray(whole.length))] : []
  }
  if (size > max_line) yield tooLong(open[0], offset, size)
  else yield* blocksOf(Buffer.concat(open), offset, max_line)
}

/** Parts of a file of lines, each of about so many bytes; the last one may be smaller. */
export async function lineParts(chunks: AsyncIterable<Buffer>, bytes: number): Promise<Part[]> {
  const parts: Part[] = []
  let [from, first_row, row, end] = [0, 0, 0, 0]
  for await (const block of lineBlocks(chunks))
    for (let i = 0; i < block.starts.length; i++, row++) {
      const at = block.offset + block.starts[i]
      end = block.offset + block.ends[i]
      if (row === first_row || at - from < bytes) continue
      parts.push({ from, to: at, first_row })
      from = at
      first_row = row
    }
  return [...parts, { from, to: end, first_row }]
}

function tooLong(beginning: Buffer, offset: number, size: number): LineBlock {
  const bytes = beginning.subarray(0, KEPT)
  return { bytes, starts: [0], ends: [bytes.length], offset, utf8: false, too_long: size }
}

/** One block of all lines, cut where one of them is too long. */
function* blocksOf(bytes: Buffer, offset: number, max_line: number): Generator<LineBlock> {
  const utf8 = isUtf8(bytes)
  let starts: number[] = []
  let ends: number[] = []
  for (let from = offset === 0 ? markLength(bytes) : 0; from < bytes.length; ) {
    let to = bytes.indexOf(NEWLINE, from)
    if (to < 0) to = bytes.length
    if (to - from > max_line) {
      if (starts.length > 0) yield { bytes, starts, ends, offset, utf8 }
      yield tooLong(bytes.subarray(from, to), offset + from, to - from)
      starts = []
      ends = []
    } else if (!isBlank(bytes, from, to)) {
      starts.push(from)
      ends.push(to)
    }
    from = to + 1
  }
  if (starts.length > 0) yield { bytes, starts, ends, offset, utf8 }
}

/** Length of a UTF-8 byte-order mark at the start of a file. */
export const markLength = (bytes: Uint8Array): number => (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0)

/** Only spaces, tabs and carriage returns. */
function isBlank(bytes: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0x20 && bytes[i] !== 0x09 && bytes[i] !== 0x0d) return false
  return true
}
