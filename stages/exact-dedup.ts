import { z } from 'zod'
import { type Batch, batchOf, columnsOf, type Ids } from '../pipeline/batch.ts'
import { groupsOf, lanesOf, membersOf } from '../pipeline/kernels/groups.ts'
import { mix32 } from '../pipeline/kernels/mix.ts'
import { compareIds, compareLabels, compareRank, copyId } from '../pipeline/kernels/rank.ts'
import { type Between, sourceNumbers, Tally } from '../pipeline/kernels/sources.ts'
import { pairFacts, relations } from '../pipeline/pair.ts'
import { type Context, defineStage, type Part, type Round } from '../pipeline/stage.ts'

const params = z.strictObject({
  exact: z
    .enum(['drop', 'drop_both', 'mark', 'review'])
    .default('drop')
    .describe(
      'copies of a pair, all but the survivor: drop them, keep and mark them, or send them to review; drop_both drops the survivor, too',
    ),
  swapped: z
    .enum(['drop_lesser', 'drop_both', 'mark', 'review'])
    .default('drop_lesser')
    .describe(
      'a pair labelled both ways: drop the lesser label (between equals both go to review), drop both, keep and mark, or review both',
    ),
})
type Params = z.infer<typeof params>

/** Fates: 0, or 1 + the place of a reason. */
const STAY = 0
const EXACT = 1
const SWAPPED = 2
const CONFLICT = 3

const standing = {
  pair_id: 'id',
  label_kind: pairFacts.label_kind,
  priority: 'i32',
  tie: 'u8',
  ordinal: 'i32',
} as const
const reads = { ...standing, prompt_id: 'id', chosen_id: 'id', rejected_id: 'id', source: 'utf8' } as const
/** `key` is the same for a pair and its swapped twin, `turned` tells them apart; `source` is a place in the corpus's list. */
const emits = { ...standing, key: 'id', turned: 'u8', source: 'i32' } as const
const returned = { twin_of: 'id', twin_relation: { labels: relations }, twin_fate: 'u8' } as const
type Rows = ReturnType<typeof columnsOf<typeof emits>>

/** Pairs of one partition: 61 bytes each. */
const PAIRS_PER_PARTITION = 1_000_000
const partitionsFor = (pairs: number): number => Math.ceil((pairs + 1) / PAIRS_PER_PARTITION)
const LISTED_SOURCES = 50

const grouping: Round<Params> = {
  reads,
  emits,
  returns: returned,
  partitions: (_, corpus) => partitionsFor(corpus.pairs),
  observe: (_, { corpus }) => {
    const partitions = partitionsFor(corpus.pairs)
    return batch => {
      const columns = columnsOf(batch, reads)
      const { key, turned } = keysOf(columns, batch.rows)
      const source = { values: sourceNumbers(columns.source, corpus.sources) }
      const partition = { values: lanesOf(key, batch.rows)[0].map(lane => (lane >>> 0) % partitions) }
      const { pair_id, label_kind, priority, tie, ordinal } = columns
      const emitted = { pair_id, label_kind, priority, tie, ordinal, key, turned: { values: turned }, source, partition }
      return batchOf({ ...emits, partition: 'i32' }, batch.rows, emitted) as Batch
    }
  },
  reduce: (params, context, rows) => reduce(params, context, columnsOf(rows, emits), rows.rows),
  combine: (_, _context, parts) => {
    const tally = new Tally()
    for (const part of parts) tally.addAll(part.facts as unknown as Between[])
    return { facts: tally.facts(LISTED_SOURCES) }
  },
}

/** Prompt and both responses in the order of their ids, mixed lane by lane: 128 bits that no order of the responses changes. */
function keysOf({ prompt_id, chosen_id, rejected_id }: Record<'prompt_id' | 'chosen_id' | 'rejected_id', Ids>, rows: number) {
  const turned = Uint8Array.from({ length: rows }, (_, i) => (compareIds(chosen_id, i, rejected_id, i) > 0 ? 1 : 0))
  const [prompt, chosen, rejected] = [prompt_id, chosen_id, rejected_id].map(ids => lanesOf(ids, rows))
  const key = new Int32Array(rows * 4)
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < 4; k++) {
      const [first, second] = turned[i] ? [rejected[k][i], chosen[k][i]] : [chosen[k][i], rejected[k][i]]
      key[i * 4 + k] = mix32(mix32(mix32(prompt[k][i]) + first) + second)
    }
  return { key: { bytes: new Uint8Array(key.buffer) }, turned }
}

/** What became of the rows of one partition, and the rows that have anything to be told. */
interface Fates {
  readonly twin: Int32Array
  readonly relation: Uint8Array
  readonly fate: Uint8Array
}

function reduce(params: Params, { corpus }: Context, rows: Rows, count: number): Part {
  const fates: Fates = { twin: new Int32Array(count).fill(-1), relation: new Uint8Array(count), fate: new Uint8Array(count) }
  const groups = membersOf(groupsOf(lanesOf(rows.key, count)))
  for (let g = 0; g + 1 < groups.starts.length; g++) {
    const members = groups.rows.subarray(groups.starts[g], groups.starts[g + 1])
    if (members.length > 1)
      settle(
        params,
        rows,
        members.sort((i, j) => compareRank(rows, i, j)),
        fates,
      )
  }
  const tally = new Tally()
  const told: number[] = []
  for (let i = 0; i < count; i++) {
    if (fates.twin[i] < 0) continue
    told.push(i)
    const relation = relations[fates.relation[i]]
    // of two labels in conflict the lesser is counted, or the later one
    if (relation === 'exact' || compareRank(rows, i, fates.twin[i]) > 0)
      tally.add(relation, corpus.sources[rows.source.values[i]], corpus.sources[rows.source.values[fates.twin[i]]])
  }
  return { returns: returnsOf(rows, told, fates), facts: tally.list() }
}

/**
 * The copies of one pair in the order of rank. Ties are no labels: they are copies of one another in either order, and neither duplicate
 * nor contradict a label. Labels of each orientation have a survivor; the two survivors, if there are two, are in conflict.
 */
function settle(params: Params, rows: Rows, members: Int32Array, fates: Fates): void {
  const labels = members.filter(i => rows.tie.values[i] === 0)
  const sides = [0, 1].map(turned => labels.filter(i => rows.turned.values[i] === turned))
  for (const copies of [members.filter(i => rows.tie.values[i] === 1), ...sides])
    copies.forEach((copy, i) => {
      const fate = params.exact === 'mark' ? STAY : EXACT
      if (i > 0) tell(fates, copy, copies[0], 'exact', fate)
      else if (params.exact === 'drop_both' && copies.length > 1) tell(fates, copy, copies[1], 'exact', fate)
    })
  if (sides[0].length === 0 || sides[1].length === 0) return
  const [greater, lesser] = compareRank(rows, sides[0][0], sides[1][0]) < 0 ? sides : [sides[1], sides[0]]
  const equal = compareLabels(rows, greater[0], lesser[0]) === 0
  const fate = conflictFate(params, equal)
  // copies that are only marked share what happens to their label
  const followers = (copies: Int32Array) => (params.exact === 'mark' ? copies : copies.subarray(0, 1))
  for (const copy of followers(lesser)) tell(fates, copy, greater[0], 'swapped', fate.lesser)
  if (fate.greater !== STAY) for (const copy of followers(greater)) tell(fates, copy, lesser[0], 'swapped', fate.greater)
}

function conflictFate({ swapped }: Params, equal: boolean): { lesser: number; greater: number } {
  if (swapped === 'mark') return { lesser: STAY, greater: STAY }
  if (swapped === 'drop_both') return { lesser: SWAPPED, greater: SWAPPED }
  if (swapped === 'review' || equal) return { lesser: CONFLICT, greater: CONFLICT }
  return { lesser: SWAPPED, greater: STAY }
}

function tell(fates: Fates, row: number, twin: number, relation: (typeof relations)[number], fate: number): void {
  fates.twin[row] = twin
  fates.relation[row] = relations.indexOf(relation)
  fates.fate[row] = fate
}

function returnsOf(rows: Rows, told: readonly number[], fates: Fates): Batch {
  const twin_of = { bytes: new Uint8Array(told.length * 16) }
  for (let k = 0; k < told.length; k++) copyId(twin_of, k, rows.pair_id, fates.twin[told[k]])
  const of = (values: Uint8Array) => ({ values: Uint8Array.from(told, i => values[i]) })
  return batchOf({ ...returned, ordinal: 'i32' }, told.length, {
    ordinal: { values: Int32Array.from(told, i => rows.ordinal.values[i]) },
    twin_of,
    twin_relation: of(fates.relation),
    twin_fate: of(fates.fate),
  }) as Batch
}

/** Copies of a pair, and the same pair labelled the other way round. */
export const exactDedup = defineStage<Params>({
  name: 'exact-dedup',
  doc: 'Finds copies of a pair and pairs labelled both ways, by the hashes of prompt, chosen and rejected over the whole corpus.',
  version: 3,
  params,
  reads: returned,
  adds: { duplicate_of: 'id', relation: { labels: relations }, jaccard: 'f32' },
  reasons: ({ exact }) => ({ exact: exact === 'review' ? 'review' : 'drop', swapped: 'drop', label_conflict: 'review' }),
  rounds: [grouping],
  judge: () => batch => {
    const { twin_of, twin_relation, twin_fate } = columnsOf(batch, returned)
    const jaccard = { values: new Float32Array(batch.rows).fill(1), valid: twin_of.valid }
    return { add: { duplicate_of: twin_of, relation: twin_relation, jaccard }, leave: twin_fate.values }
  },
})
