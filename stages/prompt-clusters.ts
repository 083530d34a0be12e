import { z } from 'zod'
import { type Batch, batchOf, type Column, columnsOf, emptyBatch, type Ids, isValid, type Numbers, type Schema } from '../pipeline/batch.ts'
import { bucketRound, componentsOf, inComponents } from '../pipeline/buckets.ts'
import { type Banding, bandingFor } from '../pipeline/kernels/banding.ts'
import { type ClusterNames, joinNames, lookUpNames, nameClusters, namesOf } from '../pipeline/kernels/cluster-names.ts'
import { connectNear } from '../pipeline/kernels/connect.ts'
import { groupsOf, lanesOf, membersOf } from '../pipeline/kernels/groups.ts'
import { mix32 } from '../pipeline/kernels/mix.ts'
import { beyond, drawKeys, firstRowsOf, samePrompt } from '../pipeline/kernels/prompt-draw.ts'
import { setColumn, setField, setsOf } from '../pipeline/kernels/sets.ts'
import { sourceNumbers } from '../pipeline/kernels/sources.ts'
import { wordsOf } from '../pipeline/kernels/words.ts'
import { comparison, minhash } from '../pipeline/measures/minhash.ts'
import { asked, linksOf, opening, openingField, openingsOf, withLinks } from '../pipeline/measures/openings.ts'
import { allClusterFacts, clusterFacts, promptFacts } from '../pipeline/measures/prompt-facts.ts'
import { pairTexts, recallFacts, relationColumn, relations } from '../pipeline/pair.ts'
import { defineStage, type Env, type Part, type Round, type Verdict } from '../pipeline/stage.ts'

const params = z
  .strictObject({
    ...comparison('two prompts'),
    openings: z
      .int()
      .min(0)
      .default(64)
      .describe(
        'prompts that begin with the same question of a user (turns of one conversation, other system prompts) are one cluster where they are no more than these; 0 = never',
      ),
    max_per_prompt: z.int().min(1).optional().describe('pairs of one and the same prompt that stay, drawn by the seed; default: all'),
    weight: z
      .string()
      .optional()
      .describe(
        'column of an earlier step that weighs the draw of max_per_prompt, such as `weight` in a second prompt-clusters step after style-bias; a pair without a value weighs 1; default: all alike',
      ),
    same_prompt: z.enum(['drop', 'mark', 'review']).default('drop').describe('what becomes of the pairs beyond max_per_prompt'),
  })
  .refine(({ max_per_prompt, weight }) => weight === undefined || max_per_prompt !== undefined, {
    path: ['weight'],
    message: 'weighs the draw of max_per_prompt, which is not given',
  })
  .refine(({ threshold, recall }) => bandingFor(threshold, recall), {
    path: ['recall'],
    message: 'no banding finds that share at this threshold',
  })
type Params = z.infer<typeof params>

const bandingOf = ({ threshold, recall }: Params): Banding => bandingFor(threshold, recall)!

const seen = { prompt_id: 'id', ordinal: 'i32' } as const
/** `source` is a place in the corpus's list. */
const counted = { ...seen, source: 'i32' } as const
const drawn = { draw_key: 'f64' } as const
const firstOfPrompt = { first_of_prompt: 'u8' } as const
const pastCap = { past_cap: 'u8' } as const

const caps = ({ max_per_prompt }: Params): boolean => max_per_prompt !== undefined
const drawReads = ({ weight }: Params, { upstream }: Env): Schema => ({
  pair_id: 'id',
  ...recallFacts,
  ...(weight === undefined ? {} : { [weight]: upstream[weight] === 'f64' ? 'f64' : 'f32' }),
})

/** The keys by which pairs of a prompt are drawn; those that wait in review come after all others. */
function drawOf({ weight }: Params, seed: number, batch: Batch): Numbers<Float64Array> {
  const column = weight === undefined ? undefined : (batch.columns[weight] as Numbers)
  const weights = Float64Array.from({ length: batch.rows }, (_, i) => (column && isValid(column, i) ? column.values[i] : 1))
  const { pair_id, recalled } = columnsOf(batch, { pair_id: 'id', ...recallFacts })
  return { values: drawKeys(seed, pair_id, weights).map((key, i) => (recalled.values[i] === 1 ? Number.POSITIVE_INFINITY : key)) }
}

const PAIRS_PER_PARTITION = 4_000_000
const partitionsFor = (pairs: number): number => Math.ceil((pairs + 1) / PAIRS_PER_PARTITION)
const dealt = (ids: Ids, rows: number, partitions: number) => ({
  values: lanesOf(ids, rows)[0].map(lane => (lane >>> 0) % partitions),
})

/** Of the pairs of one prompt the first takes part for all. */
const distinct: Round<Params> = {
  reads: (params, env) => ({ ...seen, source: 'utf8', ...(caps(params) ? drawReads(params, env) : {}) }),
  emits: params => ({ ...counted, ...(caps(params) ? drawn : {}) }),
  returns: params => ({ ...firstOfPrompt, ...(caps(params) ? pastCap : {}) }),
  partitions: (_, corpus) => partitionsFor(corpus.pairs),
  observe: (params, { corpus, seed }) => {
    const partitions = partitionsFor(corpus.pairs)
    return batch => {
      const { prompt_id, ordinal, source: name } = columnsOf(batch, { ...seen, source: 'utf8' })
      const source = { values: sourceNumbers(name, corpus.sources) }
      const partition = dealt(prompt_id, batch.rows, partitions)
      const schema: Schema = { ...counted, ...(caps(params) ? drawn : {}), partition: 'i32' }
      const draw: Readonly<Record<string, Column>> = caps(params) ? { draw_key: drawOf(params, seed, batch) } : {}
      return batchOf(schema, batch.rows, { prompt_id, ordinal, source, partition, ...draw })
    }
  },
  reduce: ({ max_per_prompt }, { corpus }, rows) => {
    const { prompt_id, ordinal, source } = columnsOf(rows, counted)
    const prompts = membersOf(groupsOf(lanesOf(prompt_id, rows.rows)))
    const first = firstRowsOf(prompts, ordinal.values)
    const past =
      max_per_prompt === undefined ? undefined : beyond(prompts, columnsOf(rows, drawn).draw_key.values, ordinal.values, max_per_prompt)
    return {
      returns: toldOf(ordinal.values, first, past),
      facts: {
        pairs: rows.rows,
        prompts: first.length,
        most_pairs_of_a_prompt: prompts.starts.reduce((most, start, p) => Math.max(most, start - (prompts.starts[p - 1] ?? 0)), 0),
        between: samePrompt(prompts, first, source.values, corpus.sources).list(),
      },
    }
  },
  combine: (_, _context, parts) => ({ facts: promptFacts(parts) }),
}

/** Which pairs stand for their prompts and, where there is a cap, which are beyond it. */
function toldOf(ordinals: Int32Array, firsts: Int32Array, past: Uint8Array | undefined): Batch {
  const first = new Uint8Array(ordinals.length)
  for (const row of firsts) first[row] = 1
  const told = Int32Array.from(first.keys()).filter(i => first[i] === 1 || past?.[i] === 1)
  told.sort((i, j) => ordinals[i] - ordinals[j])
  const where = (flags: Uint8Array) => ({ values: new Uint8Array(told.length).fill(1), valid: Uint8Array.from(told, i => flags[i]) })
  const schema: Schema = { ...firstOfPrompt, ...(past ? pastCap : {}), ordinal: 'i32' }
  return batchOf(schema, told.length, {
    ordinal: { values: told.map(i => ordinals[i]) },
    first_of_prompt: where(first),
    ...(past ? { past_cap: where(past) } : {}),
  })
}

const buckets = bucketRound<Params>({
  banding: bandingOf,
  only: {
    reads: firstOfPrompt,
    rows: (_, batch) => {
      const { first_of_prompt } = columnsOf(batch, firstOfPrompt)
      return row => isValid(first_of_prompt, row)
    },
  },
})

const involved = { prompt_id: 'id', ordinal: 'i32' } as const
const sets = { ...involved, component: 'i32', prompt: setField } as const

/** Text whose sets one partition holds if every prompt of the corpus has a candidate. A component is never cut. */
const BYTES_PER_PARTITION = 256e6
const setPartitions = (text_bytes: number): number => Math.ceil((text_bytes + 1) / BYTES_PER_PARTITION)

const verification: Round<Params> = {
  reads: { ...involved, prompt: pairTexts.prompt },
  emits: sets,
  partitions: (_, corpus) => setPartitions(corpus.text_bytes),
  among: (_, { summary }) => {
    const componentOf = componentsOf(summary)
    return batch => inComponents(columnsOf(batch, involved).ordinal.values, componentOf)
  },
  observe: ({ ngram }, { corpus, summary }) => {
    const componentOf = componentsOf(summary)
    const partitions = setPartitions(corpus.text_bytes)
    return batch => {
      const { prompt, prompt_id, ordinal } = columnsOf(batch, { ...involved, prompt: pairTexts.prompt })
      const component = ordinal.values.map(componentOf)
      const partition = { values: component.map(c => mix32(c) % partitions) }
      const emitted = {
        prompt_id,
        ordinal,
        component: { values: component },
        prompt: setColumn(wordsOf(prompt), batch.rows, ngram),
        partition,
      }
      return batchOf({ ...sets, partition: 'i32' }, batch.rows, emitted) as Batch
    }
  },
  reduce: ({ threshold }, _context, rows) => cluster(threshold, rows),
  combine: (_, { summary }, parts) => ({
    facts: allClusterFacts(summary.facts!, parts),
    tables: { names: joinNames(parts.map(part => part.tables!.names as ClusterNames)) as Batch },
  }),
}

/** Puts clusters together whose prompts begin alike. */
const openings: Round<Params> = {
  reads: params => ({ ...firstOfPrompt, prompt_id: 'id', ...(params.openings > 0 ? openingField : {}) }),
  emits: asked,
  partitions: (_, corpus) => partitionsFor(corpus.pairs),
  among: params => batch => {
    const { first_of_prompt } = columnsOf(batch, firstOfPrompt)
    return Int32Array.from(Array(batch.rows).keys()).filter(i => params.openings > 0 && isValid(first_of_prompt, i))
  },
  observe: (params, { corpus }) => {
    const partitions = partitionsFor(corpus.pairs)
    return batch => {
      if (params.openings === 0) return emptyBatch({ ...asked, partition: 'i32' })
      const { prompt_id, opening } = openingsOf(batch).columns
      const partition = dealt(opening, batch.rows, partitions)
      return batchOf({ ...asked, partition: 'i32' }, batch.rows, { prompt_id, opening, partition })
    }
  },
  reduce: (params, _context, rows) => linksOf(rows, params.openings),
  combine: (_, { summary }, parts) => withLinks(summary, parts),
}

/** Finds the clusters of a partition; each is named by its smallest prompt_id. */
function cluster(threshold: number, batch: Batch): Part {
  const { prompt_id, ordinal, component, prompt } = columnsOf(batch, sets)
  const order = Int32Array.from({ length: batch.rows }, (_, i) => i)
  order.sort((i, j) => component.values[i] - component.values[j] || ordinal.values[i] - ordinal.values[j])
  const names = new Int32Array(batch.rows).fill(-1)
  let compared = 0
  let cut = 0
  for (let from = 0, to = 0; from < order.length; from = to) {
    while (to < order.length && component.values[order[from]] === component.values[order[to]]) to++
    const rows = order.subarray(from, to)
    const connected = connectNear(setsOf(prompt), rows, threshold)
    nameClusters(prompt_id, rows, connected.of, names)
    compared += connected.compared
    cut += connected.cut
  }
  return { tables: { names: namesOf(prompt_id, names) as Batch }, facts: { ...clusterFacts(prompt_id, names), compared, cut } }
}

/** The verdict on the pairs beyond max_per_prompt; a relation that a pair already has is kept. */
function pastCapVerdict({ same_prompt }: Params, batch: Batch): Verdict {
  const { values, valid } = columnsOf(batch, pastCap).past_cap
  const past = Uint8Array.from(values, (_, i) => (valid ? valid[i] : 1))
  const relation = relationColumn(batch, new Uint8Array(batch.rows).fill(relations.indexOf('same-prompt')), past)
  return { add: { relation }, leave: same_prompt === 'mark' ? new Uint8Array(batch.rows) : past }
}

/** Clusters of near-duplicate prompts and of conversations that begin alike, chains included: what folds and splits must never cut. */
export const promptClusters = defineStage<Params>({
  name: 'prompt-clusters',
  doc: 'Names the cluster of near-duplicate prompts, and of conversations that begin alike, that each pair belongs to, so that folds and splits never cut one; caps the pairs of a prompt on request.',
  version: 6,
  looksAtReview: true,
  params,
  measures: params => [
    minhash.with({ ngram: params.ngram, ...bandingOf(params), on: ['prompt'], compare: 'fields', sides: null }),
    ...(params.openings > 0 ? [opening.with(null)] : []),
  ],
  reads: (params, { upstream }) => ({
    prompt_id: 'id',
    ...(caps(params) ? { ...pastCap, ...('relation' in upstream ? { relation: { labels: relations } } : {}) } : {}),
  }),
  adds: params => ({ prompt_cluster: 'id', ...(caps(params) ? { relation: { labels: relations } } : {}) }),
  reasons: ({ same_prompt }) => ({ same_prompt: same_prompt === 'review' ? 'review' : 'drop' }),
  rounds: [distinct, buckets, verification, openings],
  judge: (params, { summary }) => {
    const names = summary.tables!.names as ClusterNames
    return batch => {
      const prompt_cluster = lookUpNames(names, columnsOf(batch, { prompt_id: 'id' }).prompt_id, batch.rows)
      if (!caps(params)) return { add: { prompt_cluster } }
      const { add, leave } = pastCapVerdict(params, batch)
      return { add: { prompt_cluster, ...add }, leave }
    }
  },
})
