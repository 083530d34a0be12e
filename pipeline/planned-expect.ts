/**
 * Whether the figures that `expect` names can be there, as far as a plan can tell: folders, steps and their reasons, inputs, and what
 * report.json and run.json always hold. What else a summary holds, and what is named by the rows, only the finished build can tell.
 */
import { z } from 'zod'
import type { LoadedConfig } from './config.ts'
import { hint, UserError } from './errors.ts'
import { expectationOf } from './expect.ts'
import { stageOf } from './own-stages.ts'
import type { PlannedInput, PlannedStep } from './plan.ts'
import { reportSchema, runShape } from './report/report-schema.ts'
import { bare } from './shapes.ts'
import { tableNames } from './tables.ts'

const n = z.number()
const byName = z.record(z.string(), n)
const quarters = z.strictObject({ quarter: n, median: n, three_quarters: n })
const later = z.unknown()
const outcomes = { pairs_in: n, train: n, validation: n, flipped: n, quarantine: n, review: n, dropped: n }
const file = { path: z.string(), bytes: n }

/** Figures of manifest.json, and rows of the folders. */
const manifest = z.strictObject({
  ...Object.fromEntries(tableNames.map(name => [name, z.strictObject({ rows: n })])),
  totals: z.strictObject({ ...outcomes, rejected: n }),
  inputs: z.array(z.strictObject({ ...file, rows: n, rejected: n, pairs: n })),
  sources: z.array(
    z.strictObject({
      source: z.string(),
      ...outcomes,
      licenses: byName,
      languages: byName,
      left_licenses: byName,
      side_bytes: z.strictObject({ chosen: quarters, rejected: quarters }),
    }),
  ),
  steps: z.array(
    z.strictObject({
      id: z.string(),
      version: n,
      params: later,
      own: later,
      files: later,
      measures: later,
      rows_in: n,
      rows_out: n,
      dropped: byName,
      recalled: byName,
      unscored: byName,
      truncated: byName,
      summary: later,
    }),
  ),
  outputs: z.array(z.strictObject({ ...file, rows: n })),
  pair_bytes: z.strictObject({ median: n, p99: n, max: n }),
  judgements: z.strictObject({ files: later, answers: n, annotators: n, pairs: n, unknown_pairs: n }),
  format: n,
  config: later,
})
const run = z.strictObject({ ...runShape.shape, text_bytes: n, host: later, people: later })
const trees: Readonly<Record<string, z.core.$ZodType>> = { manifest, report: reportSchema, run }

/** Names that a plan knows; undefined where rows may bring others. */
interface Known {
  readonly inputs: readonly string[]
  readonly sources: readonly string[] | undefined
  readonly steps: ReadonlyMap<string, readonly string[]>
}

/** What is known of a path: that it is a number, that only the finished build tells, or what is wrong with it. */
type Found = 'number' | 'later' | { readonly wrong: string }

/** Refuses expectations of figures that no build of these steps has; gives those that only the finished build can tell. */
export function checkExpectations({ config, at }: LoadedConfig, inputs: readonly PlannedInput[], steps: readonly PlannedStep[]): string[] {
  const named = inputs.map(input => input.source)
  const known: Known = {
    inputs: inputs.map(input => input.path),
    sources: named.includes(undefined) ? undefined : [...new Set(named as string[])],
    steps: new Map(steps.map(step => [step.id, Object.keys(stageOf(step)?.reasons?.(step.params) ?? {})])),
  }
  return config.expect.filter((text, i) => {
    const where = at(['expect', i])
    const { path } = expectationOf(text, where)
    const [first, ...rest] = path
    const tree = Object.hasOwn(trees, first) && rest.length > 0 ? trees[first] : undefined
    const found = tree ? figureIn(tree, rest, known, []) : figureIn(manifest, path, known, [])
    if (typeof found === 'object') throw new UserError(`${where}: expect: "${text}": no such figure${found.wrong}`)
    return found === 'later'
  })
}

/** Follows a path down a schema; `above` are the keys that led to it. */
function figureIn(schema: z.core.$ZodType, path: readonly string[], known: Known, above: readonly string[]): Found {
  const inner = bare(schema)
  if (inner instanceof z.ZodUnknown || inner instanceof z.ZodTuple) return 'later'
  if (inner instanceof z.ZodIntersection) return best([inner.def.left, inner.def.right].map(side => figureIn(side, path, known, above)))
  if (inner instanceof z.ZodUnion) return best(inner.options.map(option => figureIn(option, path, known, above)))
  if (inner instanceof z.ZodObject) return inObject(inner, path, known, above)
  if (inner instanceof z.ZodRecord) return inNames(inner.valueType, path, known, above, namesOf(above, known))
  if (inner instanceof z.ZodArray) return inNames(inner.element, path, known, above, namesOf(above, known))
  if (!(inner instanceof z.ZodNumber || inner instanceof z.ZodLiteral)) return { wrong: ': it is no number' }
  return path.length === 0 ? 'number' : { wrong: `: ${above.at(-1)} is a number` }
}

function inObject(object: z.ZodObject, [key, ...rest]: readonly string[], known: Known, above: readonly string[]): Found {
  const keys = Object.keys(object.shape)
  if (key === undefined) return { wrong: `: it holds ${keys.join(', ')}` }
  if (keys.includes(key)) return figureIn(object.shape[key], rest, known, [...above, key])
  return object.def.catchall instanceof z.ZodUnknown ? 'later' : { wrong: hint(key, keys) }
}

/** Of a list or mapping: a name may hold dots, and an entry of a list may go by its number. */
function inNames(
  each: z.core.$ZodType,
  path: readonly string[],
  known: Known,
  above: readonly string[],
  names: readonly string[] | undefined,
): Found {
  if (path.length === 0) return { wrong: names ? `: it holds ${names.join(', ') || 'nothing'}` : '' }
  const ends = path.map((_, i) => i + 1)
  const fits = ends.filter(end => !names || names.includes(path.slice(0, end).join('.')) || /^\d+$/.test(path[0]))
  if (fits.length === 0) return { wrong: hint(path[0], names ?? []) }
  return best(fits.map(end => figureIn(each, path.slice(end), known, [...above, path.slice(0, end).join('.')])))
}

/** Names of what stands under these keys, as far as they are known. */
function namesOf(above: readonly string[], { inputs, sources, steps }: Known): readonly string[] | undefined {
  const [list, step, key] = above.slice(-3)
  if (key === 'dropped' && list === 'steps') return steps.get(step)
  const last = above.at(-1)
  if (last === 'inputs') return inputs
  if (last === 'sources' && above.length === 1) return sources
  return ['steps', 'duplicates', 'contamination', 'style'].includes(last ?? '') && above.length === 1 ? [...steps.keys()] : undefined
}

/** Of several readings the one that may be. */
function best(found: readonly Found[]): Found {
  return found.find(one => one === 'number') ?? found.find(one => one === 'later') ?? found[0]
}
