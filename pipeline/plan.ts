import { readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { z } from 'zod'
import type { Schema } from './batch.ts'
import type { LoadedConfig, StepConfig } from './config.ts'
import type { Config, ModelConfig, OutputConfig } from './config-schema.ts'
import { hint, UserError } from './errors.ts'
import { filesOf, type NamedFile } from './files.ts'
import type { Format } from './formats/format.ts'
import { nameOf, recordedAmong } from './ingest.ts'
import type { Judged } from './judgement.ts'
import { judgementsOf } from './judgements/planned.ts'
import { keyOf } from './keys.ts'
import type { OwnStep } from './own-columns.ts'
import { type KnownStage, type OwnModule, stagesOf } from './own-stages.ts'
import { checkReads, envAfter, readsOf } from './planned-columns.ts'
import { checkExpectations } from './planned-expect.ts'
import { type Digest, type PlannedFile, plannedFile } from './planned-file.ts'
import { keyedModels, locateFolder, planModels } from './planned-models.ts'
import { checkOutput } from './planned-output.ts'
import { ownStep } from './planned-own.ts'
import { sourceFile } from './probe.ts'
import type { Env, Json, Stage } from './stage.ts'
import { VERSION } from './version.ts'

/** Bump when the same sources would give other shards. */
const INGEST_VERSION = 3

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
  /** The user's stages. */
  readonly modules?: readonly OwnModule[]
  /** What is odd about the judgement logs. */
  readonly notes?: readonly string[]
  /** Those of `expect` of whose figures only the finished build can tell whether it has them. */
  readonly open_expectations?: readonly string[]
}

/** Checks a config down to every column and file, and chains the keys. `digest` may remember what it has seen. */
export async function planOf(loaded: LoadedConfig, digest: Digest = plannedFile): Promise<LocatedPlan> {
  const { config } = loaded
  const base = dirname(resolve(loaded.path))
  const paths: Record<string, string> = {}
  const known = new Map<string, PlannedFile>()
  const named = async (files: readonly NamedFile[]): Promise<PlannedFile[]> => {
    const planned = await Promise.all(files.map(digest))
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
  for (const [i, { path, attribution, ...options }] of loaded.config.sources.entries()) {
    const files = await named(filesOf(path, base, loaded.at(['sources', i, 'path'])))
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

interface Surroundings {
  /** Every stage that the config may name. */
  readonly stages: ReadonlyMap<string, KnownStage>
  readonly base: string
  readonly named: (files: readonly NamedFile[]) => Promise<PlannedFile[]>
  /** Every file planned so far, by its shown path. */
  readonly known: ReadonlyMap<string, PlannedFile>
  /** Where each file is, by its shown path. */
  readonly paths: Readonly<Record<string, string>>
  /** Models whose scores the first rows of the inputs hold. */
  readonly recorded: () => Promise<readonly string[]>
  readonly benchmarks: readonly PlannedFile[]
  readonly models: Plan['models']
  readonly judgements: string | undefined
  readonly corpus: string
  /** Locates the folder of a model that a step's param `onnx` names, and gives the digest of its files. */
  readonly folder: (named: string, where: string) => Promise<string>
}

/** The stage that provides a column which later steps need for folds and splits. */
const CLUSTERS = { stage: 'prompt-clusters', column: 'prompt_cluster' }

async function planSteps(loaded: LoadedConfig, around: Surroundings): Promise<PlannedStep[]> {
  const models = Object.keys(around.models)
  const steps: PlannedStep[] = []
  for (const step of withClusters(loaded, around.stages, envAfter([], 0, models, [])))
    steps.push(await placed(loaded, step, () => planStep(loaded, step, steps, around)))
  return steps
}

/** A stage that refuses its params knows nothing of the config's lines. */
async function placed<T>(loaded: LoadedConfig, step: StepConfig, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof UserError) || error.message.startsWith(`${loaded.path}:`)) throw error
    const { message } = error
    const said = message.startsWith(`${step.stage}: `) ? message.slice(step.stage.length + 2) : message
    throw new UserError(`${loaded.at(step.place)}: steps.${step.id}: ${said}`)
  }
}

/** The config's steps, with prompt-clusters put in front of the first step that needs them where the config does not name it. */
function withClusters(loaded: LoadedConfig, stages: Surroundings['stages'], env: Env): StepConfig[] {
  const steps = withLicences(loaded)
  if (steps.some(s => s.stage === CLUSTERS.stage)) return steps
  const reader = steps.findIndex(step => readsClusters(step, stages, env))
  const wanted = reader >= 0 ? reader : loaded.config.output.splits.validation > 0 ? steps.length : -1
  if (wanted >= 0) steps.splice(wanted, 0, { id: CLUSTERS.stage, stage: CLUSTERS.stage, params: {}, place: ['steps'] })
  return steps
}

function readsClusters(step: StepConfig, stages: Surroundings['stages'], env: Env): boolean {
  const stage = stages.get(step.stage)?.stage
  const params = stage?.params.safeParse(step.params)
  try {
    return stage !== undefined && params?.success === true && CLUSTERS.column in readsOf(stage, params.data, env)
  } catch {
    return false // what it refuses is told when the step is planned
  }
}

/** The stage licenses, its list taken from the config; put in front where the config gives a list and does not name the stage. */
function withLicences({ config: { allow_licenses: allow }, steps }: LoadedConfig): StepConfig[] {
  const stage = 'licenses'
  if (allow === undefined) return [...steps]
  if (steps.some(s => s.stage === stage)) return steps.map(s => (s.stage === stage ? { ...s, params: { allow, ...s.params } } : s))
  return [{ id: stage, stage, params: { allow }, place: ['allow_licenses'] }, ...steps]
}

/** `before` are the steps in front of it. */
async function planStep(
  loaded: LoadedConfig,
  step: StepConfig,
  before: readonly PlannedStep[],
  around: Surroundings,
): Promise<PlannedStep> {
  const { stage, own } = knownStage(loaded, step, around)
  const parsed = stage.params.safeParse(await withBenchmarks(loaded, stage, step, around))
  if (!parsed.success) return loaded.complain(parsed.error, stage.params, step.place)
  const params = parsed.data as Json
  const located = async (path: string): Promise<PlannedFile> =>
    around.known.get(path) ?? (await around.named(filesOf(path, around.base, loaded.at(step.place))))[0]
  const files = await Promise.all((stage.files?.(params) ?? []).map(located))
  const digests = new Map(files.map(file => [file.path, `${basename(file.path)} ${file.sha256}`]))
  const { onnx = (params as NamesModel).second_look?.onnx } = params as NamesModel
  if (onnx !== undefined) digests.set(onnx, await around.folder(onnx, loaded.at([...step.place, 'onnx'])))
  const keyed = byDigest(params, digests)
  const measures = (stage.measures?.(params) ?? []).map(({ measure, params: own }) => ({
    name: measure.name,
    version: measure.version,
    params: own,
    key: keyOf('measure', measure.name, measure.version, byDigest(own, digests), loaded.config.seed),
  }))
  await checkStep(loaded, step, params, before, around)
  const readsJudgements = typeof stage.judgements === 'function' ? stage.judgements(params) : stage.judgements
  const previous = before.at(-1)
  const corpus_wide = previous?.corpus_wide === true || stage.rounds !== undefined
  const key = keyOf(
    previous?.key ?? loaded.config.seed,
    stage.name,
    stage.version,
    keyed,
    corpus_wide ? around.corpus : null,
    stage.models ? keyedModels(around.models) : null,
    measures.map(measure => measure.key),
    ...(readsJudgements && around.judgements ? [around.judgements] : []),
    ...(own ? [own.sha256] : []),
  )
  const env = envAfter(before, before.length, Object.keys(around.models), [])
  return {
    id: step.id,
    stage: stage.name,
    version: stage.version,
    params,
    files,
    measures,
    corpus_wide,
    ...(own ? { own: ownStep(loaded, step, stage, { ...own, params, env }) } : {}),
    key,
  }
}

/** Refuses a step whose columns are not there, or that refuses itself; the inputs are looked at only where the config does not tell. */
async function checkStep(
  loaded: LoadedConfig,
  step: StepConfig,
  params: Json,
  before: readonly PlannedStep[],
  { stages, models, recorded, paths }: Surroundings,
): Promise<void> {
  const env = (scored: readonly string[]): Env => envAfter(before, before.length, Object.keys(models), scored)
  try {
    checkReads(loaded, step, stages, params, env([]))
  } catch {
    checkReads(loaded, step, stages, params, env(await recorded()))
  }
  const file = (path: string): Promise<Uint8Array> => readFile(paths[path])
  const { layout } = loaded.config.output
  await stages.get(step.stage)!.stage.check?.(params, { layout, file, env: async () => env(await recorded()) })
}

function knownStage(loaded: LoadedConfig, step: StepConfig, { stages }: Surroundings): KnownStage {
  const known = stages.get(step.stage)
  if (known) return known
  const where = `${loaded.at(step.place)}: steps.${step.id}`
  throw new UserError(`${where}: unknown stage "${step.stage}"${hint(step.stage, [...stages.keys()])}`)
}

/** Params that may name the folder of an embedding model. */
type NamesModel = { readonly onnx?: string; readonly second_look?: { readonly onnx?: string } }

/** A param called `benchmarks` takes files by glob; where it is left out, the config's own. */
async function withBenchmarks(
  loaded: LoadedConfig,
  stage: Stage,
  step: StepConfig,
  around: Surroundings,
): Promise<Record<string, unknown>> {
  if (!(stage.params instanceof z.ZodObject) || !('benchmarks' in stage.params.shape)) return step.params
  const own = step.params.benchmarks
  if (!Array.isArray(own)) return { ...step.params, benchmarks: around.benchmarks.map(file => file.path) }
  const files = await around.named(own.flatMap(b => filesOf(String(b), around.base, loaded.at([...step.place, 'benchmarks']))))
  return { ...step.params, benchmarks: files.map(file => file.path) }
}

/** A param that names a file enters the key by name and digest, not by path. */
function byDigest(value: Json, digests: ReadonlyMap<string, string>): Json {
  if (typeof value === 'string') return digests.get(value) ?? value
  if (Array.isArray(value)) return value.map(v => byDigest(v as Json, digests))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, byDigest(v as Json, digests)]))
}

const resolvedConfig = (config: Config, steps: readonly PlannedStep[]): Json =>
  ({ ...config, steps: steps.map(step => ({ id: step.id, [step.stage]: step.params })) }) as unknown as Json
