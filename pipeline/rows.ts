/** Whole rows of a finished build, for writing: facts, texts, outcome and every signal, for any list of pairs in any order. */

import { WINDOW_BYTES } from './arrange.ts'
import { type Batch, beside, type Numbers, pick, rowBytes, type Schema, select } from './batch.ts'
import type { Build, Shard } from './build.ts'
import { lowerBound, ShardColumns } from './columns.ts'
import { pairTexts } from './pair.ts'
import { narrowOf } from './row-facts.ts'

/** Narrow columns of how many shards, and bytes of text, a reader keeps: as much as one window of `arrange` spans, and a little more. */
const KEPT_SHARDS = 6
const KEPT_BYTES = 1.25 * WINDOW_BYTES
/** More than a shard has. */
const MOST_BLOCKS = 1 << 20

/** Reads rows of any shard; keeps what it read last. */
export class RowReader {
  private readonly build: Build
  private readonly scale: Readonly<Record<string, number>>
  private readonly shards = new Map<number, Batch>()
  private readonly blocks = new Map<string, Batch>()
  private kept_bytes = 0

  /** `scale`: by what the weights of a source are multiplied, so that their mean over its kept pairs is 1. */
  constructor(build: Build, scale: Readonly<Record<string, number>>) {
    this.build = build
    this.scale = scale
  }

  /** The named narrow columns of these pairs, and their texts if `texts`, in the order given. */
  read(ordinals: Int32Array, names: ReadonlySet<string>, texts: boolean): Batch {
    const { shards, which, rows } = this.placesOf(ordinals)
    const all = shards.map(shard => this.narrow(shard))
    const wanted = Object.keys(all[0].schema).filter(name => names.has(name))
    const narrow = pick(
      select(all[0], wanted).schema,
      all.map(batch => select(batch, wanted)),
      which,
      rows,
    )
    return texts ? beside(narrow, this.textsAt(shards, which, rows)) : narrow
  }

  /** Cuts a list of pairs into pieces of at most so many rows and, beyond the first row, bytes of text. */
  *cut(ordinals: Int32Array, most_rows: number, most_bytes: number): Generator<Int32Array> {
    let from = 0
    let bytes = 0
    let shard = this.shardOf(ordinals[0] ?? 0)
    for (let i = 0; i < ordinals.length; i++) {
      if (!holds(shard, ordinals[i])) shard = this.shardOf(ordinals[i])
      const size = (this.narrow(shard).columns.text_bytes as Numbers).values[ordinals[i] - shard.start]
      if (i - from === most_rows || (i > from && bytes + size > most_bytes)) {
        yield ordinals.subarray(from, i)
        from = i
        bytes = 0
      }
      bytes += size
    }
    if (from < ordinals.length) yield ordinals.subarray(from)
  }

  /** The shards that hold the pairs, and for each pair which of them and the row there. */
  private placesOf(ordinals: Int32Array): Places {
    const found = new Map<Shard, number>()
    const which = new Int32Array(ordinals.length)
    const rows = new Int32Array(ordinals.length)
    let shard = this.shardOf(ordinals[0])
    for (let i = 0; i < ordinals.length; i++) {
      const ordinal = ordinals[i]
      if (!holds(shard, ordinal)) shard = this.shardOf(ordinal)
      which[i] = placeIn(found, shard)
      rows[i] = ordinal - shard.start
    }
    return { shards: [...found.keys()], which, rows }
  }

  private shardOf(ordinal: number): Shard {
    const shards = this.build.shards()
    return shards[lowerBound(this.starts(), ordinal + 1) - 1] ?? shards[0]
  }

  private startsOfShards: Int32Array | undefined
  private starts(): Int32Array {
    this.startsOfShards ??= Int32Array.from(this.build.shards(), shard => shard.start)
    return this.startsOfShards
  }

  private narrow(shard: Shard): Batch {
    const kept = this.shards.get(shard.place)
    if (kept) return kept
    const narrow = narrowOf(this.build, new ShardColumns(this.build, shard), this.scale)
    if (this.shards.size >= KEPT_SHARDS) this.shards.delete(this.shards.keys().next().value!)
    this.shards.set(shard.place, narrow)
    return narrow
  }

  /** The texts of rows of shards, each block opened once. */
  private textsAt(shards: readonly Shard[], which: Int32Array, rows: Int32Array): Batch {
    const ends = shards.map(blockEnds)
    const found = new Map<number, number>()
    const blocks: Batch[] = []
    const whichBlock = new Int32Array(rows.length)
    const rowThere = new Int32Array(rows.length)
    for (let i = 0; i < rows.length; i++) {
      const end = ends[which[i]]
      const block = lowerBound(end, rows[i] + 1)
      const place = placeIn(found, which[i] * MOST_BLOCKS + block)
      if (place === blocks.length) blocks.push(this.block(shards[which[i]], block))
      whichBlock[i] = place
      rowThere[i] = rows[i] - (block === 0 ? 0 : end[block - 1])
    }
    return pick<Schema>(pairTexts, blocks, whichBlock, rowThere)
  }

  private block(shard: Shard, i: number): Batch {
    const name = `${shard.place}/${i}`
    const kept = this.blocks.get(name)
    if (kept) return kept
    const block = this.build.texts(shard, i)
    for (const [oldest, batch] of this.blocks) {
      if (this.kept_bytes < KEPT_BYTES) break
      this.blocks.delete(oldest)
      this.kept_bytes -= sizeOf(batch)
    }
    this.blocks.set(name, block)
    this.kept_bytes += sizeOf(block)
    return block
  }
}

const sizeOf = (texts: Batch): number => rowBytes(texts).reduce((a, b) => a + b, 0)

const holds = ({ start, pairs }: Shard, ordinal: number): boolean => ordinal >= start && ordinal < start + pairs

interface Places {
  readonly shards: readonly Shard[]
  readonly which: Int32Array
  readonly rows: Int32Array
}

/** The number of a thing in the order in which things were first asked for. */
function placeIn<T>(found: Map<T, number>, thing: T): number {
  let place = found.get(thing)
  if (place === undefined) found.set(thing, (place = found.size))
  return place
}

/** The row after the last one of each block. */
function blockEnds({ block_rows }: Shard): Int32Array {
  const ends = new Int32Array(block_rows.length)
  for (let i = 0, end = 0; i < ends.length; i++) ends[i] = end += block_rows[i]
  return ends
}
