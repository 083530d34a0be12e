/**
 * One unit of work, named by a string: what a worker thread, a scheduler's array element and `goldpan task` all run. A task reads the store,
 * writes the store, and is done once its outputs are there; running it twice changes nothing.
 */

import { arrange } from './arrange.ts'
import { type Batch, beside, rowBytes, select, slice } from './batch.ts'
import {
  BLOCK_BYTES,
  type Build,
  factsKey,
  type Ingested,
  ingestKey,
  measureKey,
  partsKey,
  rejectsKey,
  type Shard,
  textsKey,
} from './build.ts'
import { openRows } from './codecs/open-rows.ts'
import { ShardColumns } from './columns.ts'
import { contextOf, type Opened } from './context.ts'
import { remembered } from './digests.ts'
import { UserError } from './errors.ts'
import { combine, observe, reduce } from './exchange.ts'
import { ingestFile } from './ingest.ts'
import { sizeFacts } from './pair.ts'
import { pass } from './pass.ts'
import type { PlannedInput } from './plan.ts'
import { sourceFile } from './probe.ts'
import { publishPart } from './publish.ts'
import { settle } from './settle.ts'
import type { MeasureUse } from './stage.ts'

/** What a task says of itself to the progress display and the run report. */
export interface TaskReport {
  readonly rows: number
  /** Pairs that left the stream in a pass. */
  readonly dropped?: number
}

type Run = (build: Build, opened: Opened, ...args: number[]) => Promise<TaskReport>

const kinds: Readonly<Record<string, Run>> = {
  cut: (build, _, i) => cut(build, i),
  ingest: (build, _, i) => ingest(build, i),
  measure,
  pass,
  observe,
  reduce,
  combine,
  settle: (build, _, place) => settle(build, place),
  arrange: build => arrange(build),
  publish: (build, _, folder, part) => publishPart(build, folder, part),
}

/** Runs one task, such as `pass/3/12`; `opened` holds what earlier tasks of this worker opened. */
export function runTask(build: Build, opened: Opened, task: string): Promise<TaskReport> {
  const [kind, ...args] = task.split('/')
  const run = kinds[kind]
  const numbers = args.map(Number)
  if (!run || numbers.some(n => !Number.isInteger(n) || n < 0))
    throw new UserError(`task ${task}: no such task; known: ${Object.keys(kinds).join(', ')}, each with its numbers, such as pass/0/12`)
  return run(build, opened, ...numbers)
}

/** cut/I: where the I-th input file may be cut; nowhere if it can be read from the start only. */
async function cut(build: Build, i: number): Promise<TaskReport> {
  const input = build.plan.inputs[i]
  if (!input) throw new UserError(`task cut/${i}: the plan has ${build.plan.inputs.length} inputs`)
  await refuseChanged(build, input)
  const { parts } = await openRows(build.paths[input.path], input.path)
  const found = (await parts?.(build.part_bytes)) ?? []
  await refuseChanged(build, input)
  build.store.writeJson(partsKey(build, i), found as never)
  return { rows: 0 }
}

/** ingest/I: the I-th piece, a file or a part of one, becomes shards. */
async function ingest(build: Build, i: number): Promise<TaskReport> {
  const input = build.pieces()[i]
  if (!input) throw new UserError(`task ingest/${i}: the plan has ${build.pieces().length} files and parts of files`)
  const shards: Ingested['shards'][number][] = []
  const sink = {
    shard: async (texts: Batch, facts: Batch): Promise<void> => {
      const blocks = [...inBlocks(texts)]
      build.store.writeTable(textsKey(input, shards.length), blocks)
      build.store.writeTable(factsKey(input, shards.length), [beside(facts, sizesOf(texts))])
      shards.push({ pairs: texts.rows, text_bytes: textBytes(texts), block_rows: blocks.map(b => b.rows) })
    },
  }
  await refuseChanged(build, input)
  const { rejects, container: _, compression: __, ...counts } = await ingestFile(sourceFile(input, build.paths), sink)
  await refuseChanged(build, input).catch(error => {
    for (const index of shards.keys()) for (const key of [textsKey(input, index), factsKey(input, index)]) build.store.drop(key)
    throw error
  })
  build.store.writeTable(rejectsKey(input), rejects as readonly Batch[])
  const record: Ingested = { ...counts, shards }
  build.store.writeJson(ingestKey(input), record as never)
  return { rows: counts.rows }
}

/** measure/PLACE: every measure of the plan that this shard lacks, in one pass over its texts. */
async function measure(build: Build, opened: Opened, place: number): Promise<TaskReport> {
  const shard = build.shards()[place]
  const missing = missingMeasures(build, shard)
  const running = await Promise.all(
    missing.map(async ({ key, use, step }) => ({
      key,
      schema: use.measure.adds(use.params),
      run: await opened.once(`measure ${key}`, async () => use.measure.open(use.params, contextOf(build, step, {}))),
      blocks: [] as Batch[],
    })),
  )
  let first = 0
  for (let block = 0; block < shard.block_rows.length; block++) {
    const texts = build.texts(shard, block)
    const rows = Int32Array.from({ length: texts.rows }, (_, i) => first + i)
    for (const m of running) {
      const columns = await Promise.resolve(m.run(texts)).catch(error => {
        throw new ShardColumns(build, shard).blamed(error, rows)
      })
      m.blocks.push({ schema: m.schema, rows: texts.rows, columns })
    }
    first += texts.rows
  }
  for (const m of running) build.store.writeTable(m.key, m.blocks)
  return { rows: shard.pairs }
}

/** The measures of a shard that the store lacks, each once however many steps use it. */
export function missingMeasures(build: Build, shard: Shard): { key: string; use: MeasureUse; step: ReturnType<Build['steps']>[number] }[] {
  const missing = new Map<string, { key: string; use: MeasureUse; step: ReturnType<Build['steps']>[number] }>()
  for (const step of build.steps())
    for (const [i, use] of (step.code.measures?.(step.params) ?? []).entries()) {
      const key = measureKey(step.measures[i], shard)
      if (!missing.has(key) && !build.store.has(key)) missing.set(key, { key, use, step })
    }
  return [...missing.values()]
}

const BLOCK_ROWS = 4096

/** Cuts a shard's texts in the blocks in which they are stored, read and measured. */
function* inBlocks(texts: Batch): Generator<Batch> {
  const sizes = rowBytes(texts)
  let from = 0
  let bytes = 0
  for (let i = 0; i < texts.rows; i++) {
    bytes += sizes[i]
    if (bytes < BLOCK_BYTES && i + 1 - from < BLOCK_ROWS && i + 1 < texts.rows) continue
    yield slice(texts, from, i + 1)
    from = i + 1
    bytes = 0
  }
}

/** What is read must be what the plan names by its digest; of a file that looks as it did then, none is taken again. */
async function refuseChanged({ store, paths }: Build, { path, sha256 }: PlannedInput): Promise<void> {
  const now = await remembered(store.root, false)({ shown: path, path: paths[path] }).catch(() => undefined)
  if (now?.sha256 !== sha256) throw new UserError(`${path}: changed while the build ran, or is gone; run again`)
}

function sizesOf(texts: Batch): Batch {
  const bytesOf = (names: string[]) => ({ values: Int32Array.from(rowBytes(select(texts, names))) })
  const columns = {
    text_bytes: bytesOf(Object.keys(texts.schema)),
    chosen_bytes: bytesOf(['chosen']),
    rejected_bytes: bytesOf(['rejected']),
  }
  return { schema: sizeFacts, rows: texts.rows, columns }
}

const textBytes = (texts: Batch): number => rowBytes(texts).reduce((a, b) => a + b, 0)
