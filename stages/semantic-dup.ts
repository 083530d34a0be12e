import { z } from 'zod'
import { type Batch, batchOf, columnsOf, hexAt, type Ids, isValid, type Numbers, type Schema } from '../pipeline/batch.ts'
import { gather } from '../pipeline/gather.ts'
import { findId } from '../pipeline/kernels/cluster-names.ts'
import { groupsOf, lanesOf, membersOf } from '../pipeline/kernels/groups.ts'
import { nearestSurvivors } from '../pipeline/kernels/nearest.ts'
import { compareIds, compareRank, copyId } from '../pipeline/kernels/rank.ts'
import { firstRows } from '../pipeline/kernels/sampling.ts'
import { sourceNumbers, Tally } from '../pipeline/kernels/sources.ts'
import { embeddingOf, embeddingParams, promptEmbedding } from '../pipeline/measures/prompt-embedding.ts'
import { pairFacts, relationColumn, relations } from '../pipeline/pair.ts'
import { defineStage, type Part, type Round, type Verdict } from '../pipeline/stage.ts'

const params = z.strictObject({
  threshold: z.number().min(0.3).max(1).default(0.9).describe('cosine of the embeddings from which on two prompts mean nearly the same'),
  ...embeddingParams,
  action: z
    .enum(['mark', 'drop', 'review'])
    .default('mark')
    .describe(
      'what becomes of all pairs whose prompt means nearly the same as one of a higher rank; marked by default, since the pairs of one and the same prompt stay too, and one number or `yes` for `no` hardly moves an embedding',
    ),
})
type Params = z.infer<typeof params>

const dimsOf = (params: Params): number => embeddingOf(params).dims

const standing = {
  pair_id: 'id',
  prompt_id: 'id',
  label_kind: pairFacts.label_kind,
  priority: 'i32',
  ordinal: 'i32',
} as const
const stood = { pairs_of_prompt: 'i32' } as const

const PAIRS_PER_PARTITION = 1_000_000
const partitionsFor = (pairs: number): number => Math.ceil((pairs + 1) / PAIRS_PER_PARTITION)

/** Of the pairs of one prompt that of the highest rank stands for all. */
const distinct: Round<Params> = {
  reads: standing,
  emits: standing,
  returns: stood,
  partitions: (_, corpus) => partitionsFor(corpus.pairs),
  observe: (_, { corpus }) => {
    const partitions = partitionsFor(corpus.pairs)
    return batch => {
      const columns = columnsOf(batch, standing)
      const partition = { values: lanesOf(columns.prompt_id, batch.rows)[0].map(lane => (lane >>> 0) % partitions) }
      return batchOf({ ...standing, partition: 'i32' }, batch.rows, { ...columns, partition }) as Batch
    }
  },
  reduce: (_, _context, rows) => {
    const columns = columnsOf(rows, standing)
    const { starts, rows: members } = membersOf(groupsOf(lanesOf(columns.prompt_id, rows.rows)))
    const firsts: { ordinal: number; pairs: number }[] = []
    for (let g = 0; g + 1 < starts.length; g++) {
      const group = members.subarray(starts[g], starts[g + 1])
      const first = group.reduce((a, b) => (compareRank(columns, a, b) <= 0 ? a : b))
      firsts.push({ ordinal: columns.ordinal.values[first], pairs: group.length })
    }
    firsts.sort((a, b) => a.ordinal - b.ordinal)
    const returns = batchOf({ ...stood, ordinal: 'i32' }, firsts.length, {
      ordinal: { values: Int32Array.from(firsts, f => f.ordinal) },
      pairs_of_prompt: { values: Int32Array.from(firsts, f => f.pairs) },
    }) as Batch
    return { returns }
  },
  combine: () => ({}),
}

/** `source` is a place in the corpus's list. */
const embedded = (params: Params) => ({ ...standing, ...stood, source: 'i32', prompt_embedding: { vector: dimsOf(params) } }) as const
/** Prompts that fall to another, ascending by id; `survivor` is a pair of that. */
const matched = { prompt_id: 'id', survivor: 'id', cosine: 'f32' } as const
type Matches = Batch<typeof matched>

/** One partition sees all distinct prompts: five bytes a dimension and about 250 more for each. */
const neighbours: Round<Params> = {
  reads: params => ({ ...embedded(params), source: 'utf8' }),
  emits: embedded,
  partitions: () => 1,
  observe: (params, { corpus }) => {
    const names = Object.keys(embedded(params))
    return batch => {
      const stands = columnsOf(batch, stood).pairs_of_prompt
      const index = Int32Array.from({ length: batch.rows }, (_, i) => i).filter(i => isValid(stands, i))
      const { columns } = gather(batch, index)
      const source = { values: sourceNumbers(columnsOf({ ...batch, columns }, { source: 'utf8' }).source, corpus.sources) }
      const picked = Object.fromEntries(names.map(name => [name, columns[name]]))
      const schema: Schema = { ...embedded(params), partition: 'i32' }
      return batchOf(schema, index.length, { ...picked, source, partition: { values: new Int32Array(index.length) } })
    }
  },
  reduce: (params, { corpus }, rows) => reduce(params, corpus.sources, rows),
  combine: (_, _context, parts) => ({ facts: parts[0]?.facts, tables: { matches: parts[0]?.tables?.matches ?? (noMatches as Batch) } }),
}

const LISTED_CLUSTERS = 20
const LISTED_SOURCES = 50

async function reduce(params: Params, sources: readonly string[], rows: Batch): Promise<Part> {
  const columns = columnsOf(rows, embedded(params))
  const order = Int32Array.from({ length: rows.rows }, (_, i) => i).sort((i, j) => compareRank(columns, i, j))
  const { of, cosine } = await nearestSurvivors(columns.prompt_embedding.values, dimsOf(params), order, params.threshold)
  const { pair_id, prompt_id, source, pairs_of_prompt } = columns
  const prompts = new Int32Array(rows.rows).fill(1)
  const pairs = pairs_of_prompt.values.slice()
  const tally = new Tally()
  for (let i = 0; i < of.length; i++) {
    if (of[i] < 0) continue
    prompts[of[i]]++
    pairs[of[i]] += pairs_of_prompt.values[i]
    tally.add('semantic', sources[source.values[i]], sources[source.values[of[i]]], pairs_of_prompt.values[i])
  }
  const largest = largestOf(columns, sources, prompts, pairs)
  const clusters = prompts.reduce((n, size) => n + (size > 1 ? 1 : 0), 0)
  return {
    tables: { matches: matchesOf(prompt_id, pair_id, of, cosine) as Batch },
    facts: { prompts: rows.rows, clusters, largest, ...tally.facts(LISTED_SOURCES) },
  }
}

/** The clusters with the most pairs. */
function largestOf(
  { pair_id, source }: { readonly pair_id: Ids; readonly source: Numbers },
  sources: readonly string[],
  prompts: Int32Array,
  pairs: Int32Array,
) {
  const survivors = Int32Array.from(prompts.keys()).filter(i => prompts[i] > 1)
  const larger = (i: number, j: number) => pairs[i] > pairs[j] || (pairs[i] === pairs[j] && compareIds(pair_id, i, pair_id, j) < 0)
  return firstRows(survivors, LISTED_CLUSTERS, larger).map(i => ({
    survivor: hexAt(pair_id, i),
    source: sources[source.values[i]],
    prompts: prompts[i],
    pairs: pairs[i],
  }))
}

function matchesOf(prompt_id: Ids, pair_id: Ids, of: Int32Array, cosine: Float64Array): Matches {
  const told = Int32Array.from(of.keys()).filter(i => of[i] >= 0)
  told.sort((i, j) => compareIds(prompt_id, i, prompt_id, j))
  const [ids, survivor] = [{ bytes: new Uint8Array(told.length * 16) }, { bytes: new Uint8Array(told.length * 16) }]
  told.forEach((i, k) => {
    copyId(ids, k, prompt_id, i)
    copyId(survivor, k, pair_id, of[i])
  })
  return batchOf(matched, told.length, { prompt_id: ids, survivor, cosine: { values: Float32Array.from(told, i => cosine[i]) } })
}

const noMatches: Matches = batchOf(matched, 0, {
  prompt_id: { bytes: new Uint8Array(0) },
  survivor: { bytes: new Uint8Array(0) },
  cosine: { values: new Float32Array(0) },
})

const judged = { prompt_id: 'id' } as const

/** What earlier steps said of a pair is kept. */
function judge({ action }: Params, matches: Matches, batch: Batch): Verdict {
  const { prompt_id } = columnsOf(batch, judged)
  const known = batch.columns.relation as Numbers | undefined
  const rows = Int32Array.from({ length: batch.rows }, (_, i) => findId(matches.columns.prompt_id, matches.rows, prompt_id, i))
  const told = rows.map((row, i) => (known && isValid(known, i) ? -1 : row))
  const { survivor, cosine } = gather(matches, told).columns
  const semantic = new Uint8Array(batch.rows).fill(relations.indexOf('semantic'))
  const relation = relationColumn(
    batch,
    semantic,
    Uint8Array.from(told, row => (row < 0 ? 0 : 1)),
  )
  const leave = Uint8Array.from(rows, row => (row >= 0 && action !== 'mark' ? 1 : 0))
  return { add: { duplicate_of: survivor, relation, cosine }, leave }
}

/** Prompts that mean nearly the same in other words. In no recipe by default. */
export const semanticDup = defineStage<Params>({
  name: 'semantic-dup',
  doc: 'Finds prompts that mean nearly the same by embeddings, of an ONNX model or of hashed words, with every candidate verified.',
  version: 3,
  params,
  measures: params => [promptEmbedding.with(embeddingOf(params))],
  reads: (_, { upstream }) => ({ ...judged, ...('relation' in upstream ? { relation: { labels: relations } } : {}) }),
  adds: { duplicate_of: 'id', relation: { labels: relations }, cosine: 'f32' },
  reasons: ({ action }) => ({ semantic: action === 'review' ? 'review' : 'drop' }),
  rounds: [distinct, neighbours],
  judge: (params, { summary }) => {
    const matches = summary.tables!.matches as Matches
    return batch => judge(params, matches, batch)
  },
})
