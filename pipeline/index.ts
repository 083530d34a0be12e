/** What `import ... from 'goldpan'` gives: the command line's plan and run as functions, and the vocabulary of stages. */
import { loadConfig } from './config.ts'
import { remembered } from './digests.ts'
import { checkExpectations } from './expect.ts'
import { refuseOwnOutput } from './files.ts'
import { checkOut } from './install.ts'
import type { Manifest } from './manifest.ts'
import { type LocatedPlan, type Plan, planOf } from './plan.ts'
import { probeInputs } from './probe.ts'
import { openProgress, type ProgressMode } from './progress.ts'
import { writeReport } from './report/write.ts'
import { runBuild } from './run.ts'
import { whileWriting } from './writing.ts'

export { z } from 'zod'
export {
  type Batch,
  batchOf,
  type Column,
  type Columns,
  columnsOf,
  hexAt,
  isValid,
  type Schema,
  stringAt,
  type Turns,
  textsOf,
  turnsOf,
  type Utf8,
  utf8Of,
} from './batch.ts'
export { ExpectationError, PendingError, UserError } from './errors.ts'
export { laws, lawsOf } from './laws/laws.ts'
export { type PairInput, pairsOf } from './laws/pairs.ts'
export type { Manifest } from './manifest.ts'
export { pairFacts, pairTexts } from './pair.ts'
export type { Plan } from './plan.ts'
export { type Context, defineMeasure, defineStage, type Measure, type Round, type Stage, type Verdict } from './stage.ts'

export interface PlanOptions {
  /** Where intermediate results are kept; `.goldpan/store` by default. */
  readonly store?: string
  /** Values that override those of the config, such as `steps.near-dup.threshold=0.7`. */
  readonly set?: readonly string[]
}

export interface BuildOptions extends PlanOptions {
  /** Folder of the finished build. */
  readonly out: string
  /** Worker threads, 0 = none; by default one a core, and none for inputs below 1 MiB. */
  readonly threads?: number
  /** Bytes to stay within; 4 GiB by default. */
  readonly memory_bytes?: number
  readonly progress?: ProgressMode
}

const STORE = '.goldpan/store'

/** What a config asks for, checked down to every column and file. Throws UserError where it cannot be done. */
export async function plan(config: string, { store = STORE, set = [] }: PlanOptions = {}): Promise<Plan> {
  return (await located(config, store, set)).plan
}

/**
 * Builds, or goes on where a former build was cut off. Pairs that wait for people are counted in the manifest; they are no error here. A build
 * that fails a check of `expect` is there all the same, marked UNPUBLISHED, and ExpectationError says which.
 */
export async function build(config: string, options: BuildOptions): Promise<Manifest> {
  const { out, store = STORE, set = [], threads, memory_bytes = 4 * 2 ** 30, progress = 'none' } = options
  checkOut(out, store)
  refuseOwnOutput(out, loadConfig(config, set))
  const shown = openProgress(progress, false)
  const planned = await located(config, store, set)
  await probeInputs(planned, store, shown)
  return whileWriting(out, async () => {
    const { manifest } = await runBuild(planned, { config, set, out, store, threads, memory_bytes, progress: shown })
    await writeReport(out)
    checkExpectations(manifest, out)
    return manifest
  })
}

const located = (config: string, store: string, set: readonly string[]): Promise<LocatedPlan> =>
  planOf(loadConfig(config, set), remembered(store, false))
