/** Writes a small finished build, all its accounts in order, for the tests of what reads one. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type OutBatch, type OutColumn, type OutputFormat, openTableWriter } from '../pipeline/codecs/table-writer.ts'
import { describedBy } from '../pipeline/described.ts'
import {
  flippedColumns,
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
import { seal } from '../pipeline/seal.ts'
import { turnedTexts } from '../pipeline/turned.ts'
import { VERSION } from '../pipeline/version.ts'
import { columnsOf, flips, rejects, texts } from './small-columns.ts'
import { type SmallPair, smallPairs } from './small-pairs.ts'

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
  const train = (kept: readonly SmallPair[]): OutBatch =>
    trainBatch(layout, turnedTexts(texts(kept), flips(kept)), flips(kept), columnsOf(kept, pairs))
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
