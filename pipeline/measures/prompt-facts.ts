/** What is told of prompts: how many pairs share one, and the clusters of near-duplicates among them. */
import { hexAt, type Ids } from '../batch.ts'
import { type Between, Tally, type TallyFacts } from '../kernels/sources.ts'
import type { Json, Part } from '../stage.ts'

export type PromptFacts = {
  readonly pairs: number
  readonly prompts: number
  readonly most_pairs_of_a_prompt: number
  readonly between: readonly Between[]
}

const LISTED_SOURCES = 50

/** Facts of all partitions, each of which told `PromptFacts`. */
export function promptFacts(parts: readonly Part[]): Json {
  const all = parts.map(part => part.facts as PromptFacts)
  const tally = new Tally()
  for (const { between } of all) tally.addAll(between)
  return {
    pairs: all.reduce((n, f) => n + f.pairs, 0),
    prompts: all.reduce((n, f) => n + f.prompts, 0),
    most_pairs_of_a_prompt: all.reduce((n, f) => Math.max(n, f.most_pairs_of_a_prompt), 0),
    same_prompt: tally.facts(LISTED_SOURCES),
  }
}

type Cluster = { readonly cluster: string; readonly prompts: number }
type ClusterFacts = { readonly clusters: number; readonly clustered_prompts: number; readonly largest: readonly Cluster[] }
type Work = { readonly compared: number; readonly cut: number }

/** Of one partition. `names`: by row the row that names its cluster, -1 where it is in none. */
export function clusterFacts(prompt_id: Ids, names: Int32Array): ClusterFacts {
  const sizes = new Int32Array(names.length)
  for (const name of names) if (name >= 0) sizes[name]++
  const namers = Array.from(sizes.keys()).filter(i => sizes[i] > 0)
  const largest = largestOf(namers.map(i => ({ cluster: hexAt(prompt_id, i), prompts: sizes[i] })))
  return { clusters: namers.length, clustered_prompts: sizes.reduce((a, b) => a + b, 0), largest }
}

const LISTED_CLUSTERS = 20

const largestOf = (clusters: readonly Cluster[]): Cluster[] =>
  clusters.toSorted((a, b) => b.prompts - a.prompts || (a.cluster < b.cluster ? -1 : 1)).slice(0, LISTED_CLUSTERS)

/** Facts of all clusters: what the rounds before told, then what the partitions did, in whatever order they come. */
export function allClusterFacts(before: Json, parts: readonly Part[]): Record<string, Json> {
  const { same_prompt, ...candidates } = before as { readonly [fact: string]: Json } & { readonly same_prompt: TallyFacts }
  const facts = parts.map(part => part.facts as unknown as ClusterFacts & Work)
  const sum = (of: (f: ClusterFacts & Work) => number) => facts.reduce((n, f) => n + of(f), 0)
  return {
    candidates,
    compared: sum(f => f.compared),
    cut: sum(f => f.cut),
    clusters: sum(f => f.clusters),
    clustered_prompts: sum(f => f.clustered_prompts),
    largest: largestOf(facts.flatMap(f => f.largest)),
    ...same_prompt,
  }
}
