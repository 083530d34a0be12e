/** Whole rows of a finished build, for writing: facts, texts, outcome and every signal, for any list of pairs in any order. */

import { type Batch, beside, type Numbers, rowBytes, type Schema, select } from './batch.ts'
import { type Build, type Shard, textsKey, WINDOW_BYTES } from './build.ts'
import { lowerBound, ShardColumns } from './columns.ts'
import { pick } from './gather.ts'
import { pairTexts } from './pair.ts'
import { narrowOf } from './row-facts.ts'
import { WINDOW_STRETCHES } from './shuffle.ts'

/** Rows whose narrow columns, and bytes of text, a reader keeps: as much as one window of `arrange` spans, and a little more. */
const KEPT_ROWS = 400_000
const KEPT_BYTES = 1.25 * WINDOW_BYTES
/** Stretches of text of the corpus, laid end to end, whose blocks a piece may need: those of two windows, and a little more. */
const MOST_STRETCHES = 2.25 * WINDOW_STRETCHES

/** Where a whole list wants fewer than one in so many rows of a block, only they are read; else the block is, once for all its pieces. */
const FEW = 8

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

  /** The named narrow columns of these pairs, and their texts if `texts`, in the order given; all blocks that hold them are in memory at once. */
  read(ordinals: Int32Array, names: ReadonlySet<string>, texts: boolean): Batch {
    const places = this.places()
    const blocks = new Map<number, number>()
    const shards = new Map<Shard, number>()
    const [whichBlock, whichShard, rowInShard] = [0, 0, 0].map(() => new Int32Array(ordinals.length))
    for (let i = 0; i < ordinals.length; i++) {
      const block = this.blockOf(ordinals[i])
      const { shard } = places[block]
      whichBlock[i] = placeIn(blocks, block)
      whichShard[i] = placeIn(shards, shard)
      rowInShard[i] = ordinals[i] - shard.start
    }
    const all = [...shards.keys()].map(shard => named(this.narrow(shard), names))
    const narrow = pick(all[0].schema, all, whichShard, rowInShard)
    if (!texts) return narrow
    return beside(narrow, this.texts([...blocks.keys()], whichBlock, ordinals))
  }

  /** Where the texts of these pairs lie, whatever build looks at them: names of shards, and of each pair its shard and the row in it. */
  placesOf(ordinals: Int32Array): (string | Int32Array)[] {
    const shards = new Map<Shard, number>()
    const which = ordinals.map(ordinal => placeIn(shards, this.places()[this.blockOf(ordinal)].shard))
    const starts = [...shards.keys()].map(({ start }) => start)
    const keys = [...shards.keys()].map(({ input, index }) => textsKey(input, index))
    return [keys.join(), which, ordinals.map((ordinal, i) => ordinal - starts[which[i]])]
  }

  /** Row i is pair ordinals[i], which lies in blocks[which[i]]. */
  private texts(blocks: readonly number[], which: Int32Array, ordinals: Int32Array): Batch {
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
    return pick<Schema>(
      pairTexts,
      read,
      which,
      row.map((row, i) => (few[which[i]] ? placeAmong[i] : row)),
    )
  }

  /**
   * Cuts a list of pairs into pieces of at most so many rows and, beyond the first row, bytes of text, from so few places of the corpus that the
   * blocks which hold it fit in memory. A piece is a row group, so cuts depend on the rows alone, not on how they came in files and blocks.
   */
  *cut(ordinals: Int32Array, most_rows: number, most_bytes: number): Generator<Int32Array> {
    this.listed = new Map()
    const which = ordinals.map(ordinal => this.blockOf(ordinal))
    for (const block of which) this.listed.set(block, (this.listed.get(block) ?? 0) + 1)
    const stretches = new Set<number>()
    let from = 0
    let bytes = 0
    for (let i = 0; i < ordinals.length; i++) {
      const { shard } = this.places()[which[i]]
      const { size, stretch } = this.sizes(shard)
      const row = ordinals[i] - shard.start
      const full = stretches.size >= MOST_STRETCHES && !stretches.has(stretch[row])
      if (i - from === most_rows || (i > from && (bytes + size[row] > most_bytes || full))) {
        yield ordinals.subarray(from, i)
        from = i
        bytes = 0
        stretches.clear()
      }
      stretches.add(stretch[row])
      bytes += size[row]
    }
    if (from < ordinals.length) yield ordinals.subarray(from)
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

  private lastBlock = 0
  /** Number of the block, counted over the corpus, that holds a pair; mostly the one of the pair before. */
  private blockOf(ordinal: number): number {
    const starts = this.blockStarts()
    const next = this.lastBlock + 1
    if (ordinal < starts[this.lastBlock] || (next < starts.length && ordinal >= starts[next]))
      this.lastBlock = lowerBound(starts, ordinal + 1) - 1
    return this.lastBlock
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

/** The number of a thing in the order in which things were first asked for. */
function placeIn<T>(found: Map<T, number>, thing: T): number {
  let place = found.get(thing)
  if (place === undefined) found.set(thing, (place = found.size))
  return place
}
