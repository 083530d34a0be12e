/** The canonical pair: what ingest makes of every source format, and what every stage may read. */
import { type Batch, type Column, isValid, type Numbers, turnsOf } from './batch.ts'

export const labelKinds = ['human', 'human_derived', 'ai', 'implicit'] as const
export type LabelKind = (typeof labelKinds)[number]
/** Which response the judge saw first, or to the left. */
export const shown = ['unknown', 'chosen', 'rejected'] as const
export type Shown = (typeof shown)[number]
export const votes = ['chosen', 'rejected', 'tie'] as const

/** The texts of a pair: the prompt's turns, and each side's turns after the common prefix (nearly always one assistant turn). */
export const pairTexts = { prompt: turnsOf, chosen: turnsOf, rejected: turnsOf } as const

/** Everything else about a pair. `row` counts from 0 in its file; `priority` is the source's. */
export const pairFacts = {
  pair_id: 'id',
  prompt_id: 'id',
  chosen_id: 'id',
  rejected_id: 'id',
  source: 'utf8',
  source_id: 'utf8',
  license: 'utf8',
  lang: 'utf8',
  label_kind: { labels: labelKinds },
  priority: 'i32',
  tie: 'u8',
  shown_first: { labels: shown },
  row: 'i32',
  votes: { list: { annotator: 'utf8', vote: { labels: votes } } },
  scores: { list: { model: 'utf8', chosen: 'f64', rejected: 'f64' } },
} as const

/** Given by the engine at ingest: bytes of all a pair's text, and of each side. */
export const sizeFacts = { text_bytes: 'i32', chosen_bytes: 'i32', rejected_bytes: 'i32' } as const

/** Given by the engine to a step that recalls: 1 for a pair that an earlier step sent to review. */
export const recallFacts = { recalled: 'u8' } as const

/** Given by the engine: the pair's place in the corpus, counted over all shards in the order of the config. */
export const placeFacts = { ordinal: 'i32' } as const

/** `semantic`: the prompts mean nearly the same, by an embedding. New ones are added at the end: what is stored holds their places. */
export const relations = ['exact', 'swapped', 'near', 'near-swapped', 'no-signal', 'same-prompt', 'semantic'] as const

/** A column `relation` of a step: what an earlier step said of a pair (`relation` of the batch) stays; `found` of the others, where `told` is 1. */
export function relationColumn({ rows, columns }: Batch, found: Uint8Array, told: Uint8Array): Numbers<Uint8Array> & { valid: Uint8Array } {
  const known = (columns as Record<string, Column>).relation as Numbers | undefined
  const relation = { values: found.slice(), valid: told.slice() }
  for (let i = 0; known && i < rows; i++) {
    if (!isValid(known, i)) continue
    relation.values[i] = known.values[i]
    relation.valid[i] = 1
  }
  return relation
}

export const outcomes = ['keep', 'flip', 'quarantine', 'review', 'drop'] as const
export type Outcome = (typeof outcomes)[number]
export const draws = ['audit', 'targeted'] as const
