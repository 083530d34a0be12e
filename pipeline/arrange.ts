/** The order in which the output folders hold pairs, and how each is cut into files. */
import { type Batch, batchOf, columnsOf, type Ids, isValid, type Numbers } from './batch.ts'
import { arrangedKey, type Build, declared } from './build.ts'
import { ShardColumns } from './columns.ts'
import type { OutputConfig } from './config-schema.ts'
import { groupsOf, lanesOf, membersOf } from './kernels/groups.ts'
import { Ints } from './kernels/ints.ts'
import { Lengths, type PairBytes, type SideBytes } from './lengths.ts'
import { outcomes } from './pair.ts'
import { readSettled, splits } from './settle.ts'
import { ShuffledOrder, WINDOW_STRETCHES } from './shuffle.ts'
import type { Json } from './stage.ts'
import type { TaskReport } from './task.ts'

/** The output folders that hold pairs. `flipped` is a copy of those of train and validation whose label was turned. */
export const folders = ['train', 'validation', 'flipped', 'quarantine', 'review', 'ledger', 'rejects'] as const
export type Folder = (typeof folders)[number]

/** Which rows of a folder's order each of its files holds. */
export interface Arranged {
  readonly parts: Readonly<Record<Folder, readonly (readonly [number, number])[]>>
  readonly pair_bytes?: PairBytes
  readonly side_bytes: readonly (readonly [source: string, SideBytes])[]
}

const order = { ordinal: 'i32' } as const
const LEDGER_ROWS = 2 ** 18

/** arrange: the order of every folder, pairs of one prompt together, cut into files by bytes of text and by rows. 10 bytes a pair in memory. */
export async function arrange(build: Build): Promise<TaskReport> {
  const { pairs } = build.corpus()
  const bytes = sizesOf(build)
  const lengths = new Lengths(build.corpus().sources.length)
  const parts: Record<string, [number, number][]> = {}
  for (const [folder, list] of Object.entries(collect(build, bytes, lengths)) as [Folder, Order | ShuffledOrder][]) {
    const ordinals = list.take()
    parts[folder] = cutByBytes(ordinals, bytes, build.plan.output)
    const batches = parts[folder].map(([from, to]) => batchOf(order, to - from, { ordinal: { values: ordinals.subarray(from, to) } }))
    build.store.writeTable(`${arrangedKey(build)}.${folder}`, batches)
  }
  parts.ledger = cutByRows(pairs, LEDGER_ROWS)
  const rejected = build.ingests().reduce((n, i) => n + i.rejected, 0)
  parts.rejects = cutByRows(rejected, LEDGER_ROWS)
  const record: Arranged = { parts: parts as unknown as Arranged['parts'], pair_bytes: lengths.ofPairs(), side_bytes: lengths.ofSides() }
  build.store.writeJson(arrangedKey(build), record as unknown as Json)
  return { rows: pairs }
}

/** The ordinals of the pairs of one file. */
export const readOrder = (build: Build, folder: Folder, part: number): Int32Array =>
  columnsOf(build.store.readBatch(`${arrangedKey(build)}.${folder}`, part), order).ordinal.values

/** Bytes of text of every pair. */
function sizesOf(build: Build): Int32Array {
  const bytes = new Int32Array(build.corpus().pairs)
  for (const shard of build.shards())
    bytes.set((new ShardColumns(build, shard).facts().columns.text_bytes as Numbers<Int32Array>).values, shard.start)
  return bytes
}

/** The order of each folder: kept pairs by prompt, the others as they came. `lengths` is told of the kept ones. */
function collect(build: Build, bytes: Int32Array, lengths: Lengths): Partial<Record<Folder, Order | ShuffledOrder>> {
  const order = orders(build, bytes)
  const lists = { train: order(), validation: order(), flipped: order(), quarantine: new Order(), review: new Order() }
  let window = 0
  for (const shard of build.shards()) {
    const { outcome, split } = readSettled(build, shard).columns
    const columns = new ShardColumns(build, shard)
    const facts = columns.facts().columns
    const draws = drawsOf(build, columns)
    const prompts = lanesOf(facts.prompt_id as Ids, shard.pairs)
    lengths.add(columns.facts(), outcome.values, split.values)
    for (let i = 0; i < shard.pairs; i++) {
      const ordinal = shard.start + i
      // by rows, not by shards: the order must not depend on how the input was cut into files
      if (window >= build.window_bytes) {
        for (const list of Object.values(lists)) list.flush()
        window = 0
      }
      window += bytes[ordinal]
      const end = outcomes[outcome.values[i]]
      if (end === 'quarantine') lists.quarantine.add(ordinal)
      if (end === 'review' || draws.some(draw => isValid(draw, i))) lists.review.add(ordinal)
      if (split.values[i] === 0) continue
      lists[splits[split.values[i]] as 'train' | 'validation'].add(ordinal, prompts, i)
      if (end === 'flip') lists.flipped.add(ordinal, prompts, i)
    }
  }
  return lists
}

/** Makes the order of a folder of kept pairs. */
function orders({ plan, window_bytes }: Build, bytes: Int32Array): () => Order | ShuffledOrder {
  if (!plan.output.shuffle) return () => new Order()
  const starts = startsEvery(window_bytes / WINDOW_STRETCHES, bytes)
  return () => new ShuffledOrder(plan.seed, starts)
}

/** Where a stretch of so much text, or a row more, begins; the first begins at 0. */
function startsEvery(size: number, bytes: Int32Array): Int32Array {
  const starts: number[] = []
  let stretch = size
  for (let i = 0; i < bytes.length; i++) {
    if (stretch >= size) {
      starts.push(i)
      stretch = 0
    }
    stretch += bytes[i]
  }
  return Int32Array.from(starts)
}

/** The columns of all steps that draw pairs for people: whether of the sample or of the flags. */
const drawsOf = (build: Build, columns: ShardColumns): Batch['columns'][string][] =>
  build
    .steps()
    .flatMap(step =>
      ['draw', 'flag_probability'].flatMap(name => (name in declared(step, step.code.adds) ? [columns.verdict(step).columns[name]] : [])),
    )

/** The order of a folder: within a window by prompt, prompts in the order in which they first come. */
class Order {
  private readonly ordered = new Ints()
  private readonly window = new Ints()
  private readonly lanes = [new Ints(), new Ints(), new Ints(), new Ints()]

  /** Without a prompt, which is row `row` of these lanes, the pair keeps its place in the input. */
  add(ordinal: number, prompts?: readonly Int32Array[], row = 0): void {
    if (!prompts) {
      this.ordered.push(ordinal)
      return
    }
    this.window.push(ordinal)
    for (let lane = 0; lane < prompts.length; lane++) this.lanes[lane].push(prompts[lane][row])
  }

  flush(): void {
    const ordinals = this.window.take()
    for (const row of membersOf(groupsOf(this.lanes.map(lane => lane.take()))).rows) this.ordered.push(ordinals[row])
  }

  take(): Int32Array {
    this.flush()
    return this.ordered.take()
  }
}

function cutByBytes(ordinals: Int32Array, bytes: Int32Array, { shard_bytes, shard_rows = Infinity }: OutputConfig): [number, number][] {
  const parts: [number, number][] = []
  let from = 0
  let size = 0
  for (let i = 0; i < ordinals.length; i++) {
    size += bytes[ordinals[i]]
    if (size < shard_bytes && i + 1 - from < shard_rows && i + 1 < ordinals.length) continue
    parts.push([from, i + 1])
    from = i + 1
    size = 0
  }
  return parts
}

const cutByRows = (rows: number, limit: number): [number, number][] =>
  Array.from({ length: Math.ceil(rows / limit) }, (_, i) => [i * limit, Math.min(rows, (i + 1) * limit)])
