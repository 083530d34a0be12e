/**
 * The file of a store entry: blocks of bytes, each followed by the checksum of every piece of 8 KiB, then an index as JSON, then a trailer. So a
 * block can be read as a whole, or a few of its rows alone, and either way no byte is used that was not checked.
 */
import { closeSync, fstatSync, openSync, readSync, writevSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { type Schema, uninitialised } from './batch.ts'
import { pieceHashes } from './kernels/hash.ts'

/** An entry that does not hold what was written. The build throws it out and runs the task again that makes it. */
export class DamagedEntry extends Error {
  override readonly name = 'DamagedEntry'
  readonly key: string
  readonly what: string
  constructor(key: string, what: string) {
    super(`store entry ${key}: ${what}`)
    this.key = key
    this.what = what
  }
}

/** The form of an entry; another one reads as damaged, and is made again. */
const MAGIC = 0x676f6c67
const TRAILER = 16
const PIECE = 8192
const SUM_BYTES = 4

/** Where a block lies, and the CRC-32 of its pieces' checksums, which follow it. */
export type Block = readonly [offset: number, length: number, crc: number]

/** What an entry holds: the block of a JSON value, or a table: its schemas, and for each batch the schema's number, its rows and its blocks. */
export type Index =
  | { readonly json: Block }
  | { readonly schemas: readonly Schema[]; readonly batches: readonly (readonly [number, number, ...Block[]])[] }

/** Writes a file of blocks, each given in parts; `index` says what they are. */
export function writeEntry(file: string, blocks: readonly (readonly Uint8Array[])[], index: (places: Block[]) => Index): void {
  const parts: Uint8Array[] = []
  let end = 0
  const places = blocks.map((block): Block => {
    const length = block.reduce((n, part) => n + part.byteLength, 0)
    const sums = checksums(block)
    parts.push(...block, sums)
    end += length + sums.length
    return [end - length - sums.length, length, crc32(sums)]
  })
  const json = Buffer.from(JSON.stringify(index(places)))
  const trailer = new DataView(new ArrayBuffer(TRAILER))
  trailer.setUint32(0, MAGIC, true)
  trailer.setUint32(4, crc32(json), true)
  trailer.setUint32(8, json.length, true)
  trailer.setUint32(12, (end + json.length + TRAILER) >>> 0, true)
  const fd = openSync(file, 'wx')
  try {
    writeAll(fd, [...parts, json, new Uint8Array(trailer.buffer)])
  } finally {
    closeSync(fd)
  }
}

const piecesOf = (length: number): number => Math.ceil(length / PIECE)

/** Of every piece of a block the last four bytes of its xxHash128: three times as fast as zlib's CRC-32. */
function checksums(parts: readonly Uint8Array[]): Uint8Array {
  const words = new Uint32Array(pieceHashes(parts, PIECE).buffer)
  const sums = new Uint32Array(words.length / 4)
  for (let piece = 0; piece < sums.length; piece++) sums[piece] = words[4 * piece + 3]
  return new Uint8Array(sums.buffer)
}

function writeAll(fd: number, parts: readonly Uint8Array[]): void {
  for (let i = 0; i < parts.length; i += 512) {
    const group = parts.slice(i, i + 512)
    let left = group.reduce((n, p) => n + p.byteLength, 0)
    for (let rest: Uint8Array[] = group; left > 0; ) {
      const written = writevSync(fd, rest)
      left -= written
      rest = left > 0 ? [Buffer.concat(rest).subarray(written)] : []
    }
  }
}

export function readIndex(key: string, fd: number): Index {
  const { size } = fstatSync(fd)
  if (size < TRAILER) throw new DamagedEntry(key, 'is cut off')
  const trailer = new DataView(readAt(fd, size - TRAILER, TRAILER).buffer)
  const length = trailer.getUint32(8, true)
  if (trailer.getUint32(0, true) !== MAGIC || trailer.getUint32(12, true) !== size >>> 0 || length > size)
    throw new DamagedEntry(key, 'is cut off')
  const json = readAt(fd, size - TRAILER - length, length)
  if (crc32(json) !== trailer.getUint32(4, true)) throw new DamagedEntry(key, 'index does not match its checksum')
  return JSON.parse(Buffer.from(json).toString()) as Index
}

function readAt(fd: number, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = uninitialised(length)
  fill(fd, offset, bytes)
  return bytes
}

/** Bytes behind the end of the file stay as they are: checksums tell. */
function fill(fd: number, offset: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    const n = readSync(fd, bytes, at, bytes.length - at, offset + at)
    if (n === 0) return
    at += n
  }
}

export function readBlock(key: string, fd: number, [offset, length, crc]: Block): Uint8Array {
  const bytes = readAt(fd, offset, length + SUM_BYTES * piecesOf(length))
  const sums = bytes.subarray(length)
  if (crc32(sums) !== crc) throw new DamagedEntry(key, 'checksum does not match')
  checkPieces(key, bytes.subarray(0, length), sums, 0, piecesOf(length))
  return bytes.subarray(0, length)
}

function checkPieces(key: string, block: Uint8Array, sums: Uint8Array, from: number, to: number): void {
  const found = checksums([block.subarray(from * PIECE, to * PIECE)])
  if (Buffer.compare(found, sums.subarray(from * SUM_BYTES, to * SUM_BYTES)) !== 0) throw new DamagedEntry(key, 'checksum does not match')
}

/** Memory for blocks of which a part is read; what lies in it is copied out before the next one is. */
let scratch = new Uint8Array(0)

/** A block of which only what is asked for is read. `bytes` is valid where it was loaded, and until the next block is opened. */
export class PartialBlock {
  readonly bytes: Uint8Array
  private readonly key: string
  private readonly fd: number
  private readonly offset: number
  private readonly sums: Uint8Array
  private readonly loaded: Uint8Array

  constructor(key: string, fd: number, [offset, length, crc]: Block) {
    const pieces = piecesOf(length)
    this.key = key
    this.fd = fd
    this.offset = offset
    this.sums = readAt(fd, offset + length, SUM_BYTES * pieces)
    if (crc32(this.sums) !== crc) throw new DamagedEntry(key, 'checksum does not match')
    if (scratch.length < length) scratch = new Uint8Array(length)
    this.bytes = scratch.subarray(0, length)
    this.loaded = new Uint8Array(pieces)
  }

  /** Reads bytes from[i] .. to[i] of the block for every i. */
  load(from: ArrayLike<number>, to: ArrayLike<number>): void {
    const { loaded } = this
    for (let i = 0; i < from.length; i++)
      if (from[i] < to[i]) for (let piece = Math.floor(from[i] / PIECE); piece * PIECE < to[i]; piece++) loaded[piece] ||= WANTED
    for (let piece = loaded.indexOf(WANTED); piece >= 0; piece = loaded.indexOf(WANTED, piece)) {
      let end = piece
      while (loaded[end] === WANTED) loaded[end++] = LOADED
      fill(this.fd, this.offset + piece * PIECE, this.bytes.subarray(piece * PIECE, end * PIECE))
      checkPieces(this.key, this.bytes, this.sums, piece, end)
    }
  }
}

const WANTED = 1
const LOADED = 2
