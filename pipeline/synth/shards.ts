/** The files that the rows are written to. */
import { join } from 'node:path'
import { GROUP_ROWS } from '../codecs/out-columns.ts'
import { openTableWriter, type TableWriter } from '../codecs/table-writer.ts'
import { JsonLines } from './json-lines.ts'
import { OutFile } from './out-file.ts'
import type { Made, RowMaker } from './row-maker.ts'
import { pairColumns, RowTable } from './table.ts'

export const shardFormats = ['jsonl', 'jsonl.gz', 'parquet'] as const
export type ShardFormat = (typeof shardFormats)[number]

export interface Shards {
  /** Writes a row and gives its place, file:row. */
  write(made: Made): Promise<string> | string
  /** Gives the bytes of all lines before compression; for Parquet, those of the texts. */
  close(): Promise<number>
}

interface ShardOptions {
  readonly seed: number
  readonly out: string
  readonly format: ShardFormat
  readonly shardPairs: number
  readonly withScores: boolean
  /** Number of the first file. */
  readonly index: number
}

/** Opens the files of a corpus; lines may be broken on purpose, Parquet rows cannot be. */
export function openShards(options: ShardOptions, maker: RowMaker): Shards {
  return options.format === 'parquet' ? new TableShards(options, maker) : new LineShards(options, maker)
}

const shardName = (index: number, format: ShardFormat): string => `pairs-${String(index).padStart(5, '0')}.${format}`

class LineShards implements Shards {
  readonly #options: ShardOptions
  readonly #lines: JsonLines
  #file: OutFile | undefined
  #name = ''
  #index: number
  #rows = 0
  #bytes = 0

  constructor(options: ShardOptions, maker: RowMaker) {
    this.#options = options
    this.#index = options.index
    this.#lines = new JsonLines(options.seed, maker, options.withScores)
  }

  async write(made: Made): Promise<string> {
    const { out, format, shardPairs } = this.#options
    if (this.#rows === shardPairs) await this.#finish()
    if (!this.#file) {
      this.#name = shardName(this.#index++, format)
      this.#file = new OutFile(join(out, this.#name))
    }
    this.#lines.write(made, this.#file.pending)
    await this.#file.flush()
    return `${this.#name}:${this.#rows++}`
  }

  async #finish(): Promise<void> {
    await this.#file?.close()
    this.#bytes += this.#file?.bytes ?? 0
    this.#file = undefined
    this.#rows = 0
  }

  async close(): Promise<number> {
    await this.#finish()
    return this.#bytes
  }
}

class TableShards implements Shards {
  readonly #options: ShardOptions
  readonly #newTable: () => RowTable
  #table: RowTable
  #writer: TableWriter | undefined
  #name = ''
  #index: number
  #rows = 0
  #bytes = 0

  constructor(options: ShardOptions, maker: RowMaker) {
    this.#options = options
    this.#index = options.index
    this.#newTable = () => new RowTable(options.seed, maker)
    this.#table = this.#newTable()
  }

  async write(made: Made): Promise<string> {
    const { out, format, shardPairs } = this.#options
    if (this.#rows === shardPairs) await this.#finish()
    if (!this.#writer) {
      this.#name = shardName(this.#index++, format)
      this.#writer = await openTableWriter('parquet', pairColumns, join(out, this.#name))
    }
    this.#table.add(made)
    this.#bytes += made.row.text.length
    if (this.#table.rows === GROUP_ROWS) await this.#flush()
    return `${this.#name}:${this.#rows++}`
  }

  async #flush(): Promise<void> {
    if (this.#table.rows > 0) await this.#writer?.write(this.#table.batch())
    this.#table = this.#newTable()
  }

  async #finish(): Promise<void> {
    if (!this.#writer) return
    await this.#flush()
    await this.#writer.close()
    this.#writer = undefined
    this.#rows = 0
  }

  async close(): Promise<number> {
    await this.#finish()
    return this.#bytes
  }
}
