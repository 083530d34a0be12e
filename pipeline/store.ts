/**
 * Write-once tables and files named by what they were made from. An entry appears whole or not at all (written aside, then linked); every
 * block carries its own checksums, so a damaged entry is found when it is read, thrown out and made again, never trusted. Entries are not
 * fsynced: after a power loss the checksum tells what did not reach the disk.
 */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  existsSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { type Batch, type Schema, select } from './batch.ts'
import { decodeBatch, decodeRange, decodeRows, encodeBatch } from './codecs/columns.ts'
import { concat } from './concat.ts'
import { type Block, DamagedEntry, type Index, PartialBlock, readBlock, readIndex, writeEntry } from './entry-file.ts'
import { guarded, ioError, UserError } from './errors.ts'
import { lazyColumns } from './lazy-columns.ts'
import { makeFolder } from './make-folder.ts'
import type { Json } from './stage.ts'

/** Of file systems without hard links: there a rename replaces, and the last of two equal entries stays. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP'])

/** A batch of a table: its columns lie one after another in the order of the schema, so that each can be read alone. */
interface TableBlock {
  readonly schema: Schema
  readonly rows: number
  readonly columns: readonly Block[]
}

/** Of the layout of a store's folder; a store of a later format is refused. */
const FORMAT = 1
const FORMAT_FILE = 'format.json'

export class Store {
  readonly root: string
  readonly format: number
  /** Keys that were asked for and there: what this build uses again. */
  private readonly used = new Set<string>()
  constructor(root: string) {
    this.root = root
    for (const folder of ['objects', 'tmp', 'plans']) guarded(root, () => makeFolder(join(root, folder)))
    this.format = formatOf(root)
  }

  path(key: string): string {
    return join(this.root, 'objects', key.slice(0, 2), key.slice(2))
  }

  has(key: string): boolean {
    const there = existsSync(this.path(key))
    if (there) this.used.add(key)
    return there
  }

  /**
   * Notes in their file times that the entries which were there were needed today: `goldpan store gc` goes by it. Of a published file its
   * record tells: the file itself is the one in the output folder, where loaders go by its time.
   */
  touchUsed(): void {
    const now = new Date()
    for (const key of this.used) {
      if (this.used.has(`${key}.record`)) continue
      try {
        utimesSync(this.path(key), now, now)
      } catch {}
    }
    this.used.clear()
  }

  /** Reads the end of an entry alone; throws DamagedEntry where it is not what was written. */
  checkEnd(key: string): void {
    this.index(key)
  }

  /** Reads every block of an entry; throws DamagedEntry where one is not what was written. */
  check(key: string): void {
    const index = this.index(key)
    const blocks = 'json' in index ? [index.json] : index.batches.flatMap(([, , ...columns]) => columns)
    for (const block of blocks) this.readBlock(key, block)
  }

  drop(key: string): void {
    rmSync(this.path(key), { force: true })
  }

  /** Throws out what is damaged, so that the task which makes it finds it missing. */
  dropDamaged({ key }: DamagedEntry): void {
    this.drop(key)
    this.drop(key.split('.')[0])
  }

  /** Writes batches that can be read one by one, and column by column. */
  writeTable(key: string, batches: readonly Batch[]): void {
    this.commit(key, file => {
      const columns = batches.flatMap(batch => Object.keys(batch.schema).map(name => encodeBatch(select(batch, [name]))))
      writeEntry(file, columns, blocks => tableIndex(batches, blocks))
    })
  }

  /** The whole table as one batch; a column of a table of one batch is read when it is first asked for. */
  readTable(key: string): Batch {
    const batches = this.tableBlocks(key).map(block => this.batch(key, block))
    return concat(batches[0].schema, batches)
  }

  /** Rows of every batch of a table. */
  batchRows(key: string): number[] {
    return this.tableBlocks(key).map(({ rows }) => rows)
  }

  /** Batch i of a table alone; a column is read when it is first asked for. */
  readBatch(key: string, i: number): Batch {
    return this.batch(key, this.tableBlock(key, i))
  }

  /** Rows `rows` of batch i of a table, in that order; of text no more is read than they need. */
  readRows(key: string, i: number, rows: Int32Array): Batch {
    const { schema, columns } = this.tableBlock(key, i)
    const read = (block: Block): Batch => this.open(key, fd => decodeRows(new PartialBlock(key, fd, block), rows))
    const makers = Object.keys(schema).map((name, k) => [name, () => read(columns[k]).columns[name]] as const)
    return { schema, rows: rows.length, columns: lazyColumns(Object.fromEntries(makers)) }
  }

  /** Rows from .. to of batch i of a table; no more is read than they need. */
  readRange(key: string, i: number, from: number, to: number): Batch {
    const { schema, columns } = this.tableBlock(key, i)
    return this.open(key, fd => {
      const read = columns.map(block => decodeRange(new PartialBlock(key, fd, block), from, to).columns)
      return { schema, rows: to - from, columns: Object.assign({}, ...read) }
    })
  }

  private tableBlock(key: string, i: number): TableBlock {
    const block = this.tableBlocks(key)[i]
    if (!block) throw new DamagedEntry(key, 'a batch is missing')
    return block
  }

  private tableBlocks(key: string): TableBlock[] {
    const index = this.index(key)
    if ('json' in index) throw new DamagedEntry(key, 'is no table')
    return index.batches.map(([schema, rows, ...columns]) => ({ schema: index.schemas[schema], rows, columns }))
  }

  private batch(key: string, { schema, rows, columns }: TableBlock): Batch {
    const makers = Object.keys(schema).map((name, i) => [name, () => decodeBatch(this.readBlock(key, columns[i])).columns[name]] as const)
    return { schema, rows, columns: lazyColumns(Object.fromEntries(makers)) }
  }

  writeJson(key: string, value: Json): void {
    this.commit(key, file => {
      writeEntry(file, [[Buffer.from(JSON.stringify(value))]], ([json]) => ({ json }))
    })
  }

  readJson<T>(key: string): T {
    const index = this.index(key)
    if (!('json' in index)) throw new DamagedEntry(key, 'is no JSON')
    return JSON.parse(Buffer.from(this.readBlock(key, index.json)).toString()) as T
  }

  /** A fresh path on the store's file system for a file that `adopt` will take in. */
  scratch(): string {
    return scratchIn(this.root)
  }

  /** Makes a finished file the entry of `key`; where another attempt was first, its file stays. */
  adopt(key: string, file: string): void {
    const path = this.path(key)
    guarded(this.root, () => makeFolder(dirname(path)))
    try {
      linkSync(file, path)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (NO_LINKS.has(code ?? '')) renameSync(file, path)
      else if (code !== 'EEXIST') throw ioError(this.root, error)
    }
    rmSync(file, { force: true })
  }

  /** The same for a file that tells no damage by itself: it takes the place of what a power loss may have left there. */
  replace(key: string, file: string): void {
    const path = this.path(key)
    guarded(this.root, () => {
      makeFolder(dirname(path))
      renameSync(file, path)
    })
    // a rename between two links of one file leaves both
    rmSync(file, { force: true })
  }

  /** Makes the file that is the entry of `other` that of `key` too. */
  share(other: string, key: string): void {
    const file = this.scratch()
    try {
      linkSync(this.path(other), file)
    } catch (error) {
      if (!NO_LINKS.has((error as NodeJS.ErrnoException).code ?? '')) throw ioError(this.root, error)
      guarded(this.root, () => copyFileSync(this.path(other), file))
    }
    this.replace(key, file)
  }

  private commit(key: string, write: (file: string) => void): void {
    const file = this.scratch()
    try {
      guarded(this.root, () => write(file))
      this.adopt(key, file)
    } catch (error) {
      rmSync(file, { force: true })
      throw error
    }
  }

  private readBlock(key: string, block: Block): Uint8Array {
    return this.open(key, fd => readBlock(key, fd, block))
  }

  private index(key: string): Index {
    return this.open(key, fd => readIndex(key, fd))
  }

  private open<T>(key: string, read: (fd: number) => T): T {
    let fd: number
    try {
      fd = openSync(this.path(key), 'r')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new DamagedEntry(key, 'is missing')
      throw ioError(this.root, error)
    }
    try {
      return read(fd)
    } catch (error) {
      throw ioError(this.root, error)
    } finally {
      closeSync(fd)
    }
  }
}

const scratchIn = (root: string): string => join(root, 'tmp', `${process.pid}-${randomUUID()}`)

/** Writes a file of a store that is no entry, such as a plan: whoever reads it meanwhile finds the one before or this one, whole. */
export function writeWhole(root: string, file: string, text: string): void {
  const aside = scratchIn(root)
  guarded(root, () => {
    writeFileSync(aside, text)
    renameSync(aside, file)
  })
}

/** Whether there is a store, which is not made here. */
export const isStore = (root: string): boolean => existsSync(join(root, FORMAT_FILE))

/** The format that a store says it has; a new one is given ours. */
function formatOf(root: string): number {
  const file = join(root, FORMAT_FILE)
  if (!existsSync(file)) writeWhole(root, file, JSON.stringify({ goldpan_store: FORMAT }))
  const format = formatIn(readFileSync(file, 'utf8'))
  if (format === undefined) throw new UserError(`${file}: is damaged; delete this file, and the next run writes it again`)
  if (format > FORMAT)
    throw new UserError(`${root}: a store of format ${format}, this goldpan knows up to ${FORMAT}; use a newer goldpan or another --store`)
  return format
}

function formatIn(text: string): number | undefined {
  try {
    const { goldpan_store: format } = JSON.parse(text) as { goldpan_store: unknown }
    return Number.isInteger(format) ? (format as number) : undefined
  } catch {
    return undefined
  }
}

/** `blocks`: of every column of every batch, in order. */
function tableIndex(batches: readonly Batch[], blocks: readonly Block[]): Index {
  const schemas = new Map<string, number>()
  let next = 0
  const placed = batches.map(({ schema, rows }): [number, number, ...Block[]] => {
    const text = JSON.stringify(schema)
    if (!schemas.has(text)) schemas.set(text, schemas.size)
    return [schemas.get(text)!, rows, ...blocks.slice(next, (next += Object.keys(schema).length))]
  })
  return { schemas: [...schemas.keys()].map(text => JSON.parse(text) as Schema), batches: placed }
}
