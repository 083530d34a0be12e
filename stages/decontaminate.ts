import { z } from 'zod'
import { type Batch, batchOf, type Columns, columnsOf, listOf, stringAt, utf8Of } from '../pipeline/batch.ts'
import { UserError } from '../pipeline/errors.ts'
import { sourceNumbers } from '../pipeline/kernels/sources.ts'
import { type BenchmarkIndex, openBenchmarks, searches } from '../pipeline/measures/benchmark-index.ts'
import { boilerplate, type stopped } from '../pipeline/measures/boilerplate.ts'
import { contamination, hitColumns, hitFields } from '../pipeline/measures/contamination.ts'
import { type Evidence, Evidences, kinds } from '../pipeline/measures/contamination-evidence.ts'
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
const CELLS = kinds.length + 1

/** A cell = (benchmark, source, kind), counted in this order. */
const tallied = { cell: 'i32', pairs: 'f64' } as const

/** Counts what the judge will find, by benchmark, source and kind. */
const tally: Round<Params> = {
  reads: { ...reads, source: 'utf8' },
  emits: tallied,
  partitions: () => 1,
  observe: async (params, context) => {
    const { index, find } = await openFinder(params, context)
    const { sources } = context.corpus
    return batch => {
      const columns = columnsOf(batch, reads)
      const source = sourceNumbers(columnsOf(batch, { source: 'utf8' }).source, sources)
      const cells = new Float64Array(index.benchmarks.length * sources.length * CELLS)
      for (let row = 0; row < batch.rows; row++)
        for (const [benchmark, kind] of bestKinds(index, find(columns, row)))
          cells[(benchmark * sources.length + source[row]) * CELLS + kind]++
      const seen = Int32Array.from(cells.keys()).filter(cell => cells[cell] > 0)
      return batchOf({ ...tallied, partition: 'i32' }, seen.length, {
        cell: { values: seen },
        pairs: { values: Float64Array.from(seen, cell => cells[cell]) },
        partition: { values: new Int32Array(seen.length) },
      }) as Batch
    }
  },
  reduce: (_, _context, rows) => ({ tables: { tally: rows } }),
  combine: async (params, context, parts) => {
    const { benchmarks } = await openBenchmarks(params, context)
    const cells = new Float64Array(benchmarks.length * context.corpus.sources.length * CELLS)
    for (const part of parts) {
      const { cell, pairs } = columnsOf(part.tables!.tally, tallied)
      for (let i = 0; i < cell.values.length; i++) cells[cell.values[i]] += pairs.values[i]
    }
    const { facts, tables } = context.summary
    return { tables, facts: { ...(facts as object), found: foundFacts(cells, benchmarks, context.corpus.sources) } }
  },
}

/** The strongest kind by benchmark. */
function bestKinds({ ngrams }: BenchmarkIndex, found: readonly Evidence[]): Map<number, number> {
  const best = new Map<number, number>()
  for (const { text, kind, counts } of found) {
    const benchmark = ngrams.group[text]
    best.set(benchmark, Math.min(best.get(benchmark) ?? BELOW, counts ? kind : BELOW))
  }
  return best
}

/** Pairs by benchmark and source: contaminated ones by kind, and those below the threshold. */
function foundFacts(cells: Float64Array, benchmarks: readonly string[], sources: readonly string[]) {
  const table = benchmarks.flatMap((benchmark, b) =>
    sources.map((source, s) => {
      const [exact, whole, ngram, below] = cells.subarray((b * sources.length + s) * CELLS, (b * sources.length + s + 1) * CELLS)
      return { benchmark, source, exact, whole, ngram, below }
    }),
  )
  return table.filter(({ exact, whole, ngram, below }) => exact + whole + ngram + below > 0)
}

/** Leaves no benchmark item in the training data, and says which it found where. */
export const decontaminate = defineStage<Params>({
  name: 'decontaminate',
  doc: 'Finds benchmark items in prompts or responses, whole or in pieces, and sets the pairs aside with the evidence.',
  version: 1,
  params,
  files: ({ benchmarks }) => {
    if (benchmarks.length === 0) throw new UserError('decontaminate: no benchmarks to look for; name their files under `benchmarks`')
    return benchmarks
  },
  measures: ({ benchmarks, ngram, fields, overrides }) => [contamination.with({ benchmarks, ngram, fields, overrides })],
  reads,
  adds: { contamination: { list: evidence } },
  reasons: ({ action }): Record<string, 'quarantine' | 'drop'> => (action === 'flag' ? {} : { contaminated: action }),
  rounds: [boilerplate, tally],
  judge: async (params, context) => {
    const { index, find } = await openFinder(params, context)
    return batch => {
      const columns = columnsOf(batch, reads)
      const found = Array.from({ length: batch.rows }, (_, row) => find(columns, row).filter(({ counts }) => counts))
      const leave = Uint8Array.from(found, list => (list.length > 0 && params.action !== 'flag' ? 1 : 0))
      return { add: { contamination: evidenceColumn(index, columns, found) }, leave }
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
