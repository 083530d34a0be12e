/** Writes batches as one file of a table. The bytes depend on the rows alone, not on how the caller cuts them into batches. */
import { createHash, type Hash } from 'node:crypto'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { uninitialised } from '../batch.ts'
import {
  GROUP_BYTES,
  GROUP_ROWS,
  type Group,
  type GroupSize,
  type OutBatch,
  type OutColumn,
  type OutputFormat,
  Regrouper,
} from './out-columns.ts'

export { type OutBatch, type OutColumn, type OutField, type OutputFormat, outputFormats, type Struct } from './out-columns.ts'

export interface Written {
  readonly rows: number
  readonly bytes: number
  readonly sha256: string
}

/** A batch belongs to the writer from `write` on: its arrays must not be changed. */
export interface TableWriter {
  write(batch: OutBatch): Promise<void> | void
  close(): Promise<Written>
}

/** What a format does with groups of `group_rows` rows, the last one shorter. */
export interface Encoder {
  readonly group_rows: number
  write(group: Group): Promise<void> | void
  close(): Promise<void> | void
}
export type Emit = (bytes: Uint8Array) => void
export type OpenEncoder = (columns: readonly OutColumn[], emit: Emit) => Encoder

/** Each is loaded when it is needed. */
const encoders: Record<OutputFormat, () => Promise<OpenEncoder>> = {
  parquet: async () => (await import('./parquet-writer.ts')).openParquetEncoder,
  arrow: async () => (await import('./arrow-writer.ts')).openArrowEncoder,
  jsonl: async () => (await import('./jsonl-writer.ts')).openJsonlEncoder,
  'jsonl.gz': async () => (await import('./packed-lines.ts')).openGzipLines,
  'jsonl.zst': async () => (await import('./packed-lines.ts')).openZstdLines,
}

/** Writes at `path` and nowhere else: the caller names a temporary path and renames. A failed write removes the file. */
export async function openTableWriter(
  format: OutputFormat,
  columns: readonly OutColumn[],
  path: string,
  most: GroupSize = { rows: GROUP_ROWS, bytes: GROUP_BYTES },
): Promise<TableWriter> {
  const open = await encoders[format]()
  const file = new HashedFile(path)
  const encoder = open(columns, bytes => file.append(bytes))
  const regroup = new Regrouper(columns, { ...most, rows: Math.min(encoder.group_rows, most.rows) })
  let rows = 0
  const guarded = async <T>(step: () => Promise<T>): Promise<T> => {
    try {
      return await step()
    } catch (error) {
      file.discard()
      throw error
    }
  }
  return {
    write: batch =>
      guarded(async () => {
        rows += batch.rows
        for (const group of regroup.push(batch)) await encoder.write(group)
      }),
    close: () =>
      guarded(async () => {
        // A file or a row group of 0 rows makes `datasets` fail for the whole folder.
        if (rows === 0) throw new Error(`${path}: a table of 0 rows must not be written`)
        for (const group of regroup.rest()) await encoder.write(group)
        await encoder.close()
        return { rows, ...file.close() }
      }),
  }
}

/** Pages of narrow columns have some hundred bytes: so many are put together before they are written. */
const HELD_BYTES = 1 << 18

class HashedFile {
  private readonly path: string
  private readonly hash: Hash = createHash('sha256')
  private readonly held = uninitialised(HELD_BYTES)
  private fd: number | undefined
  private holds = 0
  private bytes = 0
  constructor(path: string) {
    this.path = path
    this.fd = openSync(path, 'w')
  }

  append(bytes: Uint8Array): void {
    if (this.holds + bytes.length > HELD_BYTES) this.flush()
    if (bytes.length > HELD_BYTES) this.write(bytes)
    else {
      this.held.set(bytes, this.holds)
      this.holds += bytes.length
    }
  }

  private flush(): void {
    this.write(this.held.subarray(0, this.holds))
    this.holds = 0
  }

  private write(bytes: Uint8Array): void {
    if (this.fd === undefined) throw new Error(`${this.path}: is closed`)
    this.hash.update(bytes)
    for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at)
    this.bytes += bytes.length
  }

  close(): { bytes: number; sha256: string } {
    this.flush()
    if (this.fd !== undefined) closeSync(this.fd)
    this.fd = undefined
    return { bytes: this.bytes, sha256: this.hash.digest('hex') }
  }

  discard(): void {
    if (this.fd === undefined) return
    closeSync(this.fd)
    this.fd = undefined
    rmSync(this.path, { force: true })
  }
}
