/**
 * Write-once tables and files named by what they were made from. An entry appears whole or not at all (written aside, then linked); every
 * block carries its own CRC-32, so a damaged entry is found when it is read, thrown out and made again, never trusted. Entries are not
 * fsynced: after a power loss the checksum tells what did not reach the disk.
 */

import { randomUUID } from 'node:crypto'
import { closeSync, existsSync, fstatSync, linkSync, mkdirSync, openSync, readSync, renameSync, rmSync, writevSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import { type Batch, concat } from './batch.ts'
import { decodeBatch, encodeBatch } from './codecs/columns.ts'
import { UserError } from './errors.ts'
import type { Json } from './stage.ts'

/** An entry that does not hold what was written. The build throws it out and runs the task again that makes it. */
export class DamagedEntry extends Error {
  override readonly name = 'DamagedEntry'
  readonly key: string
  constructor(key: string, what: string) {
    super(`store entry ${key}: ${what}`)
    this.key = key
  }
}

/** Of file systems without hard links: there a rename replaces, and the last of two equal entries stays. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP'])

const MAGIC = 0x676f6c64 // "gold"
const TRAILER = 16

interface Block {
  readonly offset: number
  readonly length: number
  readonly crc: number
}

export class Store {
  readonly root: string
  constructor(root: string) {
    this.root = root
    for (const folder of ['objects', 'tmp', 'plans']) guarded(root, () => mkdirSync(join(root, folder), { recursive: true }))
  }

  path(key: string): string {
    return join(this.root, 'objects', key.slice(0, 2), key.slice(2))
  }

  has(key: string): boolean {
    return existsSync(this.path(key))
  }

  drop(key: string): void {
    rmSync(this.path(key), { force: true })
  }

  /** Writes batches as blocks that can be read one by one. */
  writeTable(key: string, batches: readonly Batch[]): void {
    this.commit(
      key,
      batches.map(batch => encodeBatch(batch)),
    )
  }

  /** The whole table as one batch. */
  readTable(key: string): Batch {
    const batches = this.readBlocks(key).map(decodeBatch)
    return concat(batches[0].schema, batches)
  }

  /** Block i of a table alone. */
  readBatch(key: string, i: number): Batch {
    return this.open(key, (fd, blocks) => decodeBatch(this.readBlock(key, fd, blocks[i])))
  }

  writeJson(key: string, value: Json): void {
    this.commit(key, [[Buffer.from(JSON.stringify(value))]])
  }

  readJson<T>(key: string): T {
    return JSON.parse(Buffer.from(this.readBlocks(key)[0]).toString()) as T
  }

  /** A fresh path on the store's file system for a file that `adopt` will take in. */
  scratch(): string {
    return join(this.root, 'tmp', `${process.pid}-${randomUUID()}`)
  }

  /** Makes a finished file the entry of `key`; where another attempt was first, its file stays. */
  adopt(key: string, file: string): void {
    const path = this.path(key)
    guarded(this.root, () => mkdirSync(dirname(path), { recursive: true }))
    try {
      linkSync(file, path)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (NO_LINKS.has(code ?? '')) renameSync(file, path)
      else if (code !== 'EEXIST') throw ioError(this.root, error)
    }
    rmSync(file, { force: true })
  }

  private commit(key: string, blocks: readonly Uint8Array[][]): void {
    const file = this.scratch()
    try {
      guarded(this.root, () => writeBlocks(file, blocks))
      this.adopt(key, file)
    } catch (error) {
      rmSync(file, { force: true })
      throw error
    }
  }

  private readBlocks(key: string): Uint8Array[] {
    return this.open(key, (fd, blocks) => blocks.map(block => this.readBlock(key, fd, block)))
  }

  private readBlock(key: string, fd: number, block: Block | undefined): Uint8Array {
    if (!block) throw new DamagedEntry(key, 'a block is missing')
    const bytes = readAt(fd, block.offset, block.length)
    if (crc32(bytes) !== block.crc) throw new DamagedEntry(key, 'checksum does not match')
    return bytes
  }

  private open<T>(key: string, read: (fd: number, blocks: readonly Block[]) => T): T {
    let fd: number
    try {
      fd = openSync(this.path(key), 'r')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new DamagedEntry(key, 'is missing')
      throw ioError(this.root, error)
    }
    try {
      return read(fd, blocksOf(key, fd))
    } finally {
      closeSync(fd)
    }
  }
}

/** Blocks, then their index as JSON, then a trailer: magic, CRC and length of the index, length of the file. */
function writeBlocks(file: string, blocks: readonly Uint8Array[][]): void {
  const index: Block[] = []
  let offset = 0
  for (const pieces of blocks) {
    const length = pieces.reduce((n, p) => n + p.byteLength, 0)
    index.push({ offset, length, crc: pieces.reduce((crc, piece) => crc32(piece, crc), 0) })
    offset += length
  }
  const json = Buffer.from(JSON.stringify(index))
  const trailer = new DataView(new ArrayBuffer(TRAILER))
  trailer.setUint32(0, MAGIC, true)
  trailer.setUint32(4, crc32(json), true)
  trailer.setUint32(8, json.length, true)
  trailer.setUint32(12, (offset + json.length + TRAILER) >>> 0, true)
  const fd = openSync(file, 'wx')
  try {
    writeAll(fd, [...blocks.flat(), json, new Uint8Array(trailer.buffer)])
  } finally {
    closeSync(fd)
  }
}

function writeAll(fd: number, pieces: readonly Uint8Array[]): void {
  for (let i = 0; i < pieces.length; i += 512) {
    const group = pieces.slice(i, i + 512)
    let left = group.reduce((n, p) => n + p.byteLength, 0)
    for (let rest: Uint8Array[] = group; left > 0; ) {
      const written = writevSync(fd, rest)
      left -= written
      rest = left > 0 ? [Buffer.concat(rest).subarray(written)] : []
    }
  }
}

function blocksOf(key: string, fd: number): readonly Block[] {
  const { size } = fstatSync(fd)
  if (size < TRAILER) throw new DamagedEntry(key, 'is cut off')
  const trailer = new DataView(readAt(fd, size - TRAILER, TRAILER).buffer)
  const length = trailer.getUint32(8, true)
  if (trailer.getUint32(0, true) !== MAGIC || trailer.getUint32(12, true) !== size >>> 0 || length > size)
    throw new DamagedEntry(key, 'is cut off')
  const json = readAt(fd, size - TRAILER - length, length)
  if (crc32(json) !== trailer.getUint32(4, true)) throw new DamagedEntry(key, 'index does not match its checksum')
  return JSON.parse(Buffer.from(json).toString()) as Block[]
}

function readAt(fd: number, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; ) {
    const n = readSync(fd, bytes, at, length - at, offset + at)
    if (n === 0) return bytes
    at += n
  }
  return bytes
}

/** Runs a write; a full disk or a missing permission is the user's to mend, and named as such. */
export function guarded<T>(where: string, write: () => T): T {
  try {
    return write()
  } catch (error) {
    throw ioError(where, error)
  }
}

const MENDABLE: Record<string, string> = {
  ENOSPC: 'no space left on the disk; free some and run again, the build continues',
  EDQUOT: 'disk quota exceeded; free some and run again, the build continues',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many open files; raise `ulimit -n`',
  ENOTDIR: 'a part of this path is not a folder',
}

export function ioError(where: string, error: unknown): unknown {
  const mend = MENDABLE[(error as NodeJS.ErrnoException).code ?? '']
  return mend ? new UserError(`${where}: ${mend}`) : error
}
