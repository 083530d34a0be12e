/** The config as users write it: read, checked and completed with defaults; every complaint names file and line. */
import { readFileSync } from 'node:fs'
import { type Document, isScalar, LineCounter, parse, parseDocument, visit } from 'yaml'
import type { z } from 'zod'
import { complaint, lineOf, type Place } from './config-complaints.ts'
import { type Config, configSchema } from './config-schema.ts'
import { hint, UserError } from './errors.ts'

/** One step of a config with the place of its params in the document, for complaints. */
export interface StepConfig {
  readonly id: string
  readonly stage: string
  readonly params: Readonly<Record<string, unknown>>
  readonly place: Place
}

/** A config with the means to point at a line of it. */
export interface LoadedConfig {
  readonly path: string
  readonly config: Config
  readonly steps: readonly StepConfig[]
  /** Throws the worst issue of a zod error with file and line; `schema` is what was expected at `place`. */
  complain(error: z.ZodError, schema: z.ZodType, place: Place): never
  /** File and line of a place. */
  at(place: Place): string
}

/** Reads a config file; `overrides` are `--set` texts such as `steps.near-dup.threshold=0.7`. */
export function loadConfig(path: string, overrides: readonly string[] = []): LoadedConfig {
  const lines = new LineCounter()
  const document = parseDocument(readText(path), { lineCounter: lines, uniqueKeys: false })
  const refuse = (at: number, what: string): never => {
    throw new UserError(`${path}:${lines.linePos(at).line}: ${what}`)
  }
  const [broken] = document.errors
  if (broken) refuse(broken.pos[0], `not YAML: ${broken.message.replace(/^Maximum call stack.*/, 'nested too deep').split('\n')[0]}`)
  checkNodes(document, refuse)
  const raw = toPlain(path, document)
  for (const override of overrides) applyOverride(raw, override)
  const at = (place: Place): string => `${path}:${lineOf(document, lines, place)}`
  const complain = (error: z.ZodError, schema: z.ZodType, place: Place): never => {
    throw new UserError(complaint(error, schema, place, at))
  }
  const parsed = configSchema.safeParse(raw)
  if (!parsed.success) return complain(parsed.error, configSchema, [])
  return { path, config: parsed.data, steps: parsed.data.steps.map((s, i) => stepOf(s, i, at)).map(numbered()), complain, at }
}

/** A thousand sources take a tenth of it. */
const MOST_CHARACTERS = 2 ** 20
/** More are no config but an attempt to fill the memory. */
const MOST_ALIASES = 100

/** No key stands twice in a mapping, and aliases are few; the library looks for both in quadratic time. */
function checkNodes(document: Document, refuse: (at: number, what: string) => never): void {
  let aliases = 0
  visit(document, {
    Alias: (_, { range }) => {
      if (++aliases > MOST_ALIASES) refuse(range![0], `more than ${MOST_ALIASES} aliases`)
    },
    Map: (_, { items }) => {
      const seen = new Set<unknown>()
      for (const { key } of items) {
        if (!isScalar(key)) continue
        if (seen.has(key.value)) refuse(key.range![0], `the key ${key.value} stands twice`)
        seen.add(key.value)
      }
    },
  })
}

function readText(path: string): string {
  try {
    const text = readFileSync(path, 'utf8')
    if (text.length <= MOST_CHARACTERS) return text
  } catch {
    throw new UserError(`${path}: no such config file, or not readable; \`goldpan init PATH...\` writes one`)
  }
  throw new UserError(`${path}: longer than ${MOST_CHARACTERS} characters, which is no config`)
}

function toPlain(path: string, document: Document): Record<string, unknown> {
  let plain: unknown
  try {
    plain = document.toJS({ maxAliasCount: MOST_ALIASES })
  } catch (error) {
    throw new UserError(`${path}: ${(error as Error).message}`)
  }
  if (plain === null || typeof plain !== 'object' || Array.isArray(plain))
    throw new UserError(`${path}:1: expected a mapping with name, sources and steps`)
  return plain as Record<string, unknown>
}

/** `stage`, or `stage: {params}` with an optional `id` beside it. */
function stepOf(step: unknown, i: number, at: LoadedConfig['at']): StepConfig {
  if (typeof step === 'string') return { id: step, stage: step, params: {}, place: ['steps', i, step] }
  const { id, ...rest } = step as Record<string, unknown>
  const stages = Object.keys(rest)
  if (stages.length !== 1)
    throw new UserError(`${at(['steps', i])}: steps.${i}: expected one stage a step, got ${stages.join(', ') || 'none'}`)
  const params = rest[stages[0]] ?? {}
  if (typeof params !== 'object' || Array.isArray(params))
    throw new UserError(`${at(['steps', i])}: steps.${stages[0]}: expected params {name: value}, got ${JSON.stringify(params)}`)
  if (id !== undefined && !(typeof id === 'string' && /^[\w-]+$/.test(id)))
    throw new UserError(
      `${at(['steps', i, 'id'])}: steps.${stages[0]}: id: expected letters, digits, "_" and "-", got ${JSON.stringify(id)}`,
    )
  return { id: id ?? stages[0], stage: stages[0], params: params as Record<string, unknown>, place: ['steps', i, stages[0]] }
}

/** Gives the second step of one id a number of its own. */
function numbered(): (step: StepConfig) => StepConfig {
  const taken = new Set<string>()
  return step => {
    let id = step.id
    for (let n = 2; taken.has(id); n++) id = `${step.id}-${n}`
    taken.add(id)
    return { ...step, id }
  }
}

function applyOverride(raw: Record<string, unknown>, override: string): void {
  const cut = override.indexOf('=')
  if (cut < 1) throw new UserError(`--set ${override}: expected path=value, such as steps.near-dup.threshold=0.7`)
  const path = override.slice(0, cut).split('.')
  const value = parsedValue(override, cut + 1)
  if (path[0] === 'steps' && path.length > 1) overrideStep(raw, path, value, override)
  else putAt(raw, path, value, override)
}

function putAt(root: object, path: readonly string[], value: unknown, override: string): void {
  const parent = path.slice(0, -1).reduce<object>((node, key) => {
    const child = held(node, key, override) ?? {}
    if (typeof child !== 'object') throw new UserError(`--set ${override}: ${key} is a single value`)
    put(node, key, child)
    return child
  }, root)
  held(parent, path.at(-1)!, override)
  put(parent, path.at(-1)!, value)
}

/** What a node has under a key; a list gets no further entries. */
function held(node: object, key: string, override: string): unknown {
  const own = Object.hasOwn(node, key)
  if (Array.isArray(node) && !own) throw new UserError(`--set ${override}: a list of ${node.length} has no ${key}; its first is 0`)
  return own ? (node as Record<string, unknown>)[key] : undefined
}

function parsedValue(override: string, from: number): unknown {
  try {
    return parse(override.slice(from))
  } catch (error) {
    throw new UserError(`--set ${override}: not YAML: ${(error as Error).message.split('\n')[0]}`)
  }
}

/** Also a key such as `__proto__` becomes one of the object's own. */
const put = (node: object, key: string, value: unknown): void => {
  Object.defineProperty(node, key, { value, enumerable: true, configurable: true, writable: true })
}

function overrideStep(raw: Record<string, unknown>, [, id, ...param]: string[], value: unknown, override: string): void {
  const steps = Array.isArray(raw.steps) ? (raw.steps as unknown[]) : []
  const seen = numbered()
  const ids = steps.map((step, i) => seen(stepOf(step, i, () => '--set')).id)
  const i = ids.indexOf(id)
  if (i < 0) throw new UserError(`--set ${override}: no step "${id}"${hint(id, ids)}`)
  if (param.length === 0) throw new UserError(`--set ${override}: expected a param of the step, as in steps.near-dup.threshold=0.7`)
  const { stage, params } = stepOf(steps[i], i, () => '--set')
  const rest = typeof steps[i] === 'string' ? {} : (steps[i] as Record<string, unknown>)
  const own = structuredClone(params)
  putAt(own, param, value, override)
  steps[i] = { ...rest, [stage]: own }
}
