/** A plan in words: what `goldpan plan` prints. */
import { PART_BYTES } from '../build.ts'
import type { Curve } from '../commands/plan.ts'
import type { Before, Outlook } from '../outlook.ts'
import { stageOf } from '../own-stages.ts'
import { pairTexts } from '../pair.ts'
import type { LocatedPlan } from '../plan.ts'
import { readsOf } from '../planned-columns.ts'
import { type Declared, type Env, schemaOf } from '../stage.ts'
import { bytesText, grouped, tableOf } from './table.ts'

/** What is left to do, and the last build that it is compared with. */
export interface Work {
  readonly outlook: readonly Outlook[]
  readonly before: Before | undefined
}

export function describePlan({ plan, open_expectations = [] }: LocatedPlan, { outlook, before }: Work, curves: readonly Curve[]): string {
  const bytes = plan.inputs.reduce((n, i) => n + i.bytes, 0)
  return [
    `${plan.name}: plan ${plan.key}, seed ${plan.seed}`,
    '',
    `inputs: ${plan.inputs.length} files, ${bytesText(bytes)}`,
    ...plan.inputs.map(inputLine),
    '',
    'steps:',
    ...stepLines(plan),
    '',
    ...curves.flatMap(curveLines),
    ...(plan.judgements
      ? [
          `people: ${plan.judgements.answers} answers of ${plan.judgements.annotators} annotators on ${plan.judgements.pairs} pairs, in ${plan.judgements.files.length} logs`,
        ]
      : []),
    `models: ${modelsText(plan.models)}`,
    `disk: about ${bytesText(Math.round(estimate(plan)))} in the store for inputs that expand ${EXPANSION}x; memory: --memory bounds it (default 4GiB)`,
    `output: ${plan.output.format}, layout ${plan.output.layout}, ${bytesText(plan.output.shard_bytes)} of text a shard${plan.output.shuffle ? ', shuffled' : ''}, validation ${plan.output.splits.validation}`,
    ...(plan.expect.length > 0
      ? [`expect: ${plan.expect.length} checks on the finished build, exit code 4 if one fails${openText(open_expectations)}`]
      : []),
    '',
    ...outlookLines(outlook, before),
  ].join('\n')
}

const FROM_THE_START = /\.(gz|zst|json|arrows?|feather|ipc)$/i

function inputLine({ path, bytes, limit, priority }: LocatedPlan['plan']['inputs'][number]): string {
  const alone =
    bytes >= 2 * PART_BYTES && FROM_THE_START.test(path) ? ', read by one worker; plain JSONL or Parquet would be read by all' : ''
  return `  ${path}  ${bytesText(bytes)}${limit ? `, first ${limit} rows` : ''}${priority ? `, priority ${priority}` : ''}${alone}`
}

const openText = (open: readonly string[]): string =>
  open.length === 0 ? '' : `; whether it has these figures shows only then: ${open.join('; ')}`

/** A line for each part of the build: how much of it the store has, and why the rest is to be made. */
export function outlookLines(outlook: readonly Outlook[], before: Before | undefined): string[] {
  if (outlook.every(({ done, of }) => done === of))
    return ['work: none, everything is in the store; a run would only write the output folder']
  if (!before) return ['work: all of it; this is the first build of this name in this store']
  const rows = outlook.map(({ part, done, of, why }) => [`  ${part}`, workText(done, of), why])
  return [`work, compared with ${before.called}:`, ...tableOf(['', '', ''], rows).split('\n').slice(1)]
}

function workText(done: number, of: number | undefined): string {
  if (done === of) return 'as it is'
  if (done === 0) return 'to do'
  return of === undefined ? `${grouped(done)} there, more to do` : `${grouped(done)} of ${grouped(of)} there`
}

/** Gzipped JSONL of conversations to the store's columns, with measures: seen on real data. */
const EXPANSION = 5
const estimate = (plan: LocatedPlan['plan']): number =>
  plan.inputs.reduce((n, i) => n + i.bytes * (/\.(gz|zst|parquet)$/.test(i.path) ? EXPANSION : 1.5), 0)

function stepLines(plan: LocatedPlan['plan']): string[] {
  let env: Env = { models: Object.keys(plan.models), recorded: [], upstream: {} }
  return plan.steps.flatMap(step => {
    const stage = stageOf(step)!
    const adds = schemaOf(stage.adds as Declared<unknown>, step.params, env)
    const reads = Object.keys(readsOf(stage, step.params, env))
    const texts = reads.filter(name => name in pairTexts)
    env = { ...env, upstream: { ...env.upstream, ...adds } }
    const passes =
      texts.length > 0
        ? `another pass over the text (${texts.join(', ')})`
        : step.measures.length > 0
          ? 'measured in the first pass over the text'
          : 'no text'
    return [
      `  ${step.id}${step.id === step.stage ? '' : ` (${step.stage})`}: ${stage.doc}${step.own ? ` (from ${step.own.path})` : ''}`,
      `      ${stage.rounds ? `corpus-wide, ${stage.rounds.length} exchange${stage.rounds.length > 1 ? 's' : ''}` : 'row by row'}; ${passes}; adds ${Object.keys(adds).join(', ') || 'nothing'}`,
    ]
  })
}

const curveLines = ({ step, bands, rows, threshold, recall, points }: Curve): string[] => [
  `${step}: ${bands} bands x ${rows} rows, ${recall === undefined ? 'as given' : `chosen for a mean recall of ${recall} from ${threshold} half-way to 1`}; chance that two pairs of a Jaccard similarity are compared:`,
  `  J ${points.map(([j]) => j.toFixed(2).padStart(8)).join('')}`,
  `  P ${points.map(([, p]) => p.toFixed(4).padStart(8)).join('')}`,
  '',
]

/** What is asked of servers depends on what the store holds; a pair costs two calls at most of a model that takes single texts. */
function modelsText(models: LocatedPlan['plan']['models']): string {
  const names = Object.entries(models).map(([name, model]) =>
    'http' in model ? `${name} at ${model.http} (two texts a pair, each sent once)` : name,
  )
  const local = Object.values(models).every(model => !('http' in model))
  return `${names.join(', ') || 'the built-in ones'}${local ? '; calls to servers: 0, cost: 0' : ''}`
}
