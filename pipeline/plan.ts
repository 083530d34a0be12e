import { realpathSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { atOnce } from './at-once.ts'
import type { Schema } from './batch.ts'
import type { LoadedConfig } from './config.ts'
import type { Config, ModelConfig, OutputConfig } from './config-schema.ts'
import { UserError } from './errors.ts'
import { filesOf, type NamedFile } from './files.ts'
import type { Format } from './formats/format.ts'
import { recordedAmong } from './ingest.ts'
import type { Judged } from './judgement.ts'
import { judgementsOf } from './judgements/planned.ts'
import { keyOf } from './keys.ts'
import type { OwnStep } from './own-columns.ts'
import { type OwnModule, stagesOf } from './own-stages.ts'
import { envAfter } from './planned-columns.ts'
import { checkExpectations } from './planned-expect.ts'
import { type Digest, type PlannedFile, plannedFile } from './planned-file.ts'
import { locateFolder, planModels } from './planned-models.ts'
import { checkOutput } from './planned-output.ts'
import { planSteps } from './planned-steps.ts'
import { sourceFile } from './probe.ts'
import { nameOf } from './reading.ts'
import type { Json } from './stage.ts'
import { VERSION } from './version.ts'

/** Bump when the same sources would give other shards. */
const INGEST_VERSION = 10

/** One input file with how to read it. */
export interface PlannedInput extends PlannedFile {
  readonly key: string
  readonly format: Format
  readonly source?: string
  readonly license?: string
  readonly label_kind?: string
  readonly attribution?: string
  readonly priority: number
  readonly limit?: number
  readonly scores: boolean
  readonly pairs: 'all' | 'best'
  readonly min_gap: number
  readonly shown_first: string
}

export interface PlannedMeasure {
  readonly name: string
  readonly version: number
  readonly params: Json
  readonly key: string
}

export interface PlannedStep {
  readonly id: string
  readonly stage: string
  readonly version: number
  readonly params: Json
  readonly files: readonly PlannedFile[]
  readonly measures: readonly PlannedMeasure[]
  /** Whether this step sees the whole corpus, or comes after one that does. */
  readonly corpus_wide: boolean
  /** Where the stage is the user's. */
  readonly own?: OwnStep
  readonly key: string
}

/** The judgement logs of a plan; `digest` names what their answers come to, so that a log written otherwise is no change. */
export interface PlannedJudgements {
  readonly files: readonly PlannedFile[]
  readonly digest: string
  readonly answers: number
  readonly pairs: number
  readonly annotators: number
}

export interface Plan {
  readonly goldpan: string
  readonly name: string
  readonly seed: number
  readonly inputs: readonly PlannedInput[]
  readonly models: Readonly<Record<string, ModelConfig & { digest: string }>>
  readonly judgements?: PlannedJudgements
  readonly steps: readonly PlannedStep[]
  readonly output: OutputConfig
  readonly expect: readonly string[]
  readonly config: Json
  readonly key: string
}

/** A plan, where its files are on this machine, and what people said by pair_id. */
export interface LocatedPlan {
  readonly plan: Plan
  readonly paths: Readonly<Record<string, string>>
  readonly judged?: Readonly<Record<string, Judged>>
  /** Sizes that tests make small: of parts of a file, and of a window of `arrange`. */
  readonly sizes?: { readonly part_bytes?: number; readonly window_bytes?: number }
  /** The user's stages. */
  readonly modules?: readonly OwnModule[]
  /** What is odd about the judgement logs. */
  readonly notes?: readonly string[]
  /** Those of `expect` of whose figures only the finished build can tell whether it has them. */
  readonly open_expectations?: readonly string[]
}

/** Files that are hashed at once: a system may allow a process no more than 1,024 open ones. */
const FILES_AT_ONCE = 16

/** Checks a config down to every column and file, and chains the keys. `digest` may remember what it has seen. */
export async function planOf(loaded: LoadedConfig, digest: Digest = plannedFile): Promise<LocatedPlan> {
  const { config } = loaded
  const base = dirname(resolve(loaded.path))
  const paths: Record<string, string> = {}
  const known = new Map<string, PlannedFile>()
  const named = async (files: readonly NamedFile[]): Promise<PlannedFile[]> => {
    const planned = await atOnce(FILES_AT_ONCE, files, digest)
    for (const [i, file] of files.entries()) {
      paths[file.shown] = file.path
      known.set(file.shown, planned[i])
    }
    return planned
  }
  const inputs = await planInputs(loaded, base, named)
  const benchmarks = await named(config.benchmarks.flatMap((b, i) => filesOf(b, base, loaded.at(['benchmarks', i]))))
  const models = await planModels(loaded, base, paths, digest)
  const people = await judgementsOf(loaded, base, digest)
  const judgements = people?.planned
  const { known: stages, modules } = await stagesOf(loaded)
  const recorded = lazily(() => recordedAmong(inputs.map(input => sourceFile(input, paths))))
  const steps = await planSteps(loaded, {
    stages,
    base,
    named,
    paths,
    recorded,
    known,
    benchmarks,
    models,
    judgements: judgements?.digest,
    corpus: keyOf('corpus', ...inputs.map(i => i.key)),
    folder: (onnx, where) => locateFolder(onnx, base, where, paths, digest),
  })
  const added = (scored: readonly string[]): Schema => envAfter(steps, steps.length, Object.keys(models), scored).upstream
  await checkOutput(loaded, steps, added, recorded)
  const open_expectations = checkExpectations(loaded, inputs, steps)
  const body = {
    goldpan: VERSION,
    name: config.name,
    seed: config.seed,
    inputs,
    models,
    ...(judgements ? { judgements } : {}),
    steps,
    output: config.output,
    expect: config.expect,
  }
  const resolved = resolvedConfig(config, steps)
  const plan: Plan = { ...body, config: resolved, key: keyOf(body as unknown as Json, resolved) }
  return {
    plan,
    paths,
    ...(modules.length > 0 ? { modules } : {}),
    ...(people ? { judged: people.judged, notes: people.notes } : {}),
    ...(open_expectations.length > 0 ? { open_expectations } : {}),
  }
}

function lazily<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined
  return () => (done ??= work())
}

async function planInputs(
  loaded: LoadedConfig,
  base: string,
  named: (files: readonly NamedFile[]) => Promise<PlannedFile[]>,
): Promise<PlannedInput[]> {
  const inputs: PlannedInput[] = []
  const read = new Map<string, Read>()
  for (const [i, { path, attribution, ...options }] of loaded.config.sources.entries()) {
    const where = loaded.at(['sources', i, 'path'])
    const found = filesOf(path, base, where)
    for (const file of found) refuseTwice(read, file, { place: i, name: options.source }, where)
    const files = await named(found)
    for (const file of files)
      inputs.push({
        ...file,
        ...options,
        ...(attribution === undefined ? {} : { attribution }),
        key: keyOf('ingest', INGEST_VERSION, file.sha256, options as Json, options.source ? null : nameOf(file.path)),
      })
  }
  return inputs
}

/** A source of the config that reads a file, and the name that it gives to its pairs. */
interface Read {
  readonly place: number
  readonly name?: string
}

/** A file that two sources read would count twice, unless each gives it a name of its own. `read`: by places on disk. */
function refuseTwice(read: Map<string, Read>, { shown, path }: NamedFile, by: Read, where: string): void {
  const real = realpathSync(path)
  const before = read.get(real)
  if (before && !(before.name && by.name && before.name !== by.name))
    throw new UserError(
      `${where}: ${shown}: sources.${before.place} reads this file already, and its pairs would count twice; name it once, or give each a \`source\` of its own`,
    )
  read.set(real, by)
}

const resolvedConfig = (config: Config, steps: readonly PlannedStep[]): Json =>
  ({ ...config, steps: steps.map(step => ({ id: step.id, [step.stage]: step.params })) }) as unknown as Json
