/** What two builds were made of, compared: every difference with its old and new value, and the steps into whose keys it enters. */
import { canonical } from './keys.ts'
import type { Manifest } from './manifest.ts'
import { stageOf } from './own-stages.ts'
import type { Plan } from './plan.ts'
import type { Json } from './stage.ts'

interface NamedBytes {
  readonly path: string
  readonly sha256: string
}

/** What a plan and a manifest both tell of how a build is made. */
export interface Made {
  readonly goldpan: string
  readonly config: Json
  readonly inputs: readonly (NamedBytes & { readonly pairs?: number })[]
  readonly steps: readonly {
    readonly id: string
    readonly stage: string
    readonly version: number
    readonly params: Json
    readonly files?: readonly NamedBytes[]
    /** Where the stage is the user's. */
    readonly own?: NamedBytes
    readonly measures?: readonly { readonly name: string; readonly version: number }[]
  }[]
  /** Digests of reward models by name. */
  readonly models?: Readonly<Record<string, string>>
  readonly judgements?: { readonly digest: string; readonly answers: number }
}

export interface Cause {
  readonly kind: 'config' | 'input' | 'file' | 'model' | 'version' | 'judgements'
  /** A path of the config such as `steps.near-dup.threshold`, or what else it is. */
  readonly what: string
  /** Old and new value as JSON; absent where there was or is none. */
  readonly from?: string
  readonly to?: string
  /** Ids of the steps that work otherwise because of it; none: only files are cut or written otherwise, or nothing at all. */
  readonly steps: readonly string[]
}

export const madeOfPlan = ({ inputs, models, ...plan }: Plan): Made => ({
  ...plan,
  inputs: inputs.map(({ path, sha256 }) => ({ path, sha256 })),
  models: digestsOf(models),
})

/** Digests of models by their names in the config. */
export const digestsOf = (models: Plan['models']): Record<string, string> =>
  Object.fromEntries(Object.entries(models).map(([name, { digest }]) => [name, digest]))

export const madeOfManifest = (manifest: Manifest): Made => manifest

/** All differences in the order in which a build meets them: inputs, then step by step, then its output. */
export function causesOf(a: Made, b: Made): Cause[] {
  const ids = [...new Set([...a.steps, ...b.steps].map(({ id }) => id))]
  const using = (used: 'models' | 'judgements'): string[] => [
    ...new Set([...a.steps, ...b.steps].filter(step => stageOf(step)?.[used]).map(({ id }) => id)),
  ]
  return [
    ...valueCauses('version', 'goldpan', a.goldpan, b.goldpan, []),
    ...valueCauses('config', 'seed', at(a, 'seed'), at(b, 'seed'), ids),
    ...inputCauses(a, b, ids),
    ...sourceCauses(a, b, ids),
    ...modelCauses(a, b, using('models')),
    ...judgementCauses(a, b, using('judgements')),
    ...stepCauses(a, b),
    ...valueCauses('config', 'output', at(a, 'output'), at(b, 'output'), []),
  ]
}

const at = ({ config }: Made, key: string): Json | undefined => (config as Record<string, Json | undefined>)[key]

/** One cause for each leaf that differs. */
function valueCauses(kind: Cause['kind'], what: string, a: Json | undefined, b: Json | undefined, steps: readonly string[]): Cause[] {
  if (canonical(a) === canonical(b)) return []
  if (isMap(a) && isMap(b))
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap(key => valueCauses(kind, `${what}.${key}`, a[key], b[key], steps))
  return [{ kind, what, ...shownAs('from', a), ...shownAs('to', b), steps }]
}

const isMap = (value: Json | undefined): value is Record<string, Json> =>
  value !== null && typeof value === 'object' && !Array.isArray(value)

const shownAs = (side: 'from' | 'to', value: Json | undefined): { from?: string; to?: string } =>
  value === undefined ? {} : { [side]: typeof value === 'string' ? value : canonical(value) }

/** Which input of `a` each input of `b` is, by index; undefined for one that is new. The same bytes come first, then the same path. */
export function matchedInputs(a: Made['inputs'], b: Made['inputs']): (number | undefined)[] {
  const left = new Set(a.keys())
  const matched: (number | undefined)[] = b.map(() => undefined)
  const ways: ((input: NamedBytes) => string)[] = [({ path, sha256 }) => `${sha256} ${path}`, ({ sha256 }) => sha256, ({ path }) => path]
  for (const nameOf of ways) {
    const places = new Map<string, number[]>()
    for (const i of [...left].reverse()) {
      const name = nameOf(a[i])
      if (places.get(name)?.push(i) === undefined) places.set(name, [i])
    }
    for (const [j, input] of b.entries()) {
      if (matched[j] !== undefined) continue
      const i = places.get(nameOf(input))?.pop()
      if (i === undefined) continue
      matched[j] = i
      left.delete(i)
    }
  }
  return matched
}

function inputCauses({ inputs: a }: Made, { inputs: b }: Made, steps: readonly string[]): Cause[] {
  const matched = matchedInputs(a, b)
  const kept = new Set(matched)
  const causes = a.flatMap((input, i): Cause[] =>
    kept.has(i) ? [] : [{ kind: 'input', what: `input ${input.path}`, from: sized(input), to: 'removed', steps }],
  )
  for (const [j, i] of matched.entries()) {
    const input = b[j]
    if (i === undefined) causes.push({ kind: 'input', what: `input ${input.path}`, from: 'not there', to: `added${ofPairs(input)}`, steps })
    else if (a[i].sha256 !== input.sha256)
      causes.push({ kind: 'input', what: `input ${input.path}`, from: sized(a[i]), to: `changed${ofPairs(input)}`, steps })
    else if (a[i].path !== input.path)
      causes.push({ kind: 'input', what: `input ${a[i].path}`, from: 'same bytes', to: `renamed to ${input.path}`, steps })
  }
  const order = matched.filter(i => i !== undefined)
  if (order.some((i, k) => k > 0 && i < order[k - 1]))
    causes.push({ kind: 'input', what: 'order of inputs', from: 'as it was', to: 'another', steps })
  return causes
}

const sized = (input: Made['inputs'][number]): string => (input.pairs === undefined ? 'there' : `${input.pairs} pairs`)
const ofPairs = (input: Made['inputs'][number]): string => (input.pairs === undefined ? '' : `, ${input.pairs} pairs`)

function sourceCauses(a: Made, b: Made, steps: readonly string[]): Cause[] {
  const byPath = (made: Made): Map<string, Json> =>
    new Map(((at(made, 'sources') ?? []) as Record<string, Json>[]).map(({ path, ...source }) => [String(path), source]))
  const before = byPath(a)
  return [...byPath(b)].flatMap(([path, source]) =>
    before.has(path) ? valueCauses('config', `sources ${path}`, before.get(path), source, steps) : [],
  )
}

function modelCauses(a: Made, b: Made, steps: readonly string[]): Cause[] {
  const [before = {}, after = {}] = [a.models, b.models]
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name): Cause[] => {
    if (before[name] === after[name]) return []
    const to = !(name in after) ? 'removed' : name in before ? 'other weights or tokenizer' : 'added'
    return [{ kind: 'model', what: `models.${name}`, from: name in before ? 'as it was' : 'not there', to, steps }]
  })
}

function judgementCauses({ judgements: a }: Made, { judgements: b }: Made, steps: readonly string[]): Cause[] {
  if (a?.digest === b?.digest) return []
  const said = (of: Made['judgements']): string => (of ? `${of.answers} answers` : 'none')
  const to = a && b && a.answers === b.answers ? `${said(b)}, others` : said(b)
  return [{ kind: 'judgements', what: 'judgement log', from: said(a), to, steps }]
}

function stepCauses(a: Made, b: Made): Cause[] {
  const before = new Map(a.steps.map(step => [step.id, step]))
  const after = new Map(b.steps.map(step => [step.id, step]))
  const gone = a.steps.filter(({ id }) => !after.has(id)).map(({ id }) => stepCause(id, 'there', 'removed'))
  const common = (made: Made): string[] => made.steps.map(({ id }) => id).filter(id => before.has(id) && after.has(id))
  const [old, now] = [common(a), common(b)]
  return [
    ...gone,
    ...b.steps.flatMap((step): Cause[] => {
      const was = before.get(step.id)
      if (!was) return [stepCause(step.id, 'not there', 'added')]
      const moved = old.indexOf(step.id) === now.indexOf(step.id) ? [] : [stepCause(step.id, 'another place in the order', 'moved')]
      return [...moved, ...withinStep(was, step)]
    }),
  ]
}

const stepCause = (id: string, from: string, to: string): Cause => ({ kind: 'config', what: `step ${id}`, from, to, steps: [id] })

function withinStep(a: Made['steps'][number], b: Made['steps'][number]): Cause[] {
  const steps = [b.id]
  const digests = ({ files = [], own }: Made['steps'][number]): Record<string, Json> =>
    Object.fromEntries([...files, ...(own ? [own] : [])].map(({ path, sha256 }) => [path, sha256]))
  const [before, after] = [digests(a), digests(b)]
  const files = Object.keys(after).filter(path => path in before && before[path] !== after[path])
  const measures = (b.measures ?? []).flatMap(({ name, version }) =>
    valueCauses('version', `measure ${name}: version`, a.measures?.find(m => m.name === name)?.version ?? version, version, steps),
  )
  return [
    ...valueCauses('config', `steps.${b.id}: stage`, a.stage, b.stage, steps),
    ...valueCauses('version', `stage ${b.stage}: version`, a.stage === b.stage ? a.version : b.version, b.version, steps),
    ...measures,
    ...valueCauses('config', `steps.${b.id}`, a.params, b.params, steps),
    ...files.map((path): Cause => ({ kind: 'file', what: `file ${path} of ${b.id}`, from: 'as it was', to: 'changed', steps })),
  ]
}
