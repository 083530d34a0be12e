/** N-grams of benchmarks that are boilerplate of the corpus: many different prompts of one source share them. */
import { type Batch, batchOf, type Columns, columnsOf, emptyBatch, type Ids } from '../batch.ts'
import { concat } from '../concat.ts'
import { gather, gatherColumn } from '../gather.ts'
import { groupsOf, lanesOf, membersOf } from '../kernels/groups.ts'
import { mix32 } from '../kernels/mix.ts'
import { gramsText, type NgramIndex } from '../kernels/ngram-index.ts'
import { addGrams } from '../kernels/overlap.ts'
import { sourceNumbers } from '../kernels/sources.ts'
import type { Context, Round } from '../stage.ts'
import { type BenchmarkIndex, type ContaminationParams, openBenchmarks } from './benchmark-index.ts'
import { hitColumns } from './contamination.ts'

type Hits = Columns<typeof hitColumns>['hits']
const reads = { hits: hitColumns.hits, source: 'utf8', prompt_id: 'id' } as const
const counted = { gram: 'i32', prompt_id: 'id', source: 'i32' } as const
/** Stopped n-grams by name, and in how many prompts of which source they were seen. */
export const stopped = { gram: 'i32', source: 'i32', prompts: 'i32' } as const

/** A sample by prompt bounds what is exchanged where every pair of a large corpus follows one template. */
const SAMPLED_PAIRS = 2_000_000
const PAIRS_PER_PARTITION = 250_000
const partitionsFor = (pairs: number): number => Math.ceil((Math.min(pairs, SAMPLED_PAIRS) + 1) / PAIRS_PER_PARTITION)

/** Counts the different prompts that share an n-gram: an item repeated under one prompt is no boilerplate. */
export const boilerplate: Round<ContaminationParams & { readonly stop_prompts: number }> = {
  reads,
  emits: counted,
  partitions: (_, corpus) => partitionsFor(corpus.pairs),
  observe: async (params, context) => {
    const { ngrams } = await openBenchmarks(params, context)
    return batch => observe(ngrams, context, columnsOf(batch, reads), batch.rows)
  },
  reduce: ({ stop_prompts }, _, rows) => ({ tables: { stopped: frequent(rows, stop_prompts) as Batch } }),
  combine: async (params, context, parts) => {
    const tables = parts.map(part => part.tables!.stopped as Batch<typeof stopped>)
    const table = concat(stopped, [emptyBatch(stopped), ...tables])
    const ordered = gather(table, orderOf(table))
    return { tables: { stopped: ordered as Batch }, facts: stopFacts(await openBenchmarks(params, context), context, ordered) }
  },
}

function gramsOf(ngrams: NgramIndex, hits: Hits, row: number): Set<number> {
  const { text, from, words } = hits.items.columns
  const grams = new Set<number>()
  for (let k = hits.starts[row]; k < hits.starts[row + 1]; k++) addGrams(ngrams, text.values[k], from.values[k], words.values[k], grams)
  return grams
}

function observe(ngrams: NgramIndex, { corpus }: Context, { hits, source, prompt_id }: Columns<typeof reads>, count: number): Batch {
  const partitions = partitionsFor(corpus.pairs)
  const sampled = lanesOf(prompt_id, count)[0].map(lane => (mix32(lane) * 2 ** -32 < SAMPLED_PAIRS / corpus.pairs ? 1 : 0))
  const rows: number[] = []
  const grams: number[] = []
  for (let row = 0; row < count; row++) {
    if (!sampled[row]) continue
    for (const gram of gramsOf(ngrams, hits, row)) {
      rows.push(row)
      grams.push(gram)
    }
  }
  const sources = sourceNumbers(source, corpus.sources)
  return batchOf({ ...counted, partition: 'i32' }, rows.length, {
    gram: { values: Int32Array.from(grams) },
    prompt_id: gatherColumn(prompt_id, 'id', Int32Array.from(rows)) as Ids,
    source: { values: Int32Array.from(rows, row => sources[row]) },
    partition: { values: Int32Array.from(grams, gram => mix32(gram) % partitions) },
  }) as Batch
}

/** N-grams that as many different prompts of a source share. */
function frequent(rows: Batch, least: number): Batch<typeof stopped> {
  const { gram, source, prompt_id } = columnsOf(rows, counted)
  const lanes = [gram.values, ...lanesOf(prompt_id, rows.rows), source.values]
  const distinct = membersOf(groupsOf(lanes))
  const firsts = distinct.starts.subarray(0, -1).map(start => distinct.rows[start])
  const bySource = membersOf(groupsOf([firsts.map(i => gram.values[i]), firsts.map(i => source.values[i])]))
  const counts = bySource.starts.subarray(1).map((end, g) => end - bySource.starts[g])
  const often = Int32Array.from(counts.keys()).filter(g => counts[g] >= least)
  const row = (g: number): number => firsts[bySource.rows[bySource.starts[g]]]
  return batchOf(stopped, often.length, {
    gram: { values: often.map(g => gram.values[row(g)]) },
    source: { values: often.map(g => source.values[row(g)]) },
    prompts: { values: often.map(g => counts[g]) },
  })
}

/** In the order of the index. */
function orderOf({ columns: { gram, source }, rows }: Batch<typeof stopped>): Int32Array {
  const order = (i: number, j: number): number => gram.values[i] - gram.values[j] || source.values[i] - source.values[j]
  return Int32Array.from({ length: rows }, (_, i) => i).sort(order)
}

const MOST_PASSAGES = 20

/** The stopped passages of each source: n-grams that follow one another are one passage. */
function stopFacts(
  { ngrams, benchmarks, items, itemCount, wordless }: BenchmarkIndex,
  { corpus }: Context,
  { columns }: Batch<typeof stopped>,
) {
  const { gram, source, prompts } = columns
  const passages: { source: number; first: number; last: number; prompts: number }[] = []
  const open = new Map<number, (typeof passages)[number]>()
  for (let i = 0; i < gram.values.length; i++) {
    const before = open.get(source.values[i])
    if (before && before.last + 1 === gram.values[i]) {
      before.last++
      before.prompts = Math.max(before.prompts, prompts.values[i])
      continue
    }
    const passage = { source: source.values[i], first: gram.values[i], last: gram.values[i], prompts: prompts.values[i] }
    passages.push(passage)
    open.set(passage.source, passage)
  }
  passages.sort((a, b) => b.prompts - a.prompts || a.first - b.first || a.source - b.source)
  const most = passages.slice(0, MOST_PASSAGES).map(p => ({
    text: gramsText(ngrams, p.first, p.last),
    source: corpus.sources[p.source],
    prompts: p.prompts,
  }))
  const counts = { benchmarks: benchmarks.length, items: itemCount, texts: items.length, ...(wordless > 0 && { wordless }) }
  return { ...counts, stopped: { ngrams: new Set(gram.values).size, passages: passages.length, most } }
}
