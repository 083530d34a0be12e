/** Pairs of a small build as the columns of its tables. */
import {
  type Batch,
  batchOf,
  type Column,
  type Ids,
  listOf,
  type Numbers,
  roles,
  type Turns,
  turnsOf,
  utf8Of,
  type Valid,
} from '../pipeline/batch.ts'
import type { OutBatch, Struct } from '../pipeline/codecs/table-writer.ts'
import { contamination, human } from '../pipeline/layouts.ts'
import { draws, labelKinds, outcomes, pairTexts, relations, votes } from '../pipeline/pair.ts'
import { idOf, pairId, type SmallPair } from './small-pairs.ts'

const idsOf = (ids: readonly (string | undefined)[]): Ids => ({
  bytes: new Uint8Array(Buffer.concat(ids.map(id => Buffer.from(id ?? '0'.repeat(32), 'hex')))),
  valid: Uint8Array.from(ids, id => (id === undefined ? 0 : 1)),
})

const labelsOf = (labels: readonly string[], values: readonly (string | undefined)[]): Numbers<Uint8Array> => ({
  values: Uint8Array.from(values, v => (v === undefined ? 0 : labels.indexOf(v))),
  valid: Uint8Array.from(values, v => (v === undefined ? 0 : 1)),
})

const floats = (values: readonly (number | undefined)[]): Numbers<Float32Array> => ({
  values: Float32Array.from(values, v => v ?? 0),
  valid: Uint8Array.from(values, v => (v === undefined ? 0 : 1)),
})

export const flips = (pairs: readonly SmallPair[]): Uint8Array => Uint8Array.from(pairs, p => (p.outcome === 'flip' ? 1 : 0))

/** Every column of every table but the texts; `all` gives each pair its place. */
export function columnsOf(pairs: readonly SmallPair[], all: readonly SmallPair[]): Record<string, Column | Struct> {
  const n = pairs.length
  const text = (value: (pair: SmallPair) => string | undefined): Column => utf8Of(pairs.map(pair => value(pair) ?? null))
  return {
    pair_id: { bytes: idsOf(pairs.map(pairId)).bytes },
    prompt_id: { bytes: idsOf(pairs.map(p => idOf(p.prompt))).bytes },
    source: text(p => p.source),
    source_id: text(p => p.source_id),
    file: text(p => `${p.source}.jsonl`),
    row: { values: Int32Array.from(pairs, p => all.filter(other => other.source === p.source).indexOf(p)) },
    license: text(p => p.license),
    lang: text(() => undefined),
    label_kind: labelsOf(
      labelKinds,
      pairs.map(() => 'human'),
    ),
    outcome: labelsOf(
      outcomes,
      pairs.map(p => p.outcome),
    ),
    split: labelsOf(
      ['none', 'train', 'validation'],
      pairs.map(p => p.split),
    ),
    step: text(p => p.step),
    reason: text(p => p.reason),
    models_outcome: labelsOf(
      outcomes,
      pairs.map(p => p.models_outcome ?? (p.outcome === 'quarantine' ? undefined : p.outcome)),
    ),
    duplicate_of: idsOf(pairs.map(p => p.duplicate_of)),
    relation: labelsOf(
      relations,
      pairs.map(p => p.relation),
    ),
    jaccard: floats(pairs.map(p => p.jaccard)),
    cluster_id: idsOf(pairs.map(p => p.duplicate_of)),
    cluster_size: { values: new Int32Array(n).fill(3), valid: Uint8Array.from(pairs, p => (p.duplicate_of ? 1 : 0)) },
    contamination: evidenceOf(pairs),
    style_p: floats(pairs.map(() => undefined)),
    weight: { values: new Float32Array(n).fill(1) },
    margin_rm: floats(pairs.map(p => (p.p === undefined ? undefined : p.p - 0.5))),
    p_rm: floats(pairs.map(p => p.p)),
    p_mean: floats(pairs.map(p => p.p)),
    disagreement: floats(pairs.map(p => (p.p === undefined ? undefined : 0.25))),
    against: {
      values: Uint8Array.from(pairs, p => (p.p !== undefined && p.p < 0.5 ? 1 : 0)),
      valid: Uint8Array.from(pairs, p => (p.p === undefined ? 0 : 1)),
    },
    draw: labelsOf(
      draws,
      pairs.map(p => p.draw),
    ),
    inclusion_probability: {
      values: Float64Array.from(pairs, p => p.inclusion_probability ?? 0.25),
      valid: Uint8Array.from(pairs, p => (p.draw === 'audit' ? 1 : 0)),
    },
    stratum: text(p => p.stratum ?? p.source),
    human: humanColumn(pairs),
    flipped: { values: flips(pairs) },
  }
}

function evidenceOf(pairs: readonly SmallPair[]): Column {
  const found = pairs.flatMap(p => p.evidence ?? [])
  const items = batchOf(contamination.list, found.length, {
    benchmark: utf8Of(found.map(f => f.benchmark)),
    item: utf8Of(found.map(f => f.item)),
    span: utf8Of(found.map(f => f.span)),
    coverage: { values: Float32Array.from(found, f => f.coverage) },
  })
  const counts = pairs.map(p => (p.evidence ? 1 : 0))
  return { ...listOf(counts, items), valid: Uint8Array.from(counts) }
}

function humanColumn(pairs: readonly SmallPair[]): Struct {
  const valid: Valid = Uint8Array.from(pairs, p => (p.human ? 1 : 0))
  const items: Batch = batchOf(human, pairs.length, {
    outcome: { values: Uint8Array.from(pairs, p => (p.human ? votes.indexOf(p.human.outcome) : 0)) },
    n: { values: Int32Array.from(pairs, p => p.human?.n ?? 0) },
    agreement: { values: Float32Array.from(pairs, p => p.human?.agreement ?? 0) },
  })
  return { items, valid }
}

export function texts(pairs: readonly SmallPair[]): Batch<typeof pairTexts> {
  const turns = (role: (typeof roles)[number], said: readonly string[]): Turns =>
    listOf(
      said.map(() => 1),
      batchOf(turnsOf.list, said.length, {
        role: { values: new Uint8Array(said.length).fill(roles.indexOf(role)) },
        content: utf8Of(said),
      }),
    )
  return batchOf(pairTexts, pairs.length, {
    prompt: turns(
      'user',
      pairs.map(p => p.prompt),
    ),
    chosen: turns(
      'assistant',
      pairs.map(p => p.chosen),
    ),
    rejected: turns(
      'assistant',
      pairs.map(p => p.rejected),
    ),
  })
}

export const rejects = (): OutBatch => ({
  rows: 1,
  columns: {
    file: utf8Of(['hh.jsonl']),
    row: { values: Int32Array.of(9) },
    field: utf8Of(['chosen']),
    error: utf8Of(['expected text']),
    excerpt: utf8Of(['{"chosen": 7}']),
  },
})
