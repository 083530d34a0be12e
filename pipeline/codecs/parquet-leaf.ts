/** The values of one leaf of a row group, page by page. */
import { readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { damaged, messageOf } from './damage.ts'
import { BYTE_ARRAY, dictionaryValues, type Next, plainValues, readHybrid } from './parquet-decodings.ts'
import { bitsFor } from './parquet-encodings.ts'
import type { ParquetFile } from './parquet-file.ts'
import type { Chunk } from './parquet-footer.ts'
import { type Page, pageOf } from './parquet-pages.ts'
import { PageStream } from './parquet-stream.ts'
import { ZSTD } from './parquet-unpack.ts'

const DATA = 0
const DICTIONARY = 2
const DATA_V2 = 3
const PLAIN = 0
const PLAIN_DICTIONARY = 2
const RLE_DICTIONARY = 8
/** Encodings that are read here; RLE is that of levels. */
export const ENCODINGS: readonly number[] = [PLAIN, PLAIN_DICTIONARY, 3, RLE_DICTIONARY]

/** From here on a page of texts is unpacked piece by piece: DuckDB makes one page of all a row group's texts. */
const LARGE = 8 * 2 ** 20
/** Larger pages are not unpacked: a text may have 256 MiB. */
const MOST_BYTES = 320 * 2 ** 20
/** Values and nulls of a page, values of a dictionary, and bits of a place in one: writers make far fewer. */
const MOST_ENTRIES = 2 ** 24
const MOST_PLACES = 2 ** 22
const MOST_BITS = 24

/** A leaf of the schema as a file holds it. */
export interface Leaf {
  readonly physical: number
  /** Levels of a value that is there. */
  readonly definition: number
  readonly repetition: number
}

const HEADER = 1 << 12

/** A place in the entries of a leaf, which are values and nulls. Throws UserError where the pages are damaged. */
export class LeafCursor {
  readonly #file: ParquetFile
  readonly #leaf: Leaf
  readonly #chunk: Chunk
  readonly #place: string
  /** Where the page that is read begins, and where the next one does. */
  #at: number
  #end: number
  #left: number
  #dictionary: readonly unknown[] | undefined
  #repetitions: ArrayLike<number> | undefined
  #definitions: ArrayLike<number> | undefined
  #next: Next = () => null
  #entry = 0
  #entries = 0

  constructor(file: ParquetFile, leaf: Leaf, chunk: Chunk, group: number) {
    this.#file = file
    this.#leaf = leaf
    this.#chunk = chunk
    this.#place = `row group ${group}, column ${chunk.column}`
    this.#at = chunk.start
    this.#end = chunk.start
    this.#left = chunk.entries
  }

  /** Levels of the entry here; after the last one, those of a new row. */
  repetition(): number {
    return this.#entry < this.#entries || this.#turn() ? (this.#repetitions?.[this.#entry] ?? 0) : 0
  }

  definition(): number {
    if (this.#entry === this.#entries && !this.#turn()) throw this.#damaged('has fewer values than the row group has rows')
    return this.#definitions?.[this.#entry] ?? this.#leaf.definition
  }

  /** Goes on to the next entry; the value of this one, null where there is none. */
  take(): unknown {
    const there = this.definition() === this.#leaf.definition
    this.#entry++
    return there ? this.#guarded(this.#next) : null
  }

  /** Throws unless all entries were taken. */
  end(): void {
    if (this.#entry < this.#entries || this.#left > 0) throw this.#damaged('has more values than the row group has rows')
  }

  #damaged(what: string) {
    return damaged(this.#file.shown, `${this.#place}, byte ${this.#at}`, what)
  }

  #guarded<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw this.#damaged(messageOf(error))
    }
  }

  /** Opens the next page that has entries; false after the last one. */
  #turn(): boolean {
    while (this.#left > 0) {
      this.#at = this.#end
      if (this.#at >= this.#chunk.end) throw this.#damaged(`ends ${this.#left} values early`)
      const page = this.#header()
      const body = this.#body(page)
      this.#guarded(() => this.#open(page, body))
      this.#end = this.#at + page.header + page.packed
      if (this.#entries > 0) return true
    }
    return false
  }

  #open(page: Page, body: Uint8Array): void {
    const { type, entries, encoding } = page
    this.#entry = 0
    this.#entries = 0
    if (type === DICTIONARY) {
      if (encoding !== PLAIN && encoding !== PLAIN_DICTIONARY) throw new RangeError(`a dictionary of unknown encoding ${encoding}`)
      const next = plainValues(this.#leaf.physical, this.#unpacked(body, page.unpacked), 0)
      if (!(entries >= 0 && entries <= MOST_PLACES))
        throw new RangeError(`a dictionary of ${entries} values, expected at most ${MOST_PLACES}`)
      this.#dictionary = Array.from({ length: entries }, next)
      return
    }
    if (type !== DATA && type !== DATA_V2) return
    const most = Math.min(this.#left, MOST_ENTRIES)
    if (!(entries >= 0 && entries <= most)) throw new RangeError(`a page of ${entries} values, expected at most ${most}`)
    this.#next = this.#streamed(page, body) ?? this.#unpackedValues(page, body)
    this.#entries = entries
    this.#left -= entries
  }

  /** Texts of a page that is not unpacked as a whole; undefined where it is none of these. */
  #streamed({ type, encoding, entries, unpacked }: Page, body: Uint8Array): Next | undefined {
    const { physical, repetition, definition } = this.#leaf
    const { pieces } = this.#file.unpackers
    if (!pieces || type !== DATA || encoding !== PLAIN || physical !== BYTE_ARRAY || unpacked < LARGE) return undefined
    const found = this.#chunk.codec === ZSTD ? pieces.of(body, unpacked) : undefined
    if (!found) return undefined
    const stream = new PageStream(found, unpacked)
    const levels = (most: number): ArrayLike<number> | undefined => {
      if (most === 0) return undefined
      const bytes = stream.take(stream.size())
      return readHybrid(bytes, 0, bytes.length, bitsFor(most), entries)
    }
    this.#repetitions = levels(repetition)
    this.#definitions = levels(definition)
    return () => stream.take(stream.size())
  }

  #unpackedValues(page: Page, body: Uint8Array): Next {
    const [values, at] = page.type === DATA ? this.#levels(page, body) : this.#levelsOfV2(page, body)
    return this.#values(page.encoding, page.entries, values, at)
  }

  /** Reads levels that lie before the values, each after its length in four bytes. */
  #levels({ entries, unpacked }: Page, body: Uint8Array): [Uint8Array, number] {
    const bytes = this.#unpacked(body, unpacked)
    let at = 0
    const levels = (most: number): ArrayLike<number> | undefined => {
      if (most === 0) return undefined
      if (at + 4 > bytes.length) throw new RangeError('a page ends within its levels')
      const end = at + 4 + (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16)) + bytes[at + 3] * 2 ** 24
      if (end > bytes.length) throw new RangeError('a page ends within its levels')
      const read = readHybrid(bytes, at + 4, end, bitsFor(most), entries)
      at = end
      return read
    }
    this.#repetitions = levels(this.#leaf.repetition)
    this.#definitions = levels(this.#leaf.definition)
    return [bytes, at]
  }

  #levelsOfV2({ entries, unpacked, levels }: Page, body: Uint8Array): [Uint8Array, number] {
    const { definition, repetition, packed } = levels
    const end = definition + repetition
    if (!(definition >= 0 && repetition >= 0 && end <= body.length)) throw new RangeError('a page ends within its levels')
    const { repetition: r, definition: d } = this.#leaf
    this.#repetitions = r > 0 ? readHybrid(body, 0, repetition, bitsFor(r), entries) : undefined
    this.#definitions = d > 0 ? readHybrid(body, repetition, end, bitsFor(d), entries) : undefined
    const values = body.subarray(end)
    return [packed ? this.#unpacked(values, unpacked - end) : values, 0]
  }

  #values(encoding: number, entries: number, bytes: Uint8Array, at: number): Next {
    const { physical } = this.#leaf
    if (encoding === PLAIN) return plainValues(physical, bytes, at)
    if (encoding !== PLAIN_DICTIONARY && encoding !== RLE_DICTIONARY) throw new RangeError(`unknown encoding ${encoding}`)
    if (!this.#dictionary) throw new RangeError('the dictionary of a page is missing')
    if (at >= bytes.length) return dictionaryValues(this.#dictionary, [])
    const bits = bytes[at]
    if (bits > MOST_BITS) throw new RangeError(`places of ${bits} bits in a dictionary, expected at most ${MOST_BITS}`)
    return dictionaryValues(this.#dictionary, readHybrid(bytes, at + 1, bytes.length, bits, this.#present(entries)))
  }

  /** How many entries have a value. */
  #present(entries: number): number {
    const definitions = this.#definitions
    if (!definitions) return entries
    let count = 0
    for (let i = 0; i < entries; i++) if (definitions[i] === this.#leaf.definition) count++
    return count
  }

  #unpacked(packed: Uint8Array, size: number): Uint8Array {
    if (size === 0) return new Uint8Array(0)
    if (!(size > 0 && size <= MOST_BYTES)) throw new RangeError(`a page of ${size} bytes, expected at most ${MOST_BYTES}`)
    const bytes = this.#file.unpackers.whole[this.#chunk.codec](packed, size)
    if (bytes?.length !== size) throw new RangeError(`a page does not unpack to the ${size} bytes that it says`)
    return bytes
  }

  /** Page headers are nearly always short; one with long statistics is read again with more. */
  #header(): Page {
    for (let length = HEADER; ; length *= 16) {
      const bytes = this.#read(this.#at, Math.min(length, this.#chunk.end - this.#at))
      try {
        return pageOf(bytes)
      } catch (error) {
        if (length >= this.#chunk.end - this.#at) throw this.#damaged(`a page header cannot be read: ${messageOf(error)}`)
      }
    }
  }

  #body({ header, packed, crc }: Page): Uint8Array {
    const start = this.#at + header
    if (!(packed >= 0) || start + packed > this.#chunk.end) throw this.#damaged('a page reaches beyond its column')
    const body = this.#read(start, packed)
    if (body.length < packed) throw this.#damaged('the file ends within a page')
    if (crc !== undefined && crc !== crc32(body)) throw this.#damaged('the checksum of a page does not match')
    return body
  }

  #read(at: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(length)
    let filled = 0
    while (filled < length) {
      const n = readSync(this.#file.fd, bytes, filled, length - filled, at + filled)
      if (n === 0) break
      filled += n
    }
    return bytes.subarray(0, filled)
  }
}
