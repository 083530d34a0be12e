/** Cuts a JSON array of any size into blocks of its elements, without holding more than one of them. */
import { isUtf8 } from 'node:buffer'
import { damaged } from './damage.ts'
import { type LineBlock, markLength } from './lines.ts'
import { MAX_TEXT } from './row-source.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** Finds where elements begin and end; knows strings and depth, and leaves everything else to the parser of the element. */
class Scanner {
  /** 0 = before the array, 1 = between elements, more = inside one; -1 = after it. */
  depth = 0
  elements = 0
  /** An element has begun and not ended. */
  inside = false
  /** The element that is open has come to its end; only a comma or the end of the array may follow. */
  complete = false
  private text = false
  private escaped = false

  /** Whether `byte` ends the element that is open, begins one, or neither. */
  step(byte: number): 'begin' | 'end' | 'fault' | undefined {
    if (this.text) return this.stepText(byte)
    if (isSpace(byte)) return undefined
    if (this.depth === 0) return this.open(byte)
    if (this.depth < 0) return 'fault'
    if (this.depth === 1 && (byte === COMMA || byte === CLOSE_LIST)) return this.close(byte)
    if (this.complete) return 'fault'
    if (byte === QUOTE) this.text = true
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) this.depth++
    else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      if (--this.depth < 1) return 'fault'
      this.complete = this.depth === 1
    }
    if (this.inside) return undefined
    this.inside = true
    return 'begin'
  }

  /** What may stand at a byte that is a fault. */
  get expects(): string {
    if (this.depth < 0) return 'the end of the file'
    return this.complete ? 'a comma or ]' : 'an element of the JSON array'
  }

  private stepText(byte: number): undefined {
    if (this.escaped) this.escaped = false
    else if (byte === BACKSLASH) this.escaped = true
    else if (byte === QUOTE) {
      this.text = false
      this.complete = this.depth === 1
    }
    return undefined
  }

  private open(byte: number): 'fault' | undefined {
    if (byte !== OPEN_LIST) return 'fault'
    this.depth = 1
    return undefined
  }

  private close(byte: number): 'end' | 'fault' | undefined {
    const empty = !this.inside
    if (empty && (byte === COMMA || this.elements > 0)) return 'fault'
    if (byte === CLOSE_LIST) this.depth = -1
    this.inside = false
    this.complete = false
    if (empty) return undefined
    this.elements++
    return 'end'
  }
}

/** Throws UserError where the array itself is broken; a broken element is its reader's to reject. */
export async function* elementBlocks(chunks: AsyncIterable<Buffer>, shown: string): AsyncGenerator<LineBlock> {
  const scanner = new Scanner()
  let starts: number[] = []
  let parts: Buffer[] = []
  let size = 0
  let offset = 0
  for await (const chunk of chunks) {
    const ends: number[] = []
    for (let i = offset === 0 && size === 0 ? markLength(chunk) : 0; i < chunk.length; i++) {
      const event = scanner.step(chunk[i])
      if (event === 'fault')
        throw damaged(
          shown,
          `byte ${offset + size + i}, after row ${scanner.elements - 1}`,
          `expected ${scanner.expects}, got "${String.fromCharCode(chunk[i])}"`,
        )
      if (event === 'begin') starts.push(size + i)
      else if (event === 'end') ends.push(size + i)
    }
    parts.push(chunk)
    size += chunk.length
    if (size > MAX_TEXT + chunk.length)
      throw damaged(shown, `row ${scanner.elements}, from byte ${offset}`, `an element does not end within ${MAX_TEXT} bytes`)
    if (ends.length === 0) continue
    const held = parts.length === 1 ? parts[0] : Buffer.concat(parts)
    yield { bytes: held, starts: starts.slice(0, ends.length), ends, offset, utf8: isUtf8(held) }
    const kept = scanner.inside ? starts[starts.length - 1] : size
    offset += kept
    parts = kept < size ? [Buffer.from(held.subarray(kept))] : []
    size -= kept
    starts = scanner.inside ? [0] : []
  }
  if (scanner.depth >= 0)
    throw damaged(
      shown,
      `row ${scanner.elements + (scanner.complete ? 1 : 0)}, byte ${offset + size}`,
      'the file ends inside the JSON array',
    )
}
