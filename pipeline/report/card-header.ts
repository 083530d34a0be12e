/** The header of a dataset card: what loaders and hubs read of it. */
import type { Schema } from '../batch.ts'
import type { OutColumn, OutField } from '../codecs/out-columns.ts'
import type { Manifest, OutputShape } from '../manifest.ts'
import { type TrainOptions, trainColumns } from '../tables.ts'

/** Splits and tables that have files, and no others: one line without files fails the load of all. */
export function cardHeader({ outputs, name, totals, sources }: Manifest, output: OutputShape): object {
  const { format } = output
  const has = (folder: string): boolean => outputs.some(({ path }) => path.startsWith(`${folder}/`))
  const splits = ['train', 'validation'].filter(has).map(split => ({ split, path: `${split}/*.${format}` }))
  // Loaders read all configs by the format of the first.
  const tables = format === 'parquet' || splits.length === 0 ? ['ledger', 'flipped', 'quarantine', 'review', 'rejects'].filter(has) : []
  const languages = namesIn(sources.map(s => s.languages))
    .filter(language => /^[a-z]{2,3}$/.test(language))
    .sort()
  return {
    pretty_name: name,
    ...licenceLines(namesIn(sources.map(s => s.licenses))),
    ...(languages.length > 0 ? { language: languages } : {}),
    task_categories: ['text-generation', 'reinforcement-learning'],
    size_categories: [sizeCategory(totals.train + totals.validation)],
    tags: ['preference', 'reward-model', 'rlhf', 'dpo', 'goldpan'],
    // Of JSON loaders guess the types from its first rows, and fail on a column that begins with nulls.
    ...(format.startsWith('jsonl') && splits.length > 0
      ? { dataset_info: [{ config_name: 'default', features: features(trainColumns(output.layout, optionsOf(output))) }] }
      : {}),
    configs: [
      ...(splits.length > 0 ? [{ config_name: 'default', default: true, data_files: splits }] : []),
      ...tables.map(table => ({ config_name: table, data_files: `${table}/*.parquet` })),
    ],
  }
}

export const optionsOf = ({ signals, margin, own }: OutputShape): TrainOptions => ({ signals, margin: margin !== undefined, own })

const DTYPES = {
  utf8: 'string',
  id: 'string',
  bool: 'bool',
  u8: 'uint8',
  i8: 'int8',
  i32: 'int32',
  i64: 'int64',
  f32: 'float32',
  f64: 'float64',
} as const

/** Columns as dataset loaders spell them. */
const features = (columns: readonly Pick<OutColumn, 'name' | 'field'>[]): object[] =>
  columns.map(({ name, field }) => ({ name, ...feature(field) }))

function feature(field: OutField): object {
  if (typeof field === 'string') return { dtype: DTYPES[field] }
  const children = (schema: Schema): object[] => features(Object.entries(schema).map(([name, child]) => ({ name, field: child })))
  if ('list' in field) return { list: children(field.list) }
  return 'struct' in field ? { struct: children(field.struct) } : { dtype: 'string' }
}

const namesIn = (counts: readonly object[]): string[] => [...new Set(counts.flatMap(Object.keys))]

/** Identifiers that hubs know, of those in use for data. */
const KNOWN = (
  'mit apache-2.0 cc0-1.0 cc-by-4.0 cc-by-3.0 cc-by-2.0 cc-by-sa-4.0 cc-by-sa-3.0 cc-by-nc-4.0 cc-by-nc-3.0 cc-by-nc-sa-4.0 cc-by-nc-nd-4.0 ' +
  'cc-by-nd-4.0 odc-by odbl pddl bsd-3-clause gpl-3.0 openrail'
).split(' ')

function licenceLines(names: readonly string[]): object {
  const ids = [...new Set(names.map(name => name.toLowerCase().replaceAll(' ', '-')))]
  if (ids.length === 1 && KNOWN.includes(ids[0])) return { license: ids[0] }
  if (ids.length === 0 || (ids.length === 1 && ids[0] === '')) return { license: 'unknown' }
  return { license: 'other', license_name: ids.length > 1 ? 'mixed' : slug(ids[0]) }
}

const slug = (text: string): string => text.replace(/[^a-z0-9.]+/g, '-').replace(/^-+|-+$/g, '') || 'other'

function sizeCategory(rows: number): string {
  const steps: [number, string][] = [
    [1e3, 'n<1K'],
    [1e4, '1K<n<10K'],
    [1e5, '10K<n<100K'],
    [1e6, '100K<n<1M'],
    [1e7, '1M<n<10M'],
    [1e8, '10M<n<100M'],
    [1e9, '100M<n<1B'],
  ]
  return steps.find(([limit]) => rows < limit)?.[1] ?? 'n>1B'
}
