/** Writes a small finished build, all its accounts in order, for the tests of what reads one. */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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
import { type OutBatch, type OutColumn, type OutputFormat, openTableWriter, type Struct } from '../pipeline/codecs/table-writer.ts'
import { describedBy } from '../pipeline/described.ts'
import {
  contamination,
  flippedColumns,
  human,
  type Layout,
  ledgerColumns,
  quarantineBatch,
  quarantineColumns,
  rejectsColumns,
  reviewColumns,
  trainBatch,
  trainColumns,
} from '../pipeline/layouts.ts'
import { canonicalJson, type Manifest, type ManifestOutput } from '../pipeline/manifest.ts'
import { draws, labelKinds, outcomes, pairTexts, relations, votes } from '../pipeline/pair.ts'
import { seal } from '../pipeline/seal.ts'
import { VERSION } from '../pipeline/version.ts'

export interface SmallPair {
  readonly source: string
  readonly source_id?: string
  readonly prompt: string
  readonly chosen: string
  readonly rejected: string
  readonly outcome: (typeof outcomes)[number]
  readonly split?: 'train' | 'validation'
  readonly step?: string
  readonly reason?: string
  readonly relation?: (typeof relations)[number]
  readonly duplicate_of?: string
  readonly jaccard?: number
  readonly evidence?: { benchmark: string; item: string; span: string; coverage: number }
  readonly models_outcome?: (typeof outcomes)[number]
  readonly stratum?: string
  readonly inclusion_probability?: number
  readonly p?: number
  readonly draw?: (typeof draws)[number]
  readonly license?: string
  readonly human?: { outcome: (typeof votes)[number]; n: number; agreement: number }
}

export const idOf = (...texts: readonly string[]): string => createHash('md5').update(JSON.stringify(texts)).digest('hex')
export const pairId = ({ prompt, chosen, rejected }: SmallPair): string => idOf(prompt, chosen, rejected)

const survivor: SmallPair = {
  source: 'hh',
  source_id: '0',
  prompt: 'What is 2 + 2?',
  chosen: 'Four.',
  rejected: 'Five.',
  outcome: 'keep',
  split: 'train',
  p: 0.9,
  license: 'MIT',
}

/** Every outcome, every relation, evidence of each kind, and texts that are hard to read back. */
export const smallPairs: readonly SmallPair[] = [
  survivor,
  {
    ...survivor,
    source_id: '1',
    p: undefined,
    outcome: 'drop',
    split: undefined,
    step: 'exact-dedup',
    reason: 'exact',
    relation: 'exact',
    duplicate_of: pairId(survivor),
  },
  {
    source: 'hh',
    source_id: '2',
    prompt: 'What is 2 + 2 ?',
    chosen: 'Four',
    rejected: 'Five',
    outcome: 'drop',
    step: 'near-dup',
    reason: 'near',
    relation: 'near',
    duplicate_of: pairId(survivor),
    jaccard: 0.875,
  },
  {
    source: 'arena',
    source_id: 'a:b',
    prompt: '\ufeffName a colour',
    chosen: 'Rot',
    rejected: '青\n"blue"\t',
    outcome: 'flip',
    split: 'train',
    step: 'decide',
    reason: 'models_against',
    p: 0.1,
  },
  {
    source: 'arena',
    prompt: 'Say nothing',
    chosen: '',
    rejected: `${'long '.repeat(200)}end`,
    outcome: 'keep',
    split: 'validation',
    draw: 'audit',
    human: { outcome: 'chosen', n: 3, agreement: 2 / 3 },
  },
  {
    source: 'arena',
    source_id: 'q',
    prompt: 'Compose a poem',
    chosen: 'Roses',
    rejected: 'Violets',
    outcome: 'quarantine',
    step: 'decontaminate',
    reason: 'contaminated',
    evidence: { benchmark: 'mt-bench', item: '81', span: 'compose a poem', coverage: 0.5 },
  },
  {
    source: 'arena',
    source_id: 'r',
    prompt: 'Who is right?',
    chosen: 'Me',
    rejected: 'You',
    outcome: 'review',
    step: 'decide',
    reason: 'uncertain',
    draw: 'targeted',
    p: 0.5,
  },
]

export interface SmallBuild {
  readonly layout?: Layout
  readonly format?: OutputFormat
  readonly pairs?: readonly SmallPair[]
}

const SIGNALS = ['p_mean', 'human']
const ADDED = ['margin_rm', 'p_rm', 'p_mean']
const steps = ['exact-dedup', 'near-dup', 'decontaminate', 'decide']

export async function writeSmallBuild(
  dir: string,
  { layout = 'prompt', format = 'parquet', pairs = smallPairs }: SmallBuild = {},
): Promise<Manifest> {
  const rows = (is: (pair: SmallPair) => boolean): readonly SmallPair[] => pairs.filter(is)
  const options = { signals: SIGNALS }
  const train = (kept: readonly SmallPair[]): OutBatch => trainBatch(layout, texts(kept), flips(kept), columnsOf(kept, pairs))
  const tables: [string, readonly OutColumn[], readonly SmallPair[], (rows: readonly SmallPair[]) => OutBatch][] = [
    ['train', trainColumns(layout, options), rows(p => p.split === 'train'), train],
    ['validation', trainColumns(layout, options), rows(p => p.split === 'validation'), train],
    ['flipped', flippedColumns(layout, options, ADDED), rows(p => p.outcome === 'flip'), train],
    [
      'quarantine',
      quarantineColumns(layout, options),
      rows(p => p.outcome === 'quarantine'),
      kept => quarantineBatch(layout, texts(kept), columnsOf(kept, pairs)),
    ],
    [
      'review',
      reviewColumns(),
      rows(p => p.outcome === 'review' || p.draw !== undefined),
      kept => ({ rows: kept.length, columns: { ...columnsOf(kept, pairs), ...texts(kept).columns } }),
    ],
    ['ledger', ledgerColumns(ADDED), pairs, kept => ({ rows: kept.length, columns: columnsOf(kept, pairs) })],
  ]
  const outputs: ManifestOutput[] = []
  for (const [table, columns, kept, batch] of tables) {
    if (kept.length === 0) continue
    outputs.push(await writeTable(dir, table, table === 'train' || table === 'validation' ? format : 'parquet', columns, batch(kept)))
  }
  outputs.push(await writeTable(dir, 'rejects', 'parquet', rejectsColumns(), rejects()))
  const manifest = manifestOf(pairs, { layout, format, outputs })
  writeFileSync(join(dir, 'manifest.json'), canonicalJson(manifest))
  for (const [name, text] of Object.entries(describedBy(manifest))) writeFileSync(join(dir, name), text)
  seal(dir)
  return manifest
}

async function writeTable(
  dir: string,
  table: string,
  format: OutputFormat,
  columns: readonly OutColumn[],
  batch: OutBatch,
): Promise<ManifestOutput> {
  const path = `${table}/part-00000.${format}`
  mkdirSync(join(dir, table), { recursive: true })
  const writer = await openTableWriter(format, columns, join(dir, path))
  await writer.write(batch)
  return { path, ...(await writer.close()) }
}

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

const flips = (pairs: readonly SmallPair[]): Uint8Array => Uint8Array.from(pairs, p => (p.outcome === 'flip' ? 1 : 0))

/** Every column of every table but the texts; `all` gives each pair its place. */
function columnsOf(pairs: readonly SmallPair[], all: readonly SmallPair[]): Record<string, Column | Struct> {
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

function texts(pairs: readonly SmallPair[]): Batch<typeof pairTexts> {
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

const rejects = (): OutBatch => ({
  rows: 1,
  columns: {
    file: utf8Of(['hh.jsonl']),
    row: { values: Int32Array.of(9) },
    field: utf8Of(['chosen']),
    error: utf8Of(['expected text']),
    excerpt: utf8Of(['{"chosen": 7}']),
  },
})

function manifestOf(
  pairs: readonly SmallPair[],
  { layout, format, outputs }: { layout: Layout; format: OutputFormat; outputs: ManifestOutput[] },
): Manifest {
  const counted = (of: readonly SmallPair[]) => ({
    pairs_in: of.length,
    train: of.filter(p => p.split === 'train').length,
    validation: of.filter(p => p.split === 'validation').length,
    flipped: of.filter(p => p.outcome === 'flip').length,
    quarantine: of.filter(p => p.outcome === 'quarantine').length,
    review: of.filter(p => p.outcome === 'review').length,
    dropped: of.filter(p => p.outcome === 'drop').length,
  })
  const sources = [...new Set(pairs.map(p => p.source))].sort()
  const of = (source: string) => pairs.filter(p => p.source === source)
  let left = pairs.length
  return {
    goldpan: VERSION,
    format: 1,
    name: 'small',
    config: { name: 'small', output: { format, layout, signals: SIGNALS } },
    plan_key: 'ab'.repeat(16),
    inputs: [...new Set(pairs.map(p => p.source))].map(source => {
      const rejected = source === 'hh' ? 1 : 0
      return {
        path: `${source}.jsonl`,
        bytes: 100,
        sha256: 'cd'.repeat(32),
        rows: of(source).length + rejected,
        rejected,
        pairs: of(source).length,
        format: 'pair',
      }
    }),
    sources: sources.map(source => ({
      source,
      ...counted(of(source)),
      licenses: tally(of(source).flatMap(p => (p.split ? [p.license ?? ''] : []))),
      left_licenses: tally(of(source).flatMap(p => (p.split ? [] : [p.license ?? '']))),
      languages: tally(of(source).flatMap(p => (p.split ? ['en'] : []))),
    })),
    steps: steps.map(id => {
      const gone = pairs.filter(p => p.step === id && p.outcome !== 'flip')
      const rows_in = left
      left -= gone.length
      return {
        id,
        stage: id,
        version: 1,
        key: 'ef'.repeat(16),
        params: {},
        rows_in,
        rows_out: left,
        dropped: tally(gone.map(p => p.reason!)),
      }
    }),
    outputs: [...outputs].sort((a, b) => (a.path < b.path ? -1 : 1)),
    totals: { ...counted(pairs), rejected: 1 },
    pair_bytes: { median: 40, p99: 1100, max: 1200 },
  }
}

function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
