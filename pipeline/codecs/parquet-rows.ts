/** Rows of goldpan's own Parquet files by their number: a row group is read when one of its rows is asked for, and kept until another one is. */
import { type FileHandle, open } from 'node:fs/promises'
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { UserError } from '../errors.ts'
import { messageOf, unreadable } from './damage.ts'
import { readAt } from './file-bytes.ts'
import { openZstd } from './zstd.ts'

interface OpenFile {
  readonly path: string
  readonly handle: FileHandle
  readonly file: AsyncBuffer
  readonly metadata: FileMetaData
}

/** Rows from .. to of a file; `first` counts rows from the first file on. */
interface Group {
  readonly of: OpenFile
  readonly from: number
  readonly to: number
  readonly first: number
}

type Row = Readonly<Record<string, unknown>>

/** As Buffer reads it: TextDecoder would take a leading U+FEFF away. */
const parsers = { stringFromBytes: (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString() }

export class ParquetRows {
  private readonly files: readonly OpenFile[]
  private readonly groups: readonly Group[]
  private readonly unpack: Awaited<ReturnType<typeof openZstd>>
  private held: { readonly of: string; readonly rows: Promise<Row[]> } | undefined

  private constructor(files: readonly OpenFile[], unpack: ParquetRows['unpack']) {
    this.files = files
    this.groups = groupsOf(files)
    this.unpack = unpack
  }

  /** The files stay open: what replaces them while they are read is not seen. */
  static async open(paths: readonly string[]): Promise<ParquetRows> {
    const files: OpenFile[] = []
    try {
      for (const path of paths) files.push(await openFile(path))
      return new ParquetRows(files, await openZstd())
    } catch (error) {
      for (const { handle } of files) await handle.close()
      throw error
    }
  }

  /** These columns of all rows, in order. */
  async all(columns: readonly string[]): Promise<Row[]> {
    const parts: Row[][] = []
    for (const of of this.files) parts.push(await this.read({ of, from: 0, to: Number(of.metadata.num_rows), first: 0 }, columns))
    return parts.flat()
  }

  /** These columns of row `number`, from 0. */
  async row(number: number, columns: readonly string[]): Promise<Row> {
    const group = this.groupWith(number)
    const of = `${group.first} ${columns.join()}`
    if (this.held?.of !== of) this.held = { of, rows: this.read(group, columns) }
    return (await this.held.rows)[number - group.first]
  }

  async close(): Promise<void> {
    for (const { handle } of this.files) await handle.close()
  }

  private groupWith(number: number): Group {
    let [low, high] = [0, this.groups.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.groups[middle].first <= number) low = middle
      else high = middle - 1
    }
    return this.groups[low]
  }

  private async read({ of: { path, file, metadata }, from, to }: Group, columns: readonly string[]): Promise<Row[]> {
    const compressors = {
      ZSTD: (packed: Uint8Array, size: number): Uint8Array => this.unpack(packed, size) ?? refuse('a page does not unpack'),
    }
    try {
      return await parquetReadObjects({ file, metadata, columns: [...columns], rowStart: from, rowEnd: to, compressors, parsers })
    } catch (error) {
      throw damagedBuild(path, `rows ${from} to ${to - 1}: ${messageOf(error)}`)
    }
  }
}

const damagedBuild = (path: string, what: string): UserError =>
  new UserError(`${path}: ${what}; \`goldpan verify\` tells whether the build is damaged`)

function refuse(what: string): never {
  throw new Error(what)
}

async function openFile(path: string): Promise<OpenFile> {
  const handle = await open(path, 'r').catch(error => {
    throw unreadable(path, error)
  })
  const { size } = await handle.stat()
  const slice = async (from: number, to = size): Promise<ArrayBuffer> => {
    const bytes = await readAt(handle, from, to - from)
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
  }
  const file = { byteLength: size, slice }
  try {
    return { path, handle, file, metadata: await parquetMetadataAsync(file) }
  } catch (error) {
    await handle.close()
    throw damagedBuild(path, messageOf(error))
  }
}

function groupsOf(files: readonly OpenFile[]): Group[] {
  const groups: Group[] = []
  let first = 0
  for (const of of files) {
    let from = 0
    for (const { num_rows } of of.metadata.row_groups) {
      const to = from + Number(num_rows)
      groups.push({ of, from, to, first })
      first += to - from
      from = to
    }
  }
  return groups
}
