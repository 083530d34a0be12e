import { z } from 'zod'
import { type Batch, batchOf, columnsOf, hexAt, type Ids, isValid } from '../pipeline/batch.ts'
import { bucketRound, componentsOf, inComponents } from '../pipeline/buckets.ts'
import { type Banding, bandingFor } from '../pipeline/kernels/banding.ts'
import { type ClusterNames, joinNames, lookUpNames, nameClusters, namesOf } from '../pipeline/kernels/cluster-names.ts'
import { connectNear } from '../pipeline/kernels/connect.ts'
import { groupsOf, lanesOf, membersOf } from '../pipeline/kernels/groups.ts'
import { mix32 } from '../pipeline/kernels/mix.ts'
import { setColumn, setField, setsOf } from '../pipeline/kernels/sets.ts'
import { wordsOf } from '../pipeline/kernels/words.ts'
import { comparison, minhash } from '../pipeline/measures/minhash.ts'
import { pairTexts } from '../pipeline/pair.ts'
import { defineStage, type Part, type Round, type Summary } from '../pipeline/stage.ts'

const params = z
  .strictObject({
    ...comparison('two prompts'),
  })
  .refine(({ threshold, recall }) => bandingFor(threshold, recall), {
    path: ['recall'],
    message: 'no banding finds that share at this threshold',
  })
type Params = z.infer<typeof params>

const bandingOf = ({ threshold, recall }: Params): Banding => bandingFor(threshold, recall)!

const seen = { prompt_id: 'id', ordinal: 'i32' } as const
const firstOfPrompt = { first_of_prompt: 'u8' } as const

const PAIRS_PER_PARTITION = 4_000_000
const partitionsFor = (pairs: number): number => Math.ceil((pairs + 1) / PAIRS_PER_PARTITION)

/** Of the pairs of one prompt the first takes part for all. */
const distinct: Round<Params> = {
  reads: seen,
  emits: seen,
  returns: firstOfPrompt,
  partitions: (_, corpus) => partitionsFor(corpus.pairs),
  observe: (_, { corpus }) => {
    const partitions = partitionsFor(corpus.pairs)
    return batch => {
      const { prompt_id, ordinal } = columnsOf(batch, seen)
      const partition = { values: lanesOf(prompt_id, batch.rows)[0].map(lane => (lane >>> 0) % partitions) }
      return batchOf({ ...seen, partition: 'i32' }, batch.rows, { prompt_id, ordinal, partition }) as Batch
    }
  },
  reduce: (_, _context, rows) => {
    const { prompt_id, ordinal } = columnsOf(rows, seen)
    const { starts, rows: members } = membersOf(groupsOf(lanesOf(prompt_id, rows.rows)))
    const firsts = new Int32Array(starts.length - 1).fill(0x7fffffff)
    let largest = 0
    for (let g = 0; g < firsts.length; g++) {
      largest = Math.max(largest, starts[g + 1] - starts[g])
      for (let k = starts[g]; k < starts[g + 1]; k++) firsts[g] = Math.min(firsts[g], ordinal.values[members[k]])
    }
    const first_of_prompt = { values: new Uint8Array(firsts.length).fill(1) }
    const returns = batchOf({ ...firstOfPrompt, ordinal: 'i32' }, firsts.length, {
      ordinal: { values: firsts.sort() },
      first_of_prompt,
    }) as Batch
    return { returns, facts: { pairs: rows.rows, prompts: firsts.length, most_pairs_of_a_prompt: largest } }
  },
  combine: (_, _context, parts) => ({ facts: promptFacts(parts) }),
}

type PromptFacts = { readonly pairs: number; readonly prompts: number; readonly most_pairs_of_a_prompt: number }

function promptFacts(parts: readonly Part[]): PromptFacts {
  const all = parts.map(part => part.facts as PromptFacts)
  return {
    pairs: all.reduce((n, f) => n + f.pairs, 0),
    prompts: all.reduce((n, f) => n + f.prompts, 0),
    most_pairs_of_a_prompt: all.reduce((n, f) => Math.max(n, f.most_pairs_of_a_prompt), 0),
  }
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
  combine: (_, { summary }, parts) => combine(summary, parts),
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

type Cluster = { readonly cluster: string; readonly prompts: number }
type ClusterFacts = { readonly clusters: number; readonly clustered_prompts: number; readonly largest: readonly Cluster[] }
type Work = { readonly compared: number; readonly cut: number }

function clusterFacts(prompt_id: Ids, names: Int32Array): ClusterFacts {
  const sizes = new Int32Array(names.length)
  for (const name of names) if (name >= 0) sizes[name]++
  const namers = Array.from(sizes.keys()).filter(i => sizes[i] > 0)
  const largest = largestOf(namers.map(i => ({ cluster: hexAt(prompt_id, i), prompts: sizes[i] })))
  return { clusters: namers.length, clustered_prompts: sizes.reduce((a, b) => a + b, 0), largest }
}

const LISTED_CLUSTERS = 20

const largestOf = (clusters: readonly Cluster[]): Cluster[] =>
  clusters.toSorted((a, b) => b.prompts - a.prompts || (a.cluster < b.cluster ? -1 : 1)).slice(0, LISTED_CLUSTERS)

function combine({ facts: candidates }: Summary, parts: readonly Part[]): Summary {
  const facts = parts.map(part => part.facts as unknown as ClusterFacts & Work)
  const sum = (of: (f: ClusterFacts & Work) => number) => facts.reduce((n, f) => n + of(f), 0)
  return {
    facts: {
      candidates,
      compared: sum(f => f.compared),
      cut: sum(f => f.cut),
      clusters: sum(f => f.clusters),
      clustered_prompts: sum(f => f.clustered_prompts),
      largest: largestOf(facts.flatMap(f => f.largest)),
    },
    tables: { names: joinNames(parts.map(part => part.tables!.names as ClusterNames)) as Batch },
  }
}

/** Clusters of near-duplicate prompts, chains included: what folds and splits must never cut. */
export const promptClusters = defineStage<Params>({
  name: 'prompt-clusters',
  doc: 'Names the cluster of near-duplicate prompts that each pair belongs to, so that folds and splits never cut one.',
  version: 1,
  params,
  measures: params => [minhash.with({ ngram: params.ngram, ...bandingOf(params), on: ['prompt'], compare: 'fields', sides: null })],
  reads: { prompt_id: 'id' },
  adds: { prompt_cluster: 'id' },
  rounds: [distinct, buckets, verification],
  judge: (_, { summary }) => {
    const names = summary.tables!.names as ClusterNames
    return batch => ({ add: { prompt_cluster: lookUpNames(names, columnsOf(batch, { prompt_id: 'id' }).prompt_id, batch.rows) } })
  },
})
