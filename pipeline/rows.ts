/** Whole rows of a finished build, for writing: facts, texts, outcome and every signal, for any list of pairs in any order. */

import { type Batch, beside, type Numbers, rowBytes, select } from './batch.ts'
import { type Build, type Shard, textsKey, WINDOW_BYTES } from './build.ts'
import { ShardColumns } from './columns.ts'
import { pick } from './gather.ts'
import { narrowOf } from './row-facts.ts'
import { blocksOf, copyRows, endOfPiece, numbered, runsOf, taken, timesOf, within } from './row-places.ts'
import { WINDOW_STRETCHES } from './shuffle.ts'
import { pickTexts } from './turned.ts'

/** Rows whose narrow columns, and bytes of text, a reader keeps: as much as one window of `arrange` spans, and a little more. */
const KEPT_ROWS = 400_000
const KEPT_BYTES = 1.25 * WINDOW_BYTES
/** Where a whole list wants fewer than one in so many rows of a block, only they are read; else the block is, once for all its pieces. */
const FEW = 5

/** Reads rows of any shard; keeps what it read last. */
export class RowReader {
  private readonly build: Build
  private readonly scale: Readonly<Record<string, number>>
  private readonly shards = new Map<number, Batch>()
  private readonly sized = new Map<number, Sizes>()
  private readonly blocks = new Map<BlockPlace, Batch>()
  /** How many rows of each block the list wants that was cut last. */
  private listed = new Map<number, number>()
  private kept_rows = 0
  private kept_bytes = 0

  /** `scale`: by what the weights of a source are multiplied, so that their mean over its kept pairs is 1. */
  constructor(build: Build, scale: Readonly<Record<string, number>>) {
    this.build = build
    this.scale = scale
  }

  /**
   * The named narrow columns of these pairs, and their texts if `texts`, in the order given; all blocks that hold them are in memory at once.
   * `turned`: with the sides exchanged where `flipped` is 1.
   */
  read(ordinals: Int32Array, names: ReadonlySet<string>, texts?: 'as they are' | 'turned'): Batch {
    const { blocks, whichBlock, shards, whichShard, row } = this.located(ordinals)
    const all = shards.map(shard => named(this.narrow(shard), names))
    const narrow = pick(all[0].schema, all, whichShard, row)
    if (!texts) return narrow
    const flipped = texts === 'turned' ? (narrow.columns.flipped as Numbers<Uint8Array>).values : undefined
    return beside(narrow, this.texts(blocks, whichBlock, ordinals, flipped))
  }

  /** Where the texts of these pairs lie, whatever build looks at them: names of shards, and of each pair its shard and the row in it. */
  placesOf(ordinals: Int32Array): (string | Int32Array)[] {
    const { shards, whichShard, row } = this.located(ordinals)
    return [shards.map(({ input, index }) => textsKey(input, index)).join(), whichShard, row]
  }

  /** The blocks and shards that hold these pairs, and of each pair which of them do, and its row in the shard. */
  private located(ordinals: Int32Array): Located {
    const places = this.places()
    const { distinct: blocks, which: whichBlock } = numbered(blocksOf(ordinals, this.blockStarts()))
    const { distinct, which } = numbered(Int32Array.from(blocks, block => places[block].shard.place))
    const shards = distinct.map(place => this.build.shards()[place])
    const whichShard = taken(which, whichBlock)
    const starts = Int32Array.from(shards, ({ start }) => start)
    return { blocks, whichBlock, shards, whichShard, row: within(ordinals, starts, whichShard) }
  }

  /** Row i is pair ordinals[i], which lies in blocks[which[i]]. */
  private texts(blocks: readonly number[], which: Int32Array, ordinals: Int32Array, flipped?: Uint8Array): Batch {
    const places = blocks.map(block => this.places()[block])
    const wanted = places.map(() => [] as number[])
    const row = ordinals.map((ordinal, i) => ordinal - places[which[i]].start)
    const placeAmong = row.map((row, i) => wanted[which[i]].push(row) - 1)
    const few = places.map((place, k) => {
      const rows = Math.max(wanted[k].length, this.listed.get(blocks[k]) ?? 0)
      return !this.blocks.has(place) && rows * FEW < rowsOf(place)
    })
    const read = places.map((place, k) =>
      few[k] ? this.build.texts(place.shard, place.index, Int32Array.from(wanted[k])) : this.block(place),
    )
    return pickTexts(
      read,
      which,
      row.map((row, i) => (few[which[i]] ? placeAmong[i] : row)),
      flipped,
    )
  }

  /**
   * Cuts a list of pairs into pieces of at most so many rows and, beyond the first row, bytes of text, from so few places of the corpus that the
   * blocks which hold it fit in memory. A piece is a row group, so cuts depend on the rows alone, not on how they came in files and blocks.
   */
  *cut(ordinals: Int32Array, most_rows: number, most_bytes: number): Generator<Int32Array> {
    const { blocks, whichBlock, shards, whichShard, row } = this.located(ordinals)
    const counts = timesOf(whichBlock, blocks.length)
    this.listed = new Map(blocks.map((block, k) => [block, counts[k]]))
    const [size, stretch] = [0, 0].map(() => new Int32Array(ordinals.length))
    // of one shard after another: those of all of them need not be in memory
    for (const [from, to] of runsOf(whichShard)) {
      const own = this.sizes(shards[whichShard[from]])
      copyRows(size, own.size, row, from, to)
      copyRows(stretch, own.stretch, row, from, to)
    }
    for (let from = 0; from < ordinals.length; ) {
      const to = endOfPiece(from, size, stretch, most_rows, most_bytes)
      yield ordinals.subarray(from, to)
      from = to
    }
  }

  /** Bytes of text of each pair of a shard, and the stretch of the corpus in which it begins. */
  private sizes(shard: Shard): Sizes {
    const kept = this.sized.get(shard.place)
    if (kept) return kept
    const size = (this.narrow(shard).columns.text_bytes as Numbers<Int32Array>).values
    let at = this.textStarts()[shard.place]
    const stretch = size.map(bytes => {
      at += bytes
      return Math.floor(((at - bytes) / this.build.window_bytes) * WINDOW_STRETCHES)
    })
    const sizes = { size, stretch }
    this.sized.set(shard.place, sizes)
    return sizes
  }

  private startsOfTexts: Float64Array | undefined
  /** Bytes of text before each shard. */
  private textStarts(): Float64Array {
    let at = 0
    this.startsOfTexts ??= Float64Array.from(this.build.shards(), ({ text_bytes }) => (at += text_bytes) - text_bytes)
    return this.startsOfTexts
  }

  private startsOfBlocks: Int32Array | undefined
  private blockStarts(): Int32Array {
    this.startsOfBlocks ??= Int32Array.from(this.places(), place => place.start)
    return this.startsOfBlocks
  }

  private placesOfBlocks: BlockPlace[] | undefined
  private places(): readonly BlockPlace[] {
    this.placesOfBlocks ??= this.build.shards().flatMap(blockPlaces)
    return this.placesOfBlocks
  }

  private narrow(shard: Shard): Batch {
    const kept = this.shards.get(shard.place)
    if (kept) return kept
    const narrow = narrowOf(this.build, new ShardColumns(this.build, shard), this.scale)
    for (const [oldest, batch] of this.shards) {
      if (this.kept_rows + shard.pairs <= KEPT_ROWS) break
      this.shards.delete(oldest)
      this.sized.delete(oldest)
      this.kept_rows -= batch.rows
    }
    this.shards.set(shard.place, narrow)
    this.kept_rows += shard.pairs
    return narrow
  }

  private block(place: BlockPlace): Batch {
    const kept = this.blocks.get(place)
    if (kept) return kept
    const block = this.build.texts(place.shard, place.index)
    for (const [oldest, batch] of this.blocks) {
      if (this.kept_bytes < KEPT_BYTES) break
      this.blocks.delete(oldest)
      this.kept_bytes -= sizeOf(batch)
    }
    this.blocks.set(place, block)
    this.kept_bytes += sizeOf(block)
    return block
  }
}

interface Sizes {
  readonly size: Int32Array
  readonly stretch: Int32Array
}

const sizeOf = (texts: Batch): number => rowBytes(texts).reduce((a, b) => a + b, 0)

/** Block `index` of a shard; `start` = ordinal of its first pair. */
interface BlockPlace {
  readonly shard: Shard
  readonly index: number
  readonly start: number
}

const rowsOf = ({ shard, index }: BlockPlace): number => shard.block_rows[index]

function blockPlaces(shard: Shard): BlockPlace[] {
  let start = shard.start
  return shard.block_rows.map((rows, index) => {
    start += rows
    return { shard, index, start: start - rows }
  })
}

const named = (batch: Batch, names: ReadonlySet<string>): Batch =>
  select(
    batch,
    Object.keys(batch.schema).filter(name => names.has(name)),
  )

interface Located {
  readonly blocks: readonly number[]
  readonly whichBlock: Int32Array
  readonly shards: readonly Shard[]
  readonly whichShard: Int32Array
  readonly row: Int32Array
}
