/** The steps of a plan: params checked and resolved, keys chained, steps put in that others need. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { z } from 'zod'
import type { LoadedConfig, StepConfig } from './config.ts'
import { hint, UserError } from './errors.ts'
import { filesOf, type NamedFile } from './files.ts'
import { keyOf } from './keys.ts'
import type { KnownStage } from './own-stages.ts'
import type { Plan, PlannedStep } from './plan.ts'
import { checkAdds, checkReads, envAfter, readsOf } from './planned-columns.ts'
import type { PlannedFile } from './planned-file.ts'
import { keyedModels } from './planned-models.ts'
import { ownStep } from './planned-own.ts'
import type { Env, Json, Stage } from './stage.ts'

export interface Surroundings {
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

export async function planSteps(loaded: LoadedConfig, around: Surroundings): Promise<PlannedStep[]> {
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
  checkAdds(loaded, step, stages.get(step.stage)!.stage, params, env([]))
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
