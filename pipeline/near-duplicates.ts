/** The exchange that verifies candidates: sets of shingles of the pairs involved, one component at a time, and what becomes of each pair. */
import { type Batch, batchOf, columnsOf, hexAt, type Ids, type Schema, select, textsOf } from './batch.ts'
import { componentsOf, inComponents } from './buckets.ts'
import { type ClusterRules, type Clusters, clustersOf } from './kernels/clusters.ts'
import { beginnings, excerptAt } from './kernels/excerpt.ts'
import { mix32 } from './kernels/mix.ts'
import { compareIds, copyId } from './kernels/rank.ts'
import { firstRows } from './kernels/sampling.ts'
import { type SetColumn, setColumnWithSigns, setField, setsOf } from './kernels/sets.ts'
import type { PairSets } from './kernels/similarity.ts'
import { type Between, sourceNumbers, Tally } from './kernels/sources.ts'
import { joinWords, wordsOf } from './kernels/words.ts'
import type { ComparedField } from './measures/minhash.ts'
import { pairFacts, pairTexts, relations } from './pair.ts'
import type { Context, Part, Round, Summary } from './stage.ts'

/** What is compared, and by which rules pairs stay. */
export interface Verification extends ClusterRules {
  /** In the order of a pair's columns. */
  readonly fields: readonly ComparedField[]
  /** The fields end to end as one text. */
  readonly joined: boolean
  readonly ngram: number
}

const standing = { pair_id: 'id', label_kind: pairFacts.label_kind, priority: 'i32', tie: 'u8', ordinal: 'i32' } as const
const facts = { ...standing, source: 'utf8' } as const
/** `source` is a place in the corpus's list, `excerpt` the beginning of the first field compared, `alike` 1 where a pair's responses say the same. */
const emits = { ...standing, component: 'i32', source: 'i32', excerpt: 'utf8', alike: 'u8' } as const
const EXCERPT_BYTES = 120

/** Null for pairs that are near no other. */
export const nearColumns = {
  near_of: 'id',
  near_relation: { labels: relations },
  near_jaccard: 'f32',
  near_cluster: 'id',
  near_size: 'i32',
  near_fate: 'u8',
} as const

const setsSchema = ({ fields, joined }: Verification): Schema =>
  Object.fromEntries((joined ? ['text'] : fields).map(name => [name, setField]))

/** Whether both responses are compared, and may be crossed. */
export const crossable = ({ fields, joined }: Pick<Verification, 'fields' | 'joined'>): boolean =>
  !joined && fields.includes('chosen') && fields.includes('rejected')

/** Text whose sets one partition holds if every pair of the corpus has a candidate. A component is never cut. */
const BYTES_PER_PARTITION = 256e6
const partitionsFor = (text_bytes: number): number => Math.ceil((text_bytes + 1) / BYTES_PER_PARTITION)

/** Which pairs have responses that say the same, by further columns: told as near, such a pair is not told as one without signal again. */
export interface Alike<P> {
  readonly reads: (params: P) => Schema
  readonly rows: (batch: Batch) => Uint8Array
}

/** Follows a `bucketRound`. */
export const verificationRound = <P>(of: (params: P) => Verification, alike: Alike<P>): Round<P> => ({
  reads: params => ({
    ...facts,
    ...alike.reads(params),
    ...Object.fromEntries(of(params).fields.map(field => [field, pairTexts[field]])),
  }),
  emits: params => ({ ...emits, ...setsSchema(of(params)) }),
  returns: nearColumns,
  partitions: (_, corpus) => partitionsFor(corpus.text_bytes),
  among: (_, { summary }) => {
    const componentOf = componentsOf(summary)
    return batch => inComponents(columnsOf(batch, facts).ordinal.values, componentOf)
  },
  observe: (params, { corpus, summary }) => {
    const componentOf = componentsOf(summary)
    return batch => observe(of(params), corpus, componentOf, batch, alike.rows(batch))
  },
  reduce: (params, { corpus }, rows) => reduce(of(params), corpus, rows),
  combine: (_, { summary }, parts) => combine(summary, parts),
})

function observe(
  verification: Verification,
  corpus: Context['corpus'],
  componentOf: (ordinal: number) => number,
  batch: Batch,
  alike: Uint8Array,
): Batch {
  const { source, ...others } = select(batch, Object.keys(facts)).columns
  const component = columnsOf(batch, facts).ordinal.values.map(componentOf)
  const partitions = partitionsFor(corpus.text_bytes)
  const schema: Schema = { ...emits, ...setsSchema(verification), partition: 'i32' }
  return batchOf(schema, batch.rows, {
    ...others,
    ...setsOfRows(verification, batch),
    component: { values: component },
    alike: { values: alike },
    source: { values: sourceNumbers(columnsOf(batch, facts).source, corpus.sources) },
    excerpt: beginnings(textsOf(columnsOf(batch, pairTexts)[verification.fields[0]], batch.rows), EXCERPT_BYTES),
    partition: { values: component.map(c => mix32(c) % partitions) },
  })
}

function setsOfRows({ fields, joined, ngram }: Verification, batch: Batch): Record<string, SetColumn> {
  const texts = columnsOf(batch, pairTexts)
  const words = fields.map(field => wordsOf(texts[field]))
  if (joined) return { text: setColumnWithSigns(joinWords(words, batch.rows), batch.rows, ngram) }
  return Object.fromEntries(fields.map((field, i) => [field, setColumnWithSigns(words[i], batch.rows, ngram)]))
}

function reduce(verification: Verification, { sources }: Context['corpus'], batch: Batch): Part {
  const columns = Object.keys(setsSchema(verification)).map(name => setsOf(batch.columns[name] as unknown as SetColumn))
  const sets: PairSets = crossable(verification)
    ? { straight: columns.slice(0, -2), responses: [columns.at(-2)!, columns.at(-1)!] }
    : { straight: columns }
  const clusters = clustersOf(columnsOf(batch, emits), batch.rows, sets, verification)
  return { returns: returnsOf(batch, clusters), facts: factsOf(batch, clusters, sources) }
}

function returnsOf(batch: Batch, { of, crossed, jaccard, fate, survivor, sizes }: Clusters): Batch {
  const { pair_id, ordinal } = columnsOf(batch, emits)
  const told = Int32Array.from(of.keys()).filter(i => sizes[survivor[i]] > 1)
  const near_of = { bytes: new Uint8Array(told.length * 16), valid: Uint8Array.from(told, i => (of[i] < 0 ? 0 : 1)) }
  const near_cluster = { bytes: new Uint8Array(told.length * 16) }
  told.forEach((i, k) => {
    if (of[i] >= 0) copyId(near_of, k, pair_id, of[i])
    copyId(near_cluster, k, pair_id, survivor[i])
  })
  const { valid } = near_of
  const [near, nearSwapped] = [relations.indexOf('near'), relations.indexOf('near-swapped')]
  return batchOf({ ...nearColumns, ordinal: 'i32' }, told.length, {
    ordinal: { values: told.map(i => ordinal.values[i]) },
    near_of,
    near_relation: { values: Uint8Array.from(told, i => (of[i] < 0 ? 0 : crossed[i] ? nearSwapped : near)), valid },
    near_jaccard: { values: Float32Array.from(told, i => jaccard[i]), valid },
    near_cluster,
    near_size: { values: told.map(i => sizes[survivor[i]]) },
    near_fate: { values: Uint8Array.from(told, i => fate[i]) },
  }) as Batch
}

type Cluster = {
  readonly survivor: string
  readonly source: string
  readonly pairs: number
  /** Pairs by source, the most frequent first. */
  readonly sources: readonly { readonly source: string; readonly pairs: number }[]
  readonly excerpt: string
}
type PartFacts = {
  readonly clusters: number
  readonly compared: number
  readonly cut: number
  readonly between: readonly Between[]
  /** Of the near pairs those whose responses say the same. */
  readonly alike: readonly Between[]
  readonly largest: readonly Cluster[]
}

const LISTED_CLUSTERS = 20
const LISTED_SOURCES = 50

function factsOf(batch: Batch, { of, crossed, survivor, sizes, compared, cut }: Clusters, sources: readonly string[]): PartFacts {
  const { pair_id, source, alike, excerpt: beginning } = columnsOf(batch, emits)
  const [tally, alikes] = [new Tally(), new Tally()]
  for (let i = 0; i < of.length; i++)
    if (of[i] >= 0 && alike.values[i] === 1) alikes.add('no-signal', sources[source.values[i]], sources[source.values[i]])
  for (let i = 0; i < of.length; i++)
    // a survivor may be related to the pair that contradicts it: that is counted once, there
    if (survivor[i] !== i) tally.add(crossed[i] ? 'near-swapped' : 'near', sources[source.values[i]], sources[source.values[of[i]]])
  const survivors = Int32Array.from(sizes.keys()).filter(i => sizes[i] > 1)
  const listed = Array.from(largestRows(pair_id, survivors, sizes), i => ({
    survivor: hexAt(pair_id, i),
    source: sources[source.values[i]],
    pairs: sizes[i],
    sources: countSources(survivor, i, source.values, sources),
    excerpt: excerptAt(beginning, i, EXCERPT_BYTES),
  }))
  return { clusters: survivors.length, compared, cut, between: tally.list(), alike: alikes.list(), largest: listed }
}

/** The survivors of the largest clusters of a partition. */
const largestRows = (ids: Ids, survivors: Int32Array, sizes: Int32Array): number[] =>
  firstRows(survivors, LISTED_CLUSTERS, (i, j) => sizes[i] > sizes[j] || (sizes[i] === sizes[j] && compareIds(ids, i, ids, j) < 0))

function countSources(survivor: Int32Array, of: number, source: Int32Array, names: readonly string[]): Cluster['sources'] {
  const counts = new Map<number, number>()
  for (let i = 0; i < survivor.length; i++) if (survivor[i] === of) counts.set(source[i], (counts.get(source[i]) ?? 0) + 1)
  return [...counts]
    .map(([i, pairs]) => ({ source: names[i], pairs }))
    .sort((a, b) => b.pairs - a.pairs || (a.source < b.source ? -1 : 1))
    .slice(0, LISTED_SOURCES)
}

const largestOf = (clusters: readonly Cluster[]): Cluster[] =>
  clusters.toSorted((a, b) => b.pairs - a.pairs || (a.survivor < b.survivor ? -1 : 1)).slice(0, LISTED_CLUSTERS)

function combine({ facts: before }: Summary, parts: readonly Part[]): Summary {
  const { no_signal = [], ...candidates } = before as { readonly no_signal?: readonly Between[] }
  const all = parts.map(part => part.facts as unknown as PartFacts)
  const sum = (of: (facts: PartFacts) => number) => all.reduce((n, facts) => n + of(facts), 0)
  const tally = new Tally()
  for (const between of all.map(facts => facts.between)) tally.addAll(between)
  tally.addAll(
    without(
      no_signal,
      all.flatMap(facts => facts.alike),
    ),
  )
  return {
    facts: {
      candidates,
      compared: sum(f => f.compared),
      cut: sum(f => f.cut),
      clusters: sum(f => f.clusters),
      largest: largestOf(all.flatMap(f => f.largest)),
      ...tally.facts(LISTED_SOURCES),
    },
  }
}

/** Counts of sources, less others. */
function without(all: readonly Between[], others: readonly Between[]): Between[] {
  return all.flatMap(one => {
    const less = others.reduce((sum, other) => sum + (other.source === one.source ? other.pairs : 0), 0)
    return one.pairs > less ? [{ ...one, pairs: one.pairs - less }] : []
  })
}
