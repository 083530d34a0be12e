/** A config in words: what was seen as comments, what was not certain as questions, and steps that run as they are. */
import { bytesText, grouped } from '../report/table.ts'
import { MANY_RESPONSES, type Pairs, type Seen } from './look.ts'

/** A file, or shards of one table, as the config names them. */
export interface Found {
  /** Relative to the config. */
  readonly named: string
  readonly files: number
  readonly bytes: number
  readonly seen: Seen
}

export function configText(name: string, found: readonly Found[]): string {
  const of = (role: Seen['role']): Found[] => found.filter(({ seen }) => seen.role === role)
  const [sources, benchmarks, neither] = [of('source'), of('benchmark'), of('neither')]
  const pairs = sources.reduce((n, { seen, files }) => n + (seen.pairs?.count ?? 0) * files, 0)
  return `${[
    '# Written by `goldpan init` after a look at the first rows of each file. What it was not certain of is marked with "?".',
    '# Next: goldpan plan CONFIG shows what would run; goldpan stages NAME tells what a step does.',
    `name: ${name}`,
    'seed: 42',
    '',
    'sources:',
    ...sources.flatMap(sourceLines),
    '',
    ...benchmarkLines(benchmarks, neither),
    ...(neither.length > 0
      ? ['# Not used:', ...neither.flatMap(({ named, seen }) => [`#   ${oneLine(named)}: ${seen.unsure.map(oneLine).join('; ')}`]), '']
      : []),
    ...stepLines(benchmarks.length > 0, pairs),
  ].join('\n')}\n`
}

function sourceLines({ named, files, bytes, seen }: Found): string[] {
  const pairs = seen.pairs!
  const { format } = pairs
  return [
    `  # ${[describeSize(seen, files, bytes), `${format} rows`, ...languagesText(pairs), ...countsText('licence', pairs.licenses), ...countsText('label kind', pairs.label_kinds)].map(oneLine).join('; ')}`,
    ...(pairs.ties > 0
      ? [`  # ${grouped(pairs.ties)} of the ${grouped(pairs.count)} pairs looked at are ties, which are kept out of train`]
      : []),
    ...seen.unsure.map(text => `  # ? ${oneLine(text)}`),
    `  - path: ${quoted(named)}`,
    `    format: ${format}`,
    ...('' in pairs.sources && files > 1
      ? [`    source: ${quoted(tableName(named))}  # its rows name none, and each file would be a source of its own`]
      : []),
    ...('' in pairs.licenses ? ['    # license: MIT'] : []),
    ...('' in pairs.label_kinds ? [kindLine(pairs)] : []),
    ...(format === 'scored' ? [`    pairs: ${pairs.responses > MANY_RESPONSES ? 'best' : 'all'}`] : []),
    ...(pairs.probabilities ? ['    scores: false'] : []),
    `    priority: ${priority(pairs)}`,
  ]
}

const oneLine = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
/** JSON is YAML; a name without special characters needs no quotes. */
const quoted = (text: string): string =>
  /^[A-Za-z0-9_./*-]*[A-Za-z0-9*]$/.test(text) && /^[A-Za-z0-9_./]/.test(text) ? text : JSON.stringify(text)
const tableName = (glob: string): string =>
  glob
    .split('/')
    .at(-1)!
    .split(/[-_.]?\*/)[0] || 'shards'

export function describeSize({ rows, whole, container, compression }: Seen, files: number, bytes: number): string {
  const counted = files > 1 ? `${grouped(files)} files` : whole ? `${grouped(rows)} rows` : `over ${grouped(rows)} rows`
  const packed = compression && compression !== 'none' ? `, ${compression}` : ''
  return `${counted}, ${bytesText(bytes)}${container ? ` (${container}${packed})` : ''}`
}

export const languagesText = ({ languages }: Pairs): string[] => {
  const names = Object.entries(languages).map(([name, share]) => (share > 0.97 ? name : `${name} ${Math.round(100 * share)} %`))
  return names.length > 0 ? [names.slice(0, 4).join(', ')] : []
}

function countsText(what: string, counts: Readonly<Record<string, number>>): string[] {
  const names = Object.keys(counts).filter(name => name !== '')
  return names.length > 0
    ? [
        `${what} ${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}${'' in counts ? ' in some rows' : ''}`,
      ]
    : []
}

/** People where rows hold votes or picks of annotators, or are of a format that only people make; else the claim that costs least. */
function kindLine({ format, votes, annotators }: Pairs): string {
  if (votes > 0 || annotators > 0) return '    label_kind: human  # ? it holds votes of annotators'
  return format === 'hh' || format === 'arena'
    ? `    label_kind: human  # ? ${format} rows mostly are`
    : '    label_kind: ai  # ? human | human_derived | ai | implicit'
}

/** Of duplicates the better founded label survives. */
function priority({ label_kinds, votes, annotators, format }: Pairs): number {
  if ('human' in label_kinds) return 20
  if ('human_derived' in label_kinds) return 10
  const said = Object.keys(label_kinds).some(kind => kind !== '')
  return !said && (votes > 0 || annotators > 0 || format === 'hh' || format === 'arena') ? 20 : 0
}

function benchmarkLines(benchmarks: readonly Found[], neither: readonly Found[]): string[] {
  const prompts = neither.some(({ seen }) => seen.unsure.some(text => text.startsWith('prompts without')))
  if (benchmarks.length === 0)
    return ['# ? No benchmark was found. Name the test sets that training data must not contain: rows {benchmark, id, text}.', `# benchmarks: [${prompts ? quoted(neither.find(({ seen }) => seen.unsure[0].startsWith('prompts without'))!.named) : 'benchmarks/*.jsonl'}]`, ''] // biome-ignore format: three lines of the config
  return [
    '# What the training data must not contain.',
    'benchmarks:',
    ...benchmarks.flatMap(({ named, files, bytes, seen }) => [
      ...seen.unsure.map(text => `  # ? ${oneLine(text)}`),
      `  - ${quoted(named)}  # ${describeSize(seen, files, bytes)}`,
    ]),
    '',
  ]
}

const SMALL = 1000

function stepLines(decontaminate: boolean, pairs: number): string[] {
  return [
    'steps:',
    '  - structure                    # empty or identical sides, prompts that do not end with the user',
    '  - exact-dedup                  # the same triple; with its sides exchanged it is a conflict of labels',
    '  - near-dup: { threshold: 0.8 } # prompt, chosen and rejected each at least this similar',
    ...(decontaminate ? ['  - decontaminate                # pairs that hold a benchmark item go to quarantine'] : []),
    '  - style-bias: { action: reweight } # what length and Markdown alone say of the labels; the models take it into account',
    '  - score                        # built-in reward models, cross-fitted; name your own under `models`',
    '  - disagreement                 # calibrated probabilities of the labels, and their spread',
    `  - verification-sample: { budget: ${pairs < SMALL ? 40 : 200} } # pairs that people are asked about`,
    '  - decide                       # keep, send to review, drop; turn labels once people have checked ten turns',
    '  - style-bias: { action: reweight } # again: what decide keeps leans on style more than what came to it',
    '',
    'output:',
    '  format: parquet                # parquet | arrow | jsonl',
    '  layout: prompt                 # prompt | conversations | message',
    `  splits: { validation: ${pairs < SMALL ? 0.05 : 0.02} }   # by cluster of near-duplicate prompts`,
    '  signals: [p_mean, disagreement, style_p]',
    '  publish_without_review: true   # pairs that wait for people are simply not in train; false = end with exit code 3 instead',
  ]
}
