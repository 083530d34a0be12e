/** The config as users write it: read, checked and completed with defaults; every complaint names file and line. */
import { readFileSync } from 'node:fs'
import { type Document, isMap, isScalar, LineCounter, type Node, parse, parseDocument, visit } from 'yaml'
import { z } from 'zod'
import { outputFormats } from './codecs/out-columns.ts'
import { hint, UserError } from './errors.ts'
import { formats } from './formats/format.ts'
import { labelKinds } from './pair.ts'
import { protocols } from './scorers/protocols.ts'

const UNITS: Record<string, number> = { '': 1, B: 1, kB: 1e3, MB: 1e6, GB: 1e9, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }

/** Bytes of `256MiB`, `1.5 GB` or a plain number; undefined where it is no size. */
export function bytesOf(size: string | number): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$/.exec(String(size))
  const unit = match ? UNITS[match[2]] : undefined
  return match && unit !== undefined ? Math.round(Number(match[1]) * unit) : undefined
}

const size = z
  .union([z.string(), z.number()])
  .refine(text => (bytesOf(text) ?? 0) > 0, { error: 'expected a size such as 256MiB' })
  .transform(text => bytesOf(text)!)

// biome-ignore lint/suspicious/noTemplateCurlyInString: ${VAR} is what users write
const PATH_DOC = 'file, glob or folder, relative to the config file; ${VAR} and ${VAR:-default} are filled from the environment'

const source = z.strictObject({
  path: z.string().min(1).describe(PATH_DOC),
  format: z.enum(formats).default('auto').describe('layout of the rows; auto looks at the first ones'),
  source: z.string().min(1).optional().describe("name in every table; default: the row's own, else the file name without its extensions"),
  license: z.string().optional().describe('licence of rows that name none'),
  attribution: z.string().min(1).optional().describe('whom to name for it, and where it is from: for LICENSES.md'),
  label_kind: z.enum(labelKinds).optional().describe('who judged rows that do not say so'),
  priority: z.int().default(0).describe('the higher one survives deduplication'),
  limit: z.int().positive().optional().describe('only the first n rows of each file'),
  scores: z.boolean().default(true).describe("take a row's `scores` {model: [of chosen, of rejected]} as reward models of these names"),
  pairs: z.enum(['all', 'best']).default('all').describe('scored rows: every two responses, or the best against each other one'),
  shown_first: z
    .string()
    .min(1)
    .default('shown_first')
    .describe('field of the rows that says which response the judge saw first: chosen or rejected; arena rows tell by their own order'),
  min_gap: z.number().min(0).default(0).describe('scored rows: a smaller or equal gap of scores is a tie'),
})

const served = z.strictObject({
  http: z
    .url({ protocol: /^https?$/, error: 'expected an address such as http://127.0.0.1:8000' })
    .refine(url => !/^[a-z]+:\/\/[^/]*@/i.test(url) && !url.includes('?'), {
      error: 'holds a password or query; name an environment variable with key_env',
    })
    .describe('address of the server, without the path of a call'),
  protocol: z
    .enum(protocols)
    .describe('vllm, sglang, tei: reward models; openai: any chat endpoint with logprobs, as a judge that compares in both orders'),
  model: z.string().min(1).describe('name under which the server has the model'),
  template: z
    .string()
    .min(1)
    .optional()
    .describe(
      'folder with tokenizer_config.json and chat template, by which texts are written; needed by sglang. vllm then uses /classify, else /pooling with its own template',
    ),
  key_env: z
    .string()
    .regex(/^[A-Za-z_]\w*$/)
    .optional()
    .describe('environment variable that holds the key of the server'),
  squashed: z
    .enum(['logit', 'refuse'])
    .default('logit')
    .describe('what becomes of scores that all lie within 0 and 1: the sigmoid undone, or the run refused'),
  batch: z.int().min(1).max(1024).default(16).describe('texts a request, where the protocol takes several'),
  concurrency: z
    .int()
    .min(1)
    .max(1024)
    .default(32)
    .describe('requests at once, at most, of each thread; fewer where the server says it has too much to do'),
  timeout_ms: z.int().min(1).default(120_000).describe('how long one request may take; milliseconds'),
  retries: z.int().min(0).max(20).default(6).describe('further tries of a request that failed by 429, 5xx, time-out or a lost connection'),
})
export type ServedConfig = z.infer<typeof served>

const model = z.union([z.strictObject({ onnx: z.string().min(1).describe('folder with model.onnx, tokenizer.json, config.json') }), served])

const output = z.strictObject({
  format: z.enum(outputFormats).default('parquet').describe('of train and validation; the other tables are Parquet'),
  layout: z.enum(['prompt', 'conversations', 'message']).default('prompt').describe('which trainer reads which: docs of the dataset card'),
  shard_bytes: size.default(256 * 2 ** 20).describe('uncompressed text a shard'),
  shard_rows: z.int().positive().optional().describe('pairs a shard at most, whatever their text'),
  shuffle: z
    .boolean()
    .optional()
    .describe('train and validation in an order drawn with the seed, over all sources; pairs of one prompt stay together'),
  splits: z
    .strictObject({ validation: z.number().min(0).max(0.5).default(0) })
    .prefault({})
    .describe('share of prompt clusters held out'),
  signals: z.array(z.string()).default([]).describe('ledger columns to add to the training shards'),
  margin: z.string().optional().describe('model whose margin becomes the column `margin`, which reward trainers take into their loss'),
  publish_without_review: z.boolean().default(false).describe('end with exit code 0 although pairs wait for people'),
})

const step = z.union([z.string(), z.record(z.string(), z.unknown())])

export const configSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]+$/, { error: 'expected letters, digits, ".", "_" and "-" only' })
    .describe('names the build'),
  seed: z.int().min(0).default(42).describe('of every draw and hash that needs one'),
  sources: z.array(source).min(1),
  benchmarks: z.array(z.string()).default([]).describe('files, globs or folders of rows {benchmark, id, text}'),
  allow_licenses: z
    .array(z.string().min(1))
    .optional()
    .describe('only pairs of these licences are kept; the others are quarantined (see the stage licenses)'),
  judgements: z
    .array(z.string().min(1))
    .optional()
    .describe('judgement logs of people: files, globs or folders; one that is not there yet holds no answers'),
  models: z
    .record(z.string().regex(/^[A-Za-z][\w.-]*$/), model)
    .default({})
    .describe('reward models by name; none = the built-in ones'),
  stages: z
    .array(z.string().min(1))
    .optional()
    .describe('files of your own stages, .ts or .js, relative to the config file; each exports what defineStage makes'),
  steps: z.array(step).min(1),
  output: output.prefault({}),
  expect: z.array(z.string()).default([]).describe('checks on the finished build, such as "train.rows >= 1000"'),
})
export type Config = z.infer<typeof configSchema>
export type SourceConfig = z.infer<typeof source>
export type ModelConfig = z.infer<typeof model>
export type OutputConfig = z.infer<typeof output>

/** One step of a config with the place of its params in the document, for complaints. */
export interface StepConfig {
  readonly id: string
  readonly stage: string
  readonly params: Readonly<Record<string, unknown>>
  readonly place: readonly (string | number)[]
}

/** A config with the means to point at a line of it. */
export interface LoadedConfig {
  readonly path: string
  readonly config: Config
  readonly steps: readonly StepConfig[]
  /** Throws the first issue of a zod error, found below `place`, with file and line. */
  complain(error: z.ZodError, place: readonly (string | number)[]): never
  at(place: readonly (string | number)[]): string
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
  const at = (place: readonly (string | number)[]): string => `${path}:${lineOf(document, lines, place)}`
  const complain = (error: z.ZodError, place: readonly (string | number)[]): never => {
    throw new UserError(complaint(error, place, at))
  }
  const parsed = configSchema.safeParse(raw)
  if (!parsed.success) return complain(parsed.error, [])
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
  if (typeof step === 'string') return { id: step, stage: step, params: {}, place: ['steps', i] }
  const { id, ...rest } = step as Record<string, unknown>
  const stages = Object.keys(rest)
  if (stages.length !== 1)
    throw new UserError(`${at(['steps', i])}: steps.${i}: expected one stage a step, got ${stages.join(', ') || 'none'}`)
  const params = rest[stages[0]] ?? {}
  if (typeof params !== 'object' || Array.isArray(params))
    throw new UserError(`${at(['steps', i])}: steps.${stages[0]}: expected params {name: value}, got ${JSON.stringify(params)}`)
  return { id: String(id ?? stages[0]), stage: stages[0], params: params as Record<string, unknown>, place: ['steps', i, stages[0]] }
}

/** Gives the second step of one id a number of its own. */
function numbered(): (step: StepConfig) => StepConfig {
  const seen = new Map<string, number>()
  return step => {
    const n = (seen.get(step.id) ?? 0) + 1
    seen.set(step.id, n)
    return n === 1 ? step : { ...step, id: `${step.id}-${n}` }
  }
}

function applyOverride(raw: Record<string, unknown>, override: string): void {
  const cut = override.indexOf('=')
  if (cut < 1) throw new UserError(`--set ${override}: expected path=value, such as steps.near-dup.threshold=0.7`)
  const path = override.slice(0, cut).split('.')
  const value: unknown = parse(override.slice(cut + 1))
  if (path[0] === 'steps') {
    overrideStep(raw, path, value, override)
    return
  }
  let node = raw
  for (const key of path.slice(0, -1)) node = (node[key] ??= {}) as Record<string, unknown>
  node[path.at(-1)!] = value
}

function overrideStep(raw: Record<string, unknown>, [, id, ...param]: string[], value: unknown, override: string): void {
  const steps = Array.isArray(raw.steps) ? (raw.steps as unknown[]) : []
  const seen = numbered()
  const ids = steps.map((step, i) => seen(stepOf(step, i, () => '--set')).id)
  const i = ids.indexOf(id)
  if (i < 0 || param.length !== 1) throw new UserError(`--set ${override}: no step "${id}"${hint(id ?? '', ids)}`)
  const { stage, params } = stepOf(steps[i], i, () => '--set')
  const rest = typeof steps[i] === 'string' ? {} : (steps[i] as Record<string, unknown>)
  steps[i] = { ...rest, [stage]: { ...params, [param[0]]: value } }
}

function lineOf(document: Document, lines: LineCounter, place: readonly (string | number)[]): number {
  for (let depth = place.length; depth >= 0; depth--) {
    const key = keyNode(document, place.slice(0, depth))
    const node = key ?? (document.getIn(place.slice(0, depth), true) as Node | undefined)
    if (node?.range) return lines.linePos(node.range[0]).line
  }
  return 1
}

/** The node of the last key of a path, where its parent is a mapping. */
function keyNode(document: Document, place: readonly (string | number)[]): Node | undefined {
  if (place.length === 0) return undefined
  const parent = place.length === 1 ? document.contents : document.getIn(place.slice(0, -1), true)
  if (!isMap(parent)) return undefined
  return parent.items.map(pair => pair.key).find((key): key is Node => isScalar(key) && key.value === place.at(-1)) as Node | undefined
}

function complaint(error: z.ZodError, place: readonly (string | number)[], at: LoadedConfig['at']): string {
  const issue = deepest(error.issues[0])
  const path = [...place, ...(issue.path as (string | number)[])]
  const named = path.filter((_, i) => !(path[0] === 'steps' && i === 1)).join('.')
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys
    return `${at([...path, key])}: ${named ? `${named}.` : ''}${key}: unknown key${hint(key, knownKeys(path))}`
  }
  return `${at(path)}: ${named}: ${issue.message}`
}

/** Of a union's complaints the one that got furthest. */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue
  const inner = issue.errors.flat().sort((a, b) => b.path.length - a.path.length)
  return inner[0] ? { ...deepest(inner[0]), path: [...issue.path, ...inner[0].path] } : issue
}

const shapes: Record<string, z.ZodObject> = { '': configSchema, sources: source, output }

function knownKeys(path: readonly (string | number)[]): string[] {
  const shape = stepShapes.get(String(path[2])) ?? shapes[String(path[0] ?? '')]
  return shape ? Object.keys(shape.shape) : []
}

const stepShapes = new Map<string, z.ZodObject>()
/** Tells complaints which params a stage knows. */
export const knowStage = (name: string, params: z.ZodType): void => {
  if (params instanceof z.ZodObject) stepShapes.set(name, params)
}
