/**
 * Checks on the finished build: `path op number`, such as "train.rows >= 1000" or "steps.near-dup.dropped.near < 500". A path is one of
 * manifest.json with rows of folders beside it, or begins with `report.` or `run.` for the figures of report.json and run.json.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ExpectationError, hint, UserError } from './errors.ts'
import type { Manifest } from './manifest.ts'
import { relations } from './pair.ts'
import { seal, UNPUBLISHED } from './seal.ts'
import { tableNames } from './tables.ts'

const OPERATORS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
}

interface Expectation {
  readonly text: string
  readonly path: readonly string[]
  readonly holds: (value: number) => boolean
}

/** Reads an expectation; the complaint says what one looks like. */
export function expectationOf(text: string, where = 'expect'): Expectation {
  const match = /^\s*([^\s<>=!][^<>=!]*?)\s*(>=|<=|==|!=|<|>)\s*(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*$/i.exec(text)
  if (!match) throw new UserError(`${where}: "${text}": expected "path operator number", such as "train.rows >= 1000"`)
  const [, path, operator, number] = match
  return { text, path: path.split('.'), holds: value => OPERATORS[operator](value, Number(number)) }
}

/** The expectations that do not hold, each with the figure that was found in the build at `dir`. */
export function failedExpectations(manifest: Manifest, dir: string, report: () => unknown = () => read(dir, 'report.json')): string[] {
  const { expect = [] } = manifest.config as { expect?: string[] }
  const trees = { manifest: () => figures(manifest), report, run: () => read(dir, 'run.json') }
  return expect
    .map(text => expectationOf(text))
    .flatMap(({ text, path, holds }) => {
      const [first, ...rest] = path
      const named = Object.hasOwn(trees, first) && rest.length > 0
      const tree = named ? trees[first as keyof typeof trees]() : figures(manifest)
      if (tree === undefined) return [`${text}: the build has no ${first}.json`]
      const value = figureAt(tree, named ? rest : path)
      if (typeof value === 'string') return [`${text}: no such figure${value}`]
      return holds(value) ? [] : [`${text}: it is ${value}`]
    })
}

/** A build that fails its checks is kept and marked: a file says so to people and scripts, for the manifest knows nothing of run times. */
export function checkExpectations(manifest: Manifest, dir: string): void {
  const failed = failedExpectations(manifest, dir)
  if (failed.length === 0) return
  writeFileSync(join(dir, UNPUBLISHED), `Checks of \`expect\` that failed on this build:\n${failed.map(text => `- ${text}\n`).join('')}`)
  seal(dir)
  const { expect = [] } = manifest.config as { expect?: string[] }
  throw new ExpectationError(
    `${failed.length} of ${expect.length} expectations failed, so ${dir} is marked ${UNPUBLISHED}: ${failed.join('; ')}`,
  )
}

function read(dir: string, file: string): unknown {
  try {
    return JSON.parse(readFileSync(join(dir, file), 'utf8'))
  } catch {
    return undefined
  }
}

/** What the manifest says, and rows of each folder; 0 for one that is not there. */
function figures(manifest: Manifest): Record<string, unknown> {
  const rows: Record<string, { rows: number }> = {}
  for (const folder of tableNames) rows[folder] = { rows: 0 }
  for (const { path, rows: n } of manifest.outputs) rows[path.split('/')[0]].rows += n
  return { ...rows, ...manifest }
}

/** A number of the tree, or what to say where there is none. */
function figureAt(tree: unknown, path: readonly string[]): number | string {
  const found = walk(tree, path)
  if (typeof found.value === 'number') return found.value
  if (found.value === undefined && found.left.length === 1 && isCount(path.at(-2), found.left[0])) return 0
  if (found.value !== undefined && found.left.length === 0 && typeof found.value !== 'object') return ': it is no number'
  const known = Object.keys(named(found.node) ?? {})
  if (found.left.length === 0) return `: it holds ${known.slice(0, KNOWN_SHOWN).join(', ') || 'nothing'}`
  return known.length === 0 ? '' : hint(found.left[0] ?? '', known.slice(0, KNOWN_SHOWN))
}

/** Whether a key that is not there is a count of 0. The names of reasons are checked before the run. */
const isCount = (of: string | undefined, name: string): boolean =>
  of === 'dropped' || (of === 'relations' && (relations as readonly string[]).includes(name))

const KNOWN_SHOWN = 20

interface Walked {
  readonly value: unknown
  /** The last node that was reached, and the keys that it had not. */
  readonly node: unknown
  readonly left: readonly string[]
}

/** Follows keys down; a key may itself hold dots, so the longest that is there is taken. */
function walk(node: unknown, path: readonly string[]): Walked {
  if (path.length === 0) return { value: node, node, left: [] }
  const children = named(node)
  for (let n = path.length; n > 0 && children; n--) {
    const key = path.slice(0, n).join('.')
    if (Object.hasOwn(children, key)) return walk(children[key], path.slice(n))
  }
  return { value: undefined, node, left: path }
}

/** Children by key; those of a list by number, and by what names them. */
function named(node: unknown): Record<string, unknown> | undefined {
  if (node === null || typeof node !== 'object') return undefined
  if (!Array.isArray(node)) return node as Record<string, unknown>
  const items = node.map((item: unknown, i) => [nameOf(item) ?? String(i), item] as const)
  return { ...Object.fromEntries(node.map((item: unknown, i) => [String(i), item])), ...Object.fromEntries(items) }
}

function nameOf(item: unknown): string | undefined {
  if (item === null || typeof item !== 'object') return undefined
  const names = item as Record<string, unknown>
  return ['id', 'name', 'source', 'path', 'phase', 'model', 'step'].map(key => names[key]).find(name => typeof name === 'string') as
    | string
    | undefined
}
