import { z } from 'zod'
import { type Batch, batchOf, columnsOf, isValid, type Numbers, type Schema, select, type Utf8 } from '../pipeline/batch.ts'
import { bucketRound } from '../pipeline/buckets.ts'
import { gather } from '../pipeline/gather.ts'
import { type Banding, bandingFor } from '../pipeline/kernels/banding.ts'
import { FATES } from '../pipeline/kernels/clusters.ts'
import { sourceNumbers, Tally } from '../pipeline/kernels/sources.ts'
import { comparedFields, comparison, type MinHashParams, minhash } from '../pipeline/measures/minhash.ts'
import { crossable, nearColumns, type Verification, verificationRound } from '../pipeline/near-duplicates.ts'
import { relationColumn, relations } from '../pipeline/pair.ts'
import { defineStage, type Round, type Verdict } from '../pipeline/stage.ts'

const MOST_FUNCTIONS = 1024

const shape = z.strictObject({
  ...comparison('two fields'),
  bands: z.int().min(1).optional().describe('bands of a signature instead of those that recall asks for; with rows'),
  rows: z.int().min(1).optional().describe('hash functions a band, over all fields; with bands'),
  on: z
    .array(z.enum(comparedFields))
    .min(1)
    .default([...comparedFields])
    .describe('fields compared, each of which must reach the threshold'),
  compare: z.enum(['fields', 'text']).default('fields').describe('field by field, or the fields of `on` end to end as one text'),
  near: z
    .enum(['drop', 'drop_both', 'mark', 'review'])
    .default('drop')
    .describe('what becomes of a near-duplicate of a pair that stays; drop_both drops that pair, too'),
  near_swapped: z
    .enum(['drop_lesser', 'drop_both', 'mark', 'review'])
    .default('drop_lesser')
    .describe(
      'of near-duplicates with the responses crossed: drop the lesser label (between equals review both), drop both, mark, or review both',
    ),
  no_signal: z
    .enum(['drop', 'mark', 'review', 'off'])
    .default('mark')
    .describe(
      'what becomes of a label between responses that are near-duplicates of each other (ties are exempt); off = not looked for. Marked by default, since words alone do not tell a typo from the one number, sign or indent that makes an answer wrong',
    ),
  no_signal_threshold: z
    .number()
    .min(0.1)
    .max(1)
    .default(0.9)
    .describe('Jaccard similarity of chosen and rejected from which on there is no signal'),
})
export type NearDupParams = z.infer<typeof shape>
type Params = NearDupParams

const params = shape.superRefine((given, context) => {
  const { bands, rows, threshold, recall } = given
  const complain = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message, input: given })
  if (new Set(given.on).size < given.on.length) return complain('on', 'names a field twice')
  if ((bands === undefined) !== (rows === undefined)) return complain('bands', 'bands and rows are given together or not at all')
  if (bands === undefined || rows === undefined) {
    if (!bandingFor(threshold, recall, leastRows(given)))
      complain(
        'recall',
        `no bands x rows up to ${MOST_FUNCTIONS} find ${recall} at threshold ${threshold}; lower the recall or raise the threshold`,
      )
    return
  }
  if (rows < leastRows(given)) complain('rows', `expected at least 1 for each of the ${leastRows(given)} fields compared, got ${rows}`)
  if (bands * rows > MOST_FUNCTIONS) complain('bands', `expected bands x rows up to ${MOST_FUNCTIONS}, got ${bands} x ${rows}`)
})

const leastRows = ({ compare, on }: Params): number => (compare === 'text' ? 1 : on.length)

/** The bands and rows that a step uses: those given, or those that its threshold and recall ask for. */
const nearDupBanding = (params: Params): Banding =>
  params.bands !== undefined ? { bands: params.bands, rows: params.rows! } : bandingFor(params.threshold, params.recall, leastRows(params))!

const compared = ({ on, compare }: Params) => ({ fields: comparedFields.filter(field => on.includes(field)), joined: compare === 'text' })
const looksAtSides = (params: Params): boolean => params.no_signal !== 'off' && crossable(compared(params))

function minhashParams(params: Params): MinHashParams {
  const { ngram, compare } = params
  const sides = looksAtSides(params) ? params.no_signal_threshold : null
  return { ngram, compare, ...nearDupBanding(params), on: compared(params).fields, sides }
}

const sidesSchema = (params: Params): Schema => (looksAtSides(params) ? { tie: 'u8', sides_jaccard: 'f32' } : {})

/** Which labels are between responses too alike to say anything, where that is looked for. Of ties it is what one expects. */
const alike = (batch: Batch): Uint8Array => {
  if (!('sides_jaccard' in batch.columns)) return new Uint8Array(batch.rows)
  const { tie, sides_jaccard } = columnsOf(batch, { tie: 'u8', sides_jaccard: 'f32' })
  return tie.values.map((isTie, i) => (isTie === 0 && isValid(sides_jaccard, i) ? 1 : 0))
}

const counted = { source: 'i32' } as const

/** Counts the labels without signal by source. */
const noSignal: Round<Params> = {
  reads: params => ({ ...sidesSchema(params), source: 'utf8' }),
  emits: counted,
  partitions: () => 1,
  observe: (_, { corpus }) => {
    return batch => {
      const unusable = alike(batch)
      const rows = Int32Array.from(unusable.keys()).filter(i => unusable[i] === 1)
      const { source } = gather(select(batch, ['source']), rows).columns
      return batchOf({ ...counted, partition: 'i32' }, rows.length, {
        source: { values: sourceNumbers(source as Utf8, corpus.sources) },
        partition: { values: new Int32Array(rows.length) },
      }) as Batch
    }
  },
  reduce: (_, { corpus: { sources } }, rows) => {
    const counts = new Map<number, number>()
    for (const source of columnsOf(rows, counted).source.values) counts.set(source, (counts.get(source) ?? 0) + 1)
    const tally = new Tally()
    for (const [source, pairs] of counts) tally.add('no-signal', sources[source], sources[source], pairs)
    return { facts: tally.list() }
  },
  combine: (_, _context, parts) => ({ facts: { no_signal: parts[0]?.facts ?? [] } }),
}

/** A pair that leaves because its responses are alike takes no part: it stands for no other. */
const buckets = bucketRound<Params>({
  banding: nearDupBanding,
  only: {
    reads: sidesSchema,
    rows: ({ no_signal }, batch) => {
      const unusable = alike(batch)
      return row => no_signal === 'mark' || unusable[row] === 0
    },
  },
})

const rules = (params: Params): Verification => ({
  ...compared(params),
  ngram: params.ngram,
  threshold: params.threshold,
  near: params.near === 'mark' ? FATES.stay : FATES.near,
  near_both: params.near === 'drop_both',
  near_swapped: params.near_swapped,
})
const verification = verificationRound<Params>(rules, { reads: sidesSchema, rows: alike })

/** The fates are the first reasons, in their order; this comes after them. */
const NO_SIGNAL = 4

const validOf = ({ valid }: { readonly valid?: Uint8Array }, rows: number): Uint8Array => valid?.slice() ?? new Uint8Array(rows).fill(1)

/** What earlier steps said of a pair is kept: a copy that exact-dedup marked is nearly the same as its original, too. */
function judge(params: Params, batch: Batch): Verdict {
  const { near_of, near_relation, near_jaccard, near_cluster, near_size, near_fate } = columnsOf(batch, nearColumns)
  const unusable = alike(batch)
  const found = { values: near_relation.values.slice(), valid: validOf(near_relation, batch.rows) }
  const jaccard = { values: near_jaccard.values.slice(), valid: found.valid }
  const leave = near_fate.values.slice()
  for (let i = 0; i < batch.rows; i++) {
    if (unusable[i] === 0 || isValid(found, i)) continue
    found.values[i] = relations.indexOf('no-signal')
    jaccard.values[i] = columnsOf(batch, { sides_jaccard: 'f32' }).sides_jaccard.values[i]
    found.valid[i] = 1
    if (params.no_signal !== 'mark' && leave[i] === 0) leave[i] = NO_SIGNAL
  }
  const duplicate_of = { bytes: near_of.bytes, valid: validOf(near_of, batch.rows) }
  const known = batch.columns.relation as Numbers | undefined
  for (let i = 0; known && i < batch.rows; i++) if (isValid(known, i)) found.valid[i] = duplicate_of.valid[i] = 0
  const relation = relationColumn(batch, found.values, found.valid)
  return { add: { duplicate_of, relation, jaccard, cluster_id: near_cluster, cluster_size: near_size }, leave }
}

/** Near-duplicate pairs, near-duplicate pairs that contradict each other, and pairs whose responses say the same. */
export const nearDup = defineStage<Params>({
  name: 'near-dup',
  doc: 'Finds near-duplicate pairs field by field, straight and with the responses crossed, by MinHash with every candidate verified. A field of fewer words than a shingle is near only one of the same words and signs.',
  version: 6,
  params,
  measures: params => [minhash.with(minhashParams(params))],
  reads: (params, { upstream }) => ({
    ...nearColumns,
    ...sidesSchema(params),
    ...('relation' in upstream ? { relation: { labels: relations } } : {}),
  }),
  adds: { duplicate_of: 'id', relation: { labels: relations }, jaccard: 'f32', cluster_id: 'id', cluster_size: 'i32' },
  reasons: ({ near, no_signal }) => ({
    near: near === 'review' ? 'review' : 'drop',
    near_swapped: 'drop',
    near_conflict: 'review',
    no_signal: no_signal === 'review' ? 'review' : 'drop',
  }),
  rounds: [noSignal, buckets, verification],
  judge: params => batch => judge(params, batch),
})
