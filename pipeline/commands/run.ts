import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { Build } from '../build.ts'
import { loadConfig } from '../config.ts'
import { bytesOf } from '../config-schema.ts'
import { remembered } from '../digests.ts'
import { DamagedEntry } from '../entry-file.ts'
import { PendingError } from '../errors.ts'
import type { Executor } from '../executors/executor.ts'
import { checkExpectations } from '../expect.ts'
import { refuseOwnOutput } from '../files.ts'
import { checkOut } from '../install.ts'
import type { People } from '../judgements/people.ts'
import type { Manifest } from '../manifest.ts'
import { stageOf } from '../own-stages.ts'
import { isScored } from '../phases.ts'
import { type LocatedPlan, planOf } from '../plan.ts'
import { probeInputs } from '../probe.ts'
import { openProgress, type Progress, type ProgressMode } from '../progress.ts'
import { funnelOf } from '../report/funnel.ts'
import { lookOf } from '../report/ink.ts'
import { nextText } from '../report/next.ts'
import { reportAsItIs, writeReport } from '../report/write.ts'
import { runBuild } from '../run.ts'
import { seal } from '../seal.ts'
import { Store } from '../store.ts'
import { whileWriting } from '../writing.ts'
import { collect, defaultStore, whole } from './option-values.ts'

interface Flags {
  readonly out: string
  readonly store: string
  readonly threads?: number
  readonly memory: number
  readonly progress: ProgressMode
  readonly log?: 'json'
  readonly set: readonly string[]
  readonly rehash?: boolean
  readonly json?: boolean
}

function size(text: string): number {
  const bytes = bytesOf(text)
  if (!bytes) throw new InvalidArgumentError('expected a size such as 4GiB')
  if (bytes < 2 ** 20) throw new InvalidArgumentError(`that is ${bytes} bytes; expected a size such as 4GiB`)
  return bytes
}

export const register = (program: Command): void => {
  program
    .command('run')
    .description('build training shards; goes on where a former run was cut off, and uses again what the store has')
    .argument('<config>', 'config file (YAML)')
    .requiredOption('--out <dir>', 'folder for the finished build')
    .option('--store <dir>', 'where intermediate results are kept (also GOLDPAN_STORE)', defaultStore())
    .option(
      '--threads <n>',
      'worker threads (default: one a core, none for inputs below 1 MiB); 0 = none, all in the main thread',
      whole(0, 1024),
    )
    .option('--memory <size>', 'memory to stay within; fewer threads run where it is tight', size, 4 * 2 ** 30)
    .addOption(new Option('--progress <mode>', 'how to tell of progress').choices(['auto', 'plain', 'none']).default('auto'))
    .addOption(new Option('--log <form>', 'progress as JSON lines on stderr').choices(['json']))
    .option('--set <path=value>', 'override one value of the config, such as steps.near-dup.threshold=0.7', collect, [])
    .option('--rehash', 'read every input again, also those that look as they did when their digests were taken')
    .option('--json', 'print the totals as JSON')
    .addHelpText('after', '\nExample: goldpan run configs/quickstart.yaml --out out/quickstart')
    .action(run)
}

async function run(config: string, flags: Flags): Promise<void> {
  const loaded = loadConfig(config, flags.set)
  checkOut(flags.out, flags.store)
  refuseOwnOutput(flags.out, loaded)
  const progress = openProgress(flags.progress, flags.log === 'json')
  const located = await planOf(loaded, remembered(flags.store, flags.rehash === true))
  await probeInputs(located, flags.store, progress)
  await tryUnlessScored(located, flags.store)
  await whileWriting(flags.out, () => buildAndTell(config, flags, located, progress))
}

/** A stage of the user's that ends the process must not make it look done. */
async function toItsEnd<T>(work: Promise<T>): Promise<T> {
  const tell = (code: number): void => {
    if (code !== 0) return
    console.error('goldpan: something ended the process before the build was done: a stage of your own that calls process.exit?')
    process.exitCode = 2
  }
  process.once('exit', tell)
  return work.finally(() => process.off('exit', tell))
}

async function buildAndTell(config: string, flags: Flags, located: LocatedPlan, progress: Progress): Promise<void> {
  const { threads, memory: memory_bytes, store, out } = flags
  for (const note of located.notes ?? []) console.error(note)
  const rehash = flags.rehash === true
  const options = { config, set: flags.set, out, store, threads, memory_bytes, rehash, progress, started: stopOnSignal }
  const { manifest, notes, unchanged } = await toItsEnd(runBuild(located, options))
  for (const note of notes) console.error(note)
  if (unchanged) progress.note(`${out}: holds this very build already; nothing was written but run.json`)
  const { people, report } = (unchanged ? reportAsItIs(out) : undefined) ?? (await writeReport(out))
  const look = lookOf(process.stdout)
  if (people) recordPeople(out, people)
  if (flags.json) console.log(JSON.stringify(manifest.totals, null, 2))
  else console.log(`${funnelOf(manifest, out, look)}\n\n${nextText(report, out, look)}`)
  tellUnknown(manifest)
  checkExpectations(manifest, out)
  if (manifest.totals.review > 0 && !located.plan.output.publish_without_review)
    throw new PendingError(
      `${manifest.totals.review} pairs wait for people in ${join(out, 'review')}; all else is published. To judge them: goldpan review ${out}; then run again. To end without them: output.publish_without_review: true`,
    )
}

/** Tries no model where the store holds all that one would be asked for. */
async function tryUnlessScored(located: LocatedPlan, root: string): Promise<void> {
  const { plan, paths } = located
  if (!plan.steps.some(step => stageOf(step)?.models) || Object.keys(plan.models).length === 0) return
  if (existsSync(join(root, 'objects')) && scoredIn(located, root)) return
  const { tryModels } = await import('../scorers/open.ts')
  await tryModels(plan.models, { paths, store: { root } }, line => console.error(line))
}

/** A damaged entry is mended by the run itself. */
function scoredIn(located: LocatedPlan, root: string): boolean {
  try {
    return isScored(new Build(located, new Store(root)))
  } catch (error) {
    if (error instanceof DamagedEntry) return false
    throw error
  }
}

/** What people said goes into run.json too: their log may have grown before anybody looks. */
function recordPeople(out: string, people: People): void {
  const file = join(out, 'run.json')
  const report = JSON.parse(readFileSync(file, 'utf8')) as object
  writeFileSync(`${file}.new`, `${JSON.stringify({ ...report, people }, null, 2)}\n`)
  renameSync(`${file}.new`, file)
  seal(out)
}

function tellUnknown({ judgements }: Manifest): void {
  if (judgements && judgements.unknown_pairs > 0)
    console.error(
      `judgements: ${judgements.unknown_pairs} of ${judgements.pairs} judged pairs are in no input (another corpus, or a text has changed); their answers are not used`,
    )
}

/** The first Ctrl-C lets running tasks end; what they commit is there for the next run. The second ends at once. */
function stopOnSignal(executor: Executor): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      console.error(`goldpan: ${signal}: letting running tasks end; run again to go on from here (once more to stop at once)`)
      executor.stop()
      process.once(signal, () => process.exit(130))
    })
}
