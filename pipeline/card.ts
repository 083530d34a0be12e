/** The dataset card of a build, README.md: a YAML header by which dataset loaders find the files, and below it what a reader needs. */
import { stringify } from 'yaml'
import { z } from 'zod'
import type { Schema } from './batch.ts'
import type { OutColumn, OutField } from './codecs/out-columns.ts'
import type { Manifest } from './manifest.ts'
import { grouped } from './report/table.ts'
import { trainerLines } from './report/trainers.ts'
import { layouts, type TrainOptions, trainColumns } from './tables.ts'

const configSchema = z.object({
  output: z.object({
    format: z.string().default('parquet'),
    layout: z.enum(layouts).default('prompt'),
    signals: z.array(z.string()).default([]),
    margin: z.string().optional(),
  }),
})
type Output = z.infer<typeof configSchema>['output']

/** A function of the manifest alone: no time, nothing that differs between two builds of the same inputs. */
export function cardOf(manifest: Manifest): string {
  const { output } = configSchema.parse(manifest.config)
  const { train, validation, pairs_in } = manifest.totals
  const kept = train + validation
  const parts = [
    `---\n${stringify(headerOf(manifest, output), { lineWidth: 0 })}---`,
    `# ${manifest.name}`,
    `Preference pairs for reward models: ${grouped(kept)} of ${grouped(pairs_in)} pairs, curated by [goldpan](#build-it-again). ` +
      `${grouped(train)} are in \`train\`, ${grouped(validation)} in \`validation\`; pairs of near-duplicate prompts are in one split. ` +
      `${grouped(manifest.totals.flipped)} labels were turned.`,
    section('Sources and licences', sourcesTable(manifest)),
    section('What was done', stepsTable(manifest)),
    section('Tables', tablesTable(manifest)),
    section('Columns', columnsTable(output)),
    ...(kept > 0
      ? [section('Load it', `${lengths(manifest)}${trainerLines(output.layout, String(maxLength(manifest)), validation > 0)}`)]
      : []),
    section('Build it again', rebuild(manifest)),
  ]
  return `${parts.join('\n\n')}\n`
}

const section = (title: string, text: string): string => `## ${title}\n\n${text}`

/** Splits and tables that have files, and no others: one line without files fails the load of all. */
function headerOf({ outputs, name, totals, sources }: Manifest, output: Output): object {
  const { format } = output
  const has = (folder: string): boolean => outputs.some(({ path }) => path.startsWith(`${folder}/`))
  const splits = ['train', 'validation'].filter(has).map(split => ({ split, path: `${split}/*.${format}` }))
  // Loaders read all configs by the format of the first.
  const tables = format === 'parquet' || splits.length === 0 ? ['ledger', 'flipped', 'quarantine', 'review', 'rejects'].filter(has) : []
  const languages = Object.keys(summed(sources.map(s => s.languages)))
    .filter(language => /^[a-z]{2,3}$/.test(language))
    .sort()
  return {
    pretty_name: name,
    ...licenceLines(Object.keys(summed(sources.map(s => s.licenses)))),
    ...(languages.length > 0 ? { language: languages } : {}),
    task_categories: ['text-generation', 'reinforcement-learning'],
    size_categories: [sizeCategory(totals.train + totals.validation)],
    tags: ['preference', 'reward-model', 'rlhf', 'dpo', 'goldpan'],
    // Of JSON loaders guess the types from its first rows, and fail on a column that begins with nulls.
    ...(format === 'jsonl' && splits.length > 0
      ? { dataset_info: [{ config_name: 'default', features: features(trainColumns(output.layout, optionsOf(output))) }] }
      : {}),
    configs: [
      ...(splits.length > 0 ? [{ config_name: 'default', default: true, data_files: splits }] : []),
      ...tables.map(table => ({ config_name: table, data_files: `${table}/*.parquet` })),
    ],
  }
}

const optionsOf = ({ signals, margin }: Output): TrainOptions => ({ signals, margin: margin !== undefined })

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

function summed(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const count of counts) for (const [name, n] of Object.entries(count)) sum[name] = (sum[name] ?? 0) + n
  return sum
}

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

/** Texts of the data in a table of ours: nothing of them is markup. */
const cell = (text: string): string =>
  text
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replace(/[\\|`*_[\]~#]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')

function markdown(header: readonly string[], right: number, rows: readonly (readonly string[])[]): string {
  const rule = header.map((_, i) => (i >= right ? '---:' : '---'))
  return [header, rule, ...rows].map(row => `| ${row.join(' | ')} |`).join('\n')
}

const counts = (of: Readonly<Record<string, number>>): string =>
  Object.entries(of)
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([name, n], _, all) => `${name === '' ? 'not stated' : cell(name)}${all.length > 1 ? ` (${grouped(n)})` : ''}`)
    .join(', ')

function sourcesTable({ sources }: Manifest): string {
  const rows = sources.map(s => [
    cell(s.source),
    counts(s.licenses) || '-',
    counts(s.languages) || '-',
    grouped(s.pairs_in),
    grouped(s.train + s.validation),
  ])
  return markdown(['source', 'licence of the kept pairs', 'language', 'pairs in', 'kept'], 3, rows)
}

function stepsTable({ steps, totals }: Manifest): string {
  const rows = steps.map(({ id, rows_in, rows_out, dropped }) => [
    cell(id),
    counts(dropped),
    grouped(rows_in),
    grouped(rows_in - rows_out),
    grouped(rows_out),
  ])
  const rejected =
    totals.rejected > 0
      ? `\n\n${grouped(totals.rejected)} rows of the inputs could not be read; table \`rejects\` has each with its reason.`
      : ''
  return `${markdown(['step', 'left because of', 'pairs in', 'left', 'pairs out'], 2, rows)}${rejected}`
}

const TABLES: Readonly<Record<string, string>> = {
  train: 'training pairs',
  validation: 'held-out pairs',
  flipped: 'those of train and validation whose label was turned, with what spoke against it',
  quarantine: 'pairs that share text with a benchmark, or were set aside for another reason, with the evidence',
  review: 'pairs drawn or waiting for people, as their source had them',
  ledger: 'one row for every pair that came in: where it ended, at which step, why',
  rejects: 'input rows that could not be read',
}

function tablesTable({ outputs }: Manifest): string {
  const rows = Object.entries(TABLES).flatMap(([table, what]) => {
    const files = outputs.filter(({ path }) => path.startsWith(`${table}/`))
    const sum = files.reduce((n, file) => n + file.rows, 0)
    return files.length > 0 ? [[`\`${table}\``, what, grouped(files.length), grouped(sum)]] : []
  })
  return markdown(['table', 'what', 'files', 'rows'], 2, rows)
}

const COLUMNS: Readonly<Record<string, string>> = {
  prompt: 'messages before the answers, `{role, content}` each; the last is never the assistant',
  pair_id: 'hash of prompt, chosen and rejected; the key into `ledger`',
  prompt_id: 'hash of the prompt',
  source: 'where the pair comes from',
  label_kind: 'who judged: human, human_derived, ai or implicit',
  source_id: 'its id there',
  license: 'its licence',
  lang: 'its language',
  cluster_id: 'near-duplicate cluster that it stands for',
  flipped: 'whether the label was turned: chosen is then what the source had rejected',
  weight: 'training weight, 1 on average over a source; no trainer reads it by itself',
  p_mean: 'probability that the label is right, mean over the reward models',
  disagreement: 'spread of that probability over the models',
  against: 'number of models against the label',
  style_p: 'probability that style alone predicts the label',
  human: 'what people said: outcome, number of votes, agreement',
  margin: 'reward margin of chosen over rejected as they stand here; reward trainers take it into their loss',
}

function columnsTable(output: Output): string {
  const { layout, signals } = output
  const side = {
    prompt: 'a list of one assistant message',
    conversations: 'the whole conversation as a list of messages',
    message: 'one assistant message',
  }[layout]
  const sides: Record<string, string> = { chosen: `the answer preferred: ${side}`, rejected: 'the other one, in the same form' }
  const model = (name: string): string =>
    name.startsWith('margin_')
      ? `reward margin of ${cell(name.slice(7))}`
      : `probability that the label is right, by ${cell(name.slice(2))}`
  const rows = trainColumns(layout, optionsOf(output)).map(({ name }) => [
    `\`${name}\``,
    sides[name] ?? COLUMNS[name] ?? (/^(p|margin)_/.test(name) ? model(name) : 'as in the ledger'),
  ])
  const turned =
    signals.length > 0 ? '\n\nAll signals but `margin` speak of the label as it came in, for flipped rows too, as in the ledger.' : ''
  return `${markdown(['column', 'meaning'], 2, rows)}${turned}`
}

/** Few tokenizers need more than a token for three bytes of text. */
const BYTES_PER_TOKEN = 3

/** A power of two of tokens that holds 99 pairs of 100. */
const maxLength = ({ pair_bytes }: Manifest): number =>
  2 ** Math.max(10, Math.ceil(Math.log2((pair_bytes?.p99 ?? 0) / BYTES_PER_TOKEN + 1)))

function lengths(manifest: Manifest): string {
  const { pair_bytes } = manifest
  if (!pair_bytes) return ''
  const { median, p99, max } = pair_bytes
  return (
    `Prompt and longer answer together have ${grouped(median)} bytes in the median, ${grouped(p99)} at the 99th percentile and ${grouped(max)} at most. ` +
    `RewardTrainer drops pairs longer than its \`max_length\` (1024 tokens unless set): ${grouped(maxLength(manifest))} should hold 99 of 100, at ${BYTES_PER_TOKEN} bytes a token. Count with your tokenizer.\n\n`
  )
}

function rebuild({ goldpan, plan_key, inputs }: Manifest): string {
  const rows = inputs.map(({ path, bytes, sha256 }) => [cell(path), grouped(bytes), `\`${sha256}\``])
  return [
    `Made by goldpan ${goldpan}; plan \`${plan_key}\`. \`manifest.json\` holds the config with every default filled in and the checksums of all inputs and outputs; \`goldpan run CONFIG --out OUT\` on the same inputs makes the same manifest, \`goldpan verify OUT\` checks this folder, \`goldpan explain OUT PAIR_ID\` tells what happened to a pair.`,
    markdown(['input', 'bytes', 'sha256'], 1, rows),
  ].join('\n\n')
}
