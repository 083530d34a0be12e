/** What decontamination finds by benchmark and source, before it judges: flags by kind, likeness by embeddings, and the flags that people check. */
import { type Batch, batchOf, columnsOf, emptyBatch, isValid, type Schema } from '../batch.ts'
import { concat } from '../concat.ts'
import { sourceNumbers } from '../kernels/sources.ts'
import { labelKinds, pairFacts } from '../pair.ts'
import type { Context, Round } from '../stage.ts'
import { type BenchmarkIndex, type ContaminationParams, openBenchmarks } from './benchmark-index.ts'
import type { stopped } from './boilerplate.ts'
import { hitColumns } from './contamination.ts'
import { type Evidence, Evidences, kinds } from './contamination-evidence.ts'
import { type Candidates, drawFlags, flagCandidates, flagReads } from './flag-sample.ts'
import { type ItemText, itemTexts, likenessColumns } from './item-likeness.ts'

export type FinderParams = ContaminationParams & {
  readonly min_coverage: number
  readonly strict: boolean
  readonly review_flags: number
  readonly second_look?: { readonly threshold: number }
}

const reads = { hits: hitColumns.hits, label_kind: pairFacts.label_kind } as const

/** What is read to find contamination, and to look a second time. */
export const foundReads = ({ second_look }: FinderParams): Schema => ({ ...reads, ...flagReads, ...(second_look && likenessColumns) })

export interface Like {
  readonly item: ItemText
  readonly cosine: number
}

/** The item that a row's prompt is most like, by batch and row; undefined where that is below the threshold, or nobody asked. */
export async function openSecondLook(params: FinderParams, context: Context): Promise<(batch: Batch) => (row: number) => Like | undefined> {
  const { second_look, benchmarks } = params
  if (!second_look) return () => () => undefined
  const items = await itemTexts(benchmarks, context)
  return batch => {
    const { like_item, like_cosine } = columnsOf(batch, likenessColumns)
    return row => {
      const cosine = like_cosine.values[row]
      return isValid(like_item, row) && cosine >= second_look.threshold ? { item: items[like_item.values[row]], cosine } : undefined
    }
  }
}

/** Finds what a row shares with benchmarks, under the stopped n-grams of a summary. */
export async function openFinder(params: FinderParams, context: Context) {
  const index = await openBenchmarks(params, context)
  const table = context.summary.tables!.stopped as Batch<typeof stopped>
  const evidences = new Evidences(index, new Set(table.columns.gram.values), params.min_coverage)
  const human = labelKinds.indexOf('human')
  const find = (batch: Batch, row: number): readonly Evidence[] => {
    const { hits, label_kind } = columnsOf(batch, reads)
    return hits.starts[row] === hits.starts[row + 1] ? [] : evidences.of(hits, row, params.strict && label_kind.values[row] === human)
  }
  return { index, find }
}

/** In place of a kind: something is shared, but not enough. */
const BELOW = kinds.length
/** Flagged, but less than this share of the item is there: the flags to look at first. */
const LOW = kinds.length + 1
const LOW_COVERAGE = 0.8
const CELLS = kinds.length + 2

/** In second looks: pairs that are like an item, and those of them without a flag. */
const LOOKS = 2

/** Cells = (benchmark, source, kind), then (benchmark, source, look), then all flagged pairs; -1 = no count but a flag that may be drawn. */
const tallied = { cell: 'i32', pairs: 'f64', ordinal: 'i32', place: 'f64' } as const

/** Counts what the judge will find, by benchmark, source and kind, and draws flags for people. */
export const tally: Round<FinderParams> = {
  reads: (params): Schema => ({ ...foundReads(params), source: 'utf8' }),
  emits: tallied,
  partitions: () => 1,
  observe: async (params, context) => {
    const { index, find } = await openFinder(params, context)
    const lookAgain = await openSecondLook(params, context)
    const { sources } = context.corpus
    const groups = index.benchmarks.length * sources.length
    return batch => {
      const likeAt = lookAgain(batch)
      const source = sourceNumbers(columnsOf(batch, { source: 'utf8' }).source, sources)
      const cells = new Float64Array(cellCount(groups))
      const flagged: number[] = []
      for (let row = 0; row < batch.rows; row++) {
        const found = find(batch, row)
        const isFlagged = found.some(({ counts }) => counts)
        if (isFlagged) flagged.push(row)
        for (const [benchmark, { kind, low }] of bestKinds(index, found)) {
          const at = (benchmark * sources.length + source[row]) * CELLS
          cells[at + kind]++
          if (low) cells[at + LOW]++
        }
        const like = likeAt(row)
        if (!like) continue
        const at = groups * CELLS + (index.benchmarks.indexOf(like.item.benchmark) * sources.length + source[row]) * LOOKS
        cells[at]++
        if (!isFlagged) cells[at + 1]++
      }
      cells[cells.length - 1] = flagged.length
      return emit(cells, flagCandidates(batch, flagged, params.review_flags, context.seed))
    }
  },
  reduce: (_, _context, rows) => ({ tables: { tally: rows } }),
  combine: async (params, context, parts) => {
    const { benchmarks } = await openBenchmarks(params, context)
    const { facts, tables } = context.summary
    const { sources } = context.corpus
    const cells = new Float64Array(cellCount(benchmarks.length * sources.length))
    const rows = columnsOf(
      concat(tallied, [emptyBatch(tallied), ...parts.map(part => part.tables!.tally as Batch<typeof tallied>)]),
      tallied,
    )
    const may = Int32Array.from(rows.cell.values.keys()).filter(i => rows.cell.values[i] < 0)
    for (const [i, cell] of rows.cell.values.entries()) if (cell >= 0) cells[cell] += rows.pairs.values[i]
    const flagged = cells[cells.length - 1]
    const candidates = { ordinal: may.map(i => rows.ordinal.values[i]), place: Float64Array.from(may, i => rows.place.values[i]) }
    const drawn = drawFlags(candidates, flagged, params.review_flags)
    const found = foundFacts(cells, benchmarks, sources)
    const second_look = params.second_look && { ...params.second_look, found: lookFacts(cells, benchmarks, sources) }
    const flags = { pairs: flagged, drawn: drawn.rows }
    return { tables: { ...tables, drawn }, facts: { ...(facts as object), found, flags, ...(second_look && { second_look }) } }
  },
}

const cellCount = (groups: number): number => groups * (CELLS + LOOKS) + 1

function emit(cells: Float64Array, { ordinal, place }: Candidates): Batch {
  const seen = Int32Array.from(cells.keys()).filter(cell => cells[cell] > 0)
  const rows = seen.length + ordinal.length
  const column = <A extends Int32Array | Float64Array>(values: A, from: ArrayLike<number>, at: number): { values: A } => {
    values.set(from, at)
    return { values }
  }
  return batchOf({ ...tallied, partition: 'i32' }, rows, {
    cell: column(new Int32Array(rows).fill(-1), seen, 0),
    pairs: column(
      new Float64Array(rows),
      Float64Array.from(seen, cell => cells[cell]),
      0,
    ),
    ordinal: column(new Int32Array(rows), ordinal, seen.length),
    place: column(new Float64Array(rows), place, seen.length),
    partition: { values: new Int32Array(rows) },
  }) as Batch
}

/** The strongest kind by benchmark, and whether no flag of that benchmark has most of its item. */
function bestKinds({ ngrams }: BenchmarkIndex, found: readonly Evidence[]): Map<number, { kind: number; low: boolean }> {
  const best = new Map<number, { kind: number; low: boolean }>()
  for (const { text, kind, counts, coverage } of found) {
    const benchmark = ngrams.group[text]
    const before = best.get(benchmark) ?? { kind: BELOW, low: true }
    best.set(benchmark, { kind: Math.min(before.kind, counts ? kind : BELOW), low: before.low && !(counts && coverage >= LOW_COVERAGE) })
  }
  for (const one of best.values()) one.low &&= one.kind !== BELOW
  return best
}

/** Pairs by benchmark and source: contaminated ones by kind, of them those with little of an item, and those below the threshold. */
function foundFacts(cells: Float64Array, benchmarks: readonly string[], sources: readonly string[]) {
  const table = benchmarks.flatMap((benchmark, b) =>
    sources.map((source, s) => {
      const at = (b * sources.length + s) * CELLS
      const [exact, whole, ngram, below, low_coverage] = cells.subarray(at, at + CELLS)
      return { benchmark, source, exact, whole, ngram, low_coverage, below }
    }),
  )
  return table.filter(({ exact, whole, ngram, below }) => exact + whole + ngram + below > 0)
}

/** Pairs whose prompt is like an item, by benchmark and source, and those of them that no shared words flag. */
function lookFacts(cells: Float64Array, benchmarks: readonly string[], sources: readonly string[]) {
  const from = benchmarks.length * sources.length * CELLS
  const table = benchmarks.flatMap((benchmark, b) =>
    sources.map((source, s) => {
      const at = from + (b * sources.length + s) * LOOKS
      return { benchmark, source, pairs: cells[at], unflagged: cells[at + 1] }
    }),
  )
  return table.filter(({ pairs }) => pairs > 0)
}
