/** Runs a plan to its end: phase after phase on an executor, then the finished files into the output folder. */
import { availableParallelism, cpus, hostname, totalmem } from 'node:os'
import { resolve } from 'node:path'
import { inputCounts, manifestOf } from './accounts.ts'
import { Build, fileKey } from './build.ts'
import { UserError } from './errors.ts'
import type { Executor } from './executors/executor.ts'
import { inline } from './executors/inline.ts'
import { threads } from './executors/threads.ts'
import { isInPlace, renewRun } from './in-place.ts'
import { install } from './install.ts'
import type { Manifest } from './manifest.ts'
import { lastBuild, outlookOf } from './outlook.ts'
import { highest, peakDuring } from './peak-memory.ts'
import { type Phase, phases } from './phases.ts'
import type { LocatedPlan, Plan } from './plan.ts'
import type { Progress } from './progress.ts'
import { outlookLines } from './report/plan-text.ts'
import { bytesText } from './report/table.ts'
import { isStore, Store } from './store.ts'
import { untilWhole } from './store-care/repair.ts'
import { use } from './store-care/usage.ts'
import { VERSION } from './version.ts'

export interface RunOptions {
  /** The config file, so that commands on the finished build find what it names. */
  readonly config?: string
  /** Values that override those of the config file, for whoever runs it again. */
  readonly set?: readonly string[]
  readonly out: string
  readonly store: string
  /** Worker threads, 0 = none; by default one a core, and none for small inputs. */
  readonly threads?: number
  readonly memory_bytes: number
  /** Whether files are read again that look as they did when their digests were taken. */
  readonly rehash?: boolean
  readonly progress: Progress
  /** Called with the executor once there is one, for whoever must stop it. */
  readonly started?: (executor: Executor) => void
}

export interface PhaseTime {
  readonly phase: string
  readonly tasks: number
  readonly reused: number
  readonly rows: number
  readonly seconds: number
  readonly cpu_seconds: number
  /** Bytes that the process held at most meanwhile; not there where no task ran. */
  readonly peak_rss_bytes?: number
}

export interface Ran {
  readonly manifest: Manifest
  readonly times: readonly PhaseTime[]
  readonly notes: readonly string[]
  /** Whether the output folder held this very build, so that nothing was written. */
  readonly unchanged: boolean
}

/** Base of the process, and what a worker holds at most: a block of text with its tokens, a partition, or a row group being written. */
const BASE_BYTES = 256 * 2 ** 20
const WORKER_BYTES = 320 * 2 ** 20

/** How many workers fit into the memory that the user allows. */
const widthWithin = (wanted: number, memory_bytes: number): number =>
  Math.max(1, Math.min(wanted, Math.floor((memory_bytes - BASE_BYTES) / WORKER_BYTES)))

/** Less than this is done sooner without workers: the quickstart takes 5.4 CPU s, with two workers, which load and warm up on their own, 8.0. */
const SMALL_INPUT = 2 ** 20

function usualThreads({ inputs, models }: Plan): number {
  const small = inputs.reduce((sum, { bytes }) => sum + bytes, 0) < SMALL_INPUT
  return small && Object.keys(models).length === 0 ? 0 : availableParallelism()
}

/** Writes the plan where every worker finds it, runs what the store lacks, and installs the result at `out`. */
export async function runBuild(located: LocatedPlan, options: RunOptions): Promise<Ran> {
  const begun = new Date()
  const clock = stopwatch()
  const build = new Build(located, new Store(options.store))
  const before = lastBuild(build, options.out)
  const note = (line: string): void => options.progress.note(line)
  const outlook = await untilWhole(build.store, note, () => outlookOf(new Build(located, build.store), before))
  for (const line of outlookLines(outlook, before)) note(line)
  if (options.memory_bytes < BASE_BYTES + WORKER_BYTES)
    note(
      `memory: ${bytesText(options.memory_bytes)} is less than one worker may take; this run can take up to ${bytesText(BASE_BYTES + WORKER_BYTES)}`,
    )
  build.writePlan(located)
  const ended = use(options.store, `goldpan run --out ${options.out}`)
  const wanted = options.threads ?? usualThreads(located.plan)
  const executor = wanted === 0 ? inline(build) : threads(build, widthWithin(wanted, options.memory_bytes))
  options.started?.(executor)
  try {
    return await untilWhole(build.store, note, async () => {
      const fresh = new Build(located, build.store)
      const { times, written } = await onePass(fresh, options.progress, executor)
      const manifest = manifestOf(fresh)
      const report = {
        ...runReport(begun, clock(), times, executor, fresh.corpus().text_bytes),
        ...(options.config ? { config: resolve(options.config) } : {}),
        ...(options.set && options.set.length > 0 ? { set: options.set } : {}),
      }
      const { store, rehash = false } = options
      const unchanged = times.every(({ tasks }) => tasks === 0) && (await isInPlace(manifest, options.out, { store, rehash }))
      if (unchanged) renewRun(options.out, report)
      else await install(fresh, manifest, report, options.out, written)
      fresh.store.touchUsed()
      const notes = inputCounts(fresh).flatMap((input, i) => input.notes.map(note => `${located.plan.inputs[i].path}: ${note}`))
      return { manifest, times, notes, unchanged }
    })
  } catch (error) {
    if (!isStore(options.store)) throw new UserError(`${options.store}: the store was taken away while the build worked with it; run again`)
    throw error
  } finally {
    options.progress.end()
    await executor.close()
    ended()
  }
}

/** `written`: keys of the files that were published. */
async function onePass(build: Build, progress: Progress, executor: Executor): Promise<{ times: PhaseTime[]; written: Set<string> }> {
  const times: PhaseTime[] = []
  const written = new Set<string>()
  for (const phase of phases(build)) {
    times.push(await runPhase(phase, progress, executor))
    for (const task of phase.tasks) {
      const [kind, folder, part] = task.split('/')
      if (kind === 'publish') written.add(fileKey(build, Number(folder), Number(part)))
    }
  }
  return { times, written }
}

async function runPhase({ name, tasks, of }: Phase, progress: Progress, executor: Executor): Promise<PhaseTime> {
  const clock = stopwatch()
  let rows = 0
  const work = (): Promise<void> =>
    executor.run(name, tasks, (_, report) => {
      rows += report.rows
      progress.tick(report.rows, report.dropped ?? 0)
    })
  if (tasks.length > 0) progress.phase(name, tasks.length)
  const peak = tasks.length > 0 ? { peak_rss_bytes: await peakDuring(work) } : {}
  return { phase: name, tasks: tasks.length, reused: of - tasks.length, rows, ...clock(), ...peak }
}

function stopwatch(): () => { seconds: number; cpu_seconds: number } {
  const start = performance.now()
  const cpu = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(cpu)
    return { seconds: round(performance.now() - start), cpu_seconds: round((user + system) / 1000) }
  }
}

const round = (ms: number): number => Math.round(ms) / 1000

function runReport(
  begun: Date,
  total: { seconds: number; cpu_seconds: number },
  times: readonly PhaseTime[],
  executor: Executor,
  text_bytes: number,
): object {
  return {
    goldpan: VERSION,
    text_bytes,
    started: begun.toISOString(),
    ...total,
    peak_rss_bytes: highest(),
    threads: executor.width,
    host: { name: hostname(), cpu: cpus()[0]?.model, cores: cpus().length, memory_bytes: totalmem(), node: process.version },
    phases: times.map(t => ({ ...t, rows_per_second: t.seconds > 0 ? Math.round(t.rows / t.seconds) : null })),
  }
}
