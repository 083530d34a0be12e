import { z } from 'zod'
import {
  type Batch,
  batchOf,
  type Columns,
  columnsOf,
  concat,
  emptyBatch,
  listOf,
  type Schema,
  stringAt,
  utf8Of,
} from '../pipeline/batch.ts'
import { UserError } from '../pipeline/errors.ts'
import { sourceNumbers } from '../pipeline/kernels/sources.ts'
import { type BenchmarkIndex, openBenchmarks, searches } from '../pipeline/measures/benchmark-index.ts'
import { boilerplate, type stopped } from '../pipeline/measures/boilerplate.ts'
import { contamination, hitColumns, hitFields } from '../pipeline/measures/contamination.ts'
import { type Evidence, Evidences, kinds } from '../pipeline/measures/contamination-evidence.ts'
import {
  type Candidates,
  drawFlags,
  drawnFlags,
  flagCandidates,
  flagColumns,
  flagColumnsOf,
  flagReads,
} from '../pipeline/measures/flag-sample.ts'
import { labelKinds, pairFacts } from '../pipeline/pair.ts'
import { type Context, defineStage, type Round } from '../pipeline/stage.ts'

const ngram = z.int().min(2).max(100)
const fields = z.enum(searches)
const params = z.strictObject({
  benchmarks: z.array(z.string()).default([]).describe("files of benchmark items; the config's benchmarks where left out"),
  ngram: ngram
    .default(13)
    .describe(
      'shared run that makes a match; words, of Chinese and Japanese characters, of Thai, Lao, Khmer and Burmese a third of the letters; shorter items match as a whole',
    ),
  fields: fields.default('user').describe('what is searched: the user turns of prompts, system turns, both responses, or all of them'),
  overrides: z
    .record(z.string(), z.strictObject({ ngram: ngram.optional(), fields: fields.optional() }))
    .default({})
    .describe('by benchmark, where ngram or fields differ'),
  action: z.enum(['quarantine', 'drop', 'flag']).default('quarantine').describe('what becomes of a contaminated pair; flag only marks it'),
  min_coverage: z
    .number()
    .min(0)
    .max(1)
    .default(0.6)
    .describe("share of an item's words, without stopped n-grams, that counts as contamination; 0 = any n-gram that is left"),
  stop_prompts: z
    .int()
    .min(2)
    .default(20)
    .describe('different prompts of one source from which on an n-gram is boilerplate; of two million prompts at most, drawn by hash'),
  strict: z.boolean().default(false).describe('whether pairs labelled by people leave on any n-gram or item, boilerplate included'),
  review_flags: z
    .int()
    .min(0)
    .default(0)
    .describe('contaminated pairs, drawn at random, that people are asked to check, to tell the share of false flags; 0 = none'),
})
type Params = z.infer<typeof params>

const reads = { hits: hitColumns.hits, label_kind: pairFacts.label_kind } as const

/** What the ledger says of a contaminated pair. `begin` and `end` are bytes of that turn; `coverage` is the share of the item's words. */
const evidence = {
  benchmark: 'utf8',
  item: 'utf8',
  span: 'utf8',
  coverage: 'f32',
  kind: { labels: kinds },
  field: { labels: hitFields },
  turn: 'i32',
  begin: 'i32',
  end: 'i32',
  turn_coverage: 'f32',
} as const

/** Finds what a row shares with benchmarks, under the stopped n-grams of a summary. */
async function openFinder(params: Params, context: Context) {
  const index = await openBenchmarks(params, context)
  const table = context.summary.tables!.stopped as Batch<typeof stopped>
  const evidences = new Evidences(index, new Set(table.columns.gram.values), params.min_coverage)
  const human = labelKinds.indexOf('human')
  const find = ({ hits, label_kind }: Columns<typeof reads>, row: number): readonly Evidence[] =>
    hits.starts[row] === hits.starts[row + 1] ? [] : evidences.of(hits, row, params.strict && label_kind.values[row] === human)
  return { index, find }
}

/** In place of a kind: something is shared, but not enough. */
const BELOW = kinds.length
/** Flagged, but less than this share of the item is there: the flags to look at first. */
const LOW = kinds.length + 1
const LOW_COVERAGE = 0.8
const CELLS = kinds.length + 2

/** A cell = (benchmark, source, kind), counted in this order, and after them the flagged pairs; -1 = no count but a flag that may be drawn. */
const tallied = { cell: 'i32', pairs: 'f64', ordinal: 'i32', place: 'f64' } as const

/** Counts what the judge will find, by benchmark, source and kind, and draws flags for people. */
const tally: Round<Params> = {
  reads: { ...reads, ...flagReads, source: 'utf8' },
  emits: tallied,
  partitions: () => 1,
  observe: async (params, context) => {
    const { index, find } = await openFinder(params, context)
    const { sources } = context.corpus
    return batch => {
      const columns = columnsOf(batch, reads)
      const source = sourceNumbers(columnsOf(batch, { source: 'utf8' }).source, sources)
      const cells = new Float64Array(index.benchmarks.length * sources.length * CELLS + 1)
      const flagged: number[] = []
      for (let row = 0; row < batch.rows; row++) {
        const found = find(columns, row)
        if (found.some(({ counts }) => counts)) flagged.push(row)
        for (const [benchmark, { kind, low }] of bestKinds(index, found)) {
          const at = (benchmark * sources.length + source[row]) * CELLS
          cells[at + kind]++
          if (low) cells[at + LOW]++
        }
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
    const cells = new Float64Array(benchmarks.length * sources.length * CELLS + 1)
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
    return { tables: { ...tables, drawn }, facts: { ...(facts as object), found, flags: { pairs: flagged, drawn: drawn.rows } } }
  },
}

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

/** Leaves no benchmark item in the training data, and says which it found where. */
export const decontaminate = defineStage<Params>({
  name: 'decontaminate',
  doc: 'Finds benchmark items in prompts or responses, whole or in pieces, and sets the pairs aside with the evidence.',
  version: 2,
  params,
  files: ({ benchmarks }) => {
    if (benchmarks.length === 0) throw new UserError('decontaminate: no benchmarks to look for; name their files under `benchmarks`')
    return benchmarks
  },
  measures: ({ benchmarks, ngram, fields, overrides }) => [contamination.with({ benchmarks, ngram, fields, overrides })],
  reads: { ...reads, ...flagReads },
  adds: ({ review_flags }): Schema => ({ contamination: { list: evidence }, ...(review_flags > 0 && flagColumns) }),
  reasons: ({ action }): Record<string, 'quarantine' | 'drop'> => (action === 'flag' ? {} : { contaminated: action }),
  rounds: [boilerplate, tally],
  judge: async (params, context) => {
    const { index, find } = await openFinder(params, context)
    const { ordinal, probability } = columnsOf(context.summary.tables!.drawn, drawnFlags)
    const drawn = new Map(Array.from(ordinal.values, (at, i) => [at, probability.values[i]]))
    return batch => {
      const columns = columnsOf(batch, reads)
      const found = Array.from({ length: batch.rows }, (_, row) => find(columns, row).filter(({ counts }) => counts))
      const leave = Uint8Array.from(found, list => (list.length > 0 && params.action !== 'flag' ? 1 : 0))
      const flags = params.review_flags > 0 && flagColumnsOf(batch, drawn, index.ngrams.texts, row => found[row][0].text)
      return { add: { contamination: evidenceColumn(index, columns, found), ...flags }, leave }
    }
  },
})

function evidenceColumn({ ngrams, benchmarks, items }: BenchmarkIndex, { hits }: Columns<typeof reads>, found: readonly Evidence[][]) {
  const all = found.flat()
  const { span, field, turn, begin, end } = hits.items.columns
  const ofHit = ({ values }: { readonly values: Int32Array }) => ({ values: Int32Array.from(all, ({ hit }) => values[hit]) })
  const rows = batchOf(evidence, all.length, {
    benchmark: utf8Of(all.map(({ text }) => benchmarks[ngrams.group[text]])),
    item: utf8Of(all.map(({ text }) => items[text])),
    span: utf8Of(all.map(({ hit }) => stringAt(span, hit))),
    coverage: { values: Float32Array.from(all, ({ coverage }) => coverage) },
    kind: { values: Uint8Array.from(all, ({ kind }) => kind) },
    field: { values: Uint8Array.from(all, ({ hit }) => field.values[hit]) },
    turn: ofHit(turn),
    begin: ofHit(begin),
    end: ofHit(end),
    turn_coverage: { values: Float32Array.from(all, ({ turn_coverage }) => turn_coverage) },
  })
  const valid = Uint8Array.from(found, list => (list.length > 0 ? 1 : 0))
  return {
    ...listOf(
      found.map(list => list.length),
      rows,
    ),
    valid,
  }
}
