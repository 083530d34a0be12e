/** What a run has to do of each step, and why: which part of its key differs from the last build's. Reads the store, changes nothing. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Arranged, folders } from './arrange.ts'
import { arrangedKey, type Build, type Ingested, ingestKey, measureKey, type Shard, shardsOf, verdictKey } from './build.ts'
import { type Cause, causesOf, type Made, madeOfManifest, madeOfPlan, matchedInputs } from './causes.ts'
import type { Manifest } from './manifest.ts'
import { isIngested, isPublished } from './phases.ts'
import type { LocatedPlan, PlannedStep } from './plan.ts'

export interface Outlook {
  /** `ingest`, `measure`, the id of a step, or `files`. */
  readonly part: string
  readonly done: number
  /** Inputs, shards or files in all; undefined as long as earlier work decides how many there are. */
  readonly of: number | undefined
  readonly why: string
}

/** The last build: what it was made of, its keys, and what it is called in a sentence. */
export interface Before {
  readonly made: Made
  readonly keys: Readonly<Record<string, string>>
  readonly called: string
}

/** The build at `out`, where there is one; else the last one of this name that the store remembers. */
export function lastBuild({ plan, store }: Build, out?: string): Before | undefined {
  const manifest = out === undefined ? undefined : readJson<Manifest>(join(out, 'manifest.json'))
  const located = manifest && readJson<LocatedPlan>(join(store.root, 'plans', `${manifest.plan_key}.json`))
  if (located) return beforeOf(madeOfPlan(located.plan), located.plan.steps, `the build at ${out}`)
  if (manifest?.steps && manifest.inputs) return beforeOf(madeOfManifest(manifest), manifest.steps, `the build at ${out}`)
  for (const former of plansIn(join(store.root, 'plans')))
    if (former.plan?.name === plan.name) return beforeOf(madeOfPlan(former.plan), former.plan.steps, 'the last build of this name')
  return undefined
}

const beforeOf = (made: Made, steps: readonly { id: string; key: string }[], called: string): Before => ({
  made,
  keys: Object.fromEntries(steps.map(({ id, key }) => [id, key])),
  called,
})

/** The newest first, read one by one; no more than a few, for a plan holds what people said and may be long. */
function* plansIn(folder: string): Generator<LocatedPlan> {
  const files = readdirSync(folder)
    .filter(file => file.endsWith('.json'))
    .map(file => ({ path: join(folder, file), at: statSync(join(folder, file)).mtimeMs }))
  for (const { path } of files.sort((a, b) => b.at - a.at).slice(0, REMEMBERED)) {
    const located = readJson<LocatedPlan>(path)
    if (located) yield located
  }
}

const REMEMBERED = 50

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch {
    return undefined
  }
}

/** Every part of a build in order. */
export function outlookOf(build: Build, before: Before | undefined): Outlook[] {
  const { plan, store } = build
  const causes = before ? causesOf(before.made, madeOfPlan(plan)) : []
  const pieces = plan.inputs.flatMap((_, i) => build.piecesOf(i))
  const ingested = new Set(pieces.filter(piece => isIngested(build, piece)))
  const shards = shardsOf(pieces, piece => (ingested.has(piece) ? store.readJson<Ingested>(ingestKey(piece)) : undefined))
  const of = ingested.size === pieces.length ? shards.length : undefined
  const count = (has: (shard: Shard) => boolean): number => shards.filter(has).length
  const parts: Outlook[] = []
  const add = (part: string, done: number, all: number | undefined, why: () => string): void => {
    parts.push({ part, done, of: all, why: done === all ? '' : before ? why() : 'the first build of this name in this store' })
  }
  add('ingest', ingested.size, pieces.length, () => whyInputs(build, before!, causes))
  const hasMeasures = (step: PlannedStep, shard: Shard): boolean => step.measures.every(measure => store.has(measureKey(measure, shard)))
  const measured = count(shard => plan.steps.every(step => hasMeasures(step, shard)))
  const unmeasured = plan.steps.filter(step => shards.some(shard => !hasMeasures(step, shard))).map(({ id }) => id)
  add('measure', measured, of, () => whyMeasures(ingested.size < pieces.length, unmeasured, causes))
  for (const [i, step] of plan.steps.entries()) {
    const judged = count(shard => store.has(verdictKey(step, shard)))
    add(step.id, judged, of, () => whyStep(step, plan.steps.slice(0, i), before!, causes))
  }
  const files = parts.every(({ done, of: all }) => done === all) ? filesOf(build) : undefined
  add('files', files?.done ?? 0, files?.of, () => whyFiles(parts, causes))
  return parts
}

function filesOf(build: Build): { done: number; of: number } | undefined {
  if (!build.store.has(arrangedKey(build))) return undefined
  const { parts } = build.store.readJson<Arranged>(arrangedKey(build))
  const all = folders.flatMap((folder, f) => parts[folder].map((_, part) => isPublished(build, f, part)))
  return { done: all.filter(Boolean).length, of: all.length }
}

const CUT_OFF = 'not made yet, or no longer in the store'

function whyInputs(build: Build, { made }: Before, causes: readonly Cause[]): string {
  const { plan } = build
  const matched = matchedInputs(made.inputs, madeOfPlan(plan).inputs)
  const missing = plan.inputs.flatMap((_, j) => (build.piecesOf(j).every(piece => isIngested(build, piece)) ? [] : [j]))
  const fresh = missing.filter(j => matched[j] === undefined)
  const changed = missing.filter(j => matched[j] !== undefined && made.inputs[matched[j]].sha256 !== plan.inputs[j].sha256)
  const renamed = missing.filter(
    j => matched[j] !== undefined && !changed.includes(j) && made.inputs[matched[j]].path !== plan.inputs[j].path,
  )
  const said = [
    [fresh, 'added'],
    [changed, 'changed'],
    [renamed, 'renamed, and its name is that of its source (give it a `source:` and a new file name is no work)'],
  ] as const
  const texts = said.flatMap(([list, what]) => (list.length === 0 ? [] : [`${listed(list.map(j => plan.inputs[j].path))} ${what}`]))
  const options = causes.filter(({ what }) => what.startsWith('sources '))
  return [...texts, ...options.map(shown)].join('; ') || CUT_OFF
}

/** `missing`: ids of the steps whose measures are not all there. */
function whyMeasures(moreInputs: boolean, missing: readonly string[], causes: readonly Cause[]): string {
  const own = causes.filter(({ steps, what }) => what === 'seed' || (steps.length === 1 && missing.includes(steps[0])))
  return own.length > 0 ? listedCauses(own) : moreInputs ? 'of the inputs to ingest' : CUT_OFF
}

function whyStep(step: PlannedStep, earlier: readonly PlannedStep[], { keys }: Before, causes: readonly Cause[]): string {
  const inputs = causes.filter(({ kind, what }) => (kind === 'input' && !what.startsWith('order')) || what.startsWith('sources '))
  if (keys[step.id] === step.key) return inputs.length > 0 ? 'of the shards that are new' : CUT_OFF
  const own = causes.filter(({ steps, kind }) => steps.includes(step.id) && kind !== 'input')
  const direct = own.filter(({ what }) => !what.startsWith('sources '))
  if (direct.length > 0) return listedCauses(direct)
  const first = earlier.find(({ id, key }) => keys[id] !== key)
  const corpus = step.corpus_wide && causes.some(({ kind, what }) => kind === 'input' || what.startsWith('sources '))
  if (corpus && (!first || first.corpus_wide)) return 'it sees the whole corpus, and the inputs changed'
  return first ? `comes after ${first.id}, which changed` : CUT_OFF
}

function whyFiles(parts: readonly Outlook[], causes: readonly Cause[]): string {
  if (parts.some(({ done, of }) => done !== of)) return 'made of what is above'
  const own = causes.filter(({ kind, what }) => what.startsWith('output.') || kind === 'input' || what === 'seed')
  return own.length > 0 ? listedCauses(own) : CUT_OFF
}

const SHOWN = 3
const listed = (names: readonly string[]): string =>
  names.length <= SHOWN ? names.join(', ') : `${names.slice(0, SHOWN).join(', ')} and ${names.length - SHOWN} more`
const listedCauses = (causes: readonly Cause[]): string => listed(causes.map(shown))
const shown = ({ what, from = 'not set', to = 'not set' }: Cause): string => `${what}: ${short(from)} -> ${short(to)}`
const short = (text: string): string => (text.length > 40 ? `${text.slice(0, 39)}…` : text)
