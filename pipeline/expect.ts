/** Checks on the finished build: `path op number`, such as "train.rows >= 1000" or "steps.near-dup.dropped.near < 500". */
import { UserError } from './errors.ts'
import type { Manifest } from './manifest.ts'

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
  const match = /^\s*([\w.-]+)\s*(>=|<=|==|!=|<|>)\s*(-?\d+(?:\.\d+)?)\s*$/.exec(text)
  if (!match) throw new UserError(`${where}: "${text}": expected "path operator number", such as "train.rows >= 1000"`)
  const [, path, operator, number] = match
  return { text, path: path.split('.'), holds: value => OPERATORS[operator](value, Number(number)) }
}

/** The expectations that do not hold, each with the figure that was found. */
export function failedExpectations(manifest: Manifest): string[] {
  const { expect = [] } = manifest.config as { expect?: string[] }
  return expect
    .map(text => expectationOf(text))
    .flatMap(({ text, path, holds }) => {
      const value = figureAt(figures(manifest), path)
      if (value === undefined) return [`${text}: no such figure`]
      return holds(value) ? [] : [`${text}: it is ${value}`]
    })
}

/** Figures by path: rows of each folder, totals, and every number of a step by the step's id. */
function figures(manifest: Manifest): Record<string, unknown> {
  const rows: Record<string, { rows: number }> = {}
  for (const folder of ['train', 'validation', 'flipped', 'quarantine', 'review', 'ledger', 'rejects']) rows[folder] = { rows: 0 }
  for (const { path, rows: n } of manifest.outputs) rows[path.split('/')[0]].rows += n
  return { ...rows, totals: manifest.totals, steps: Object.fromEntries(manifest.steps.map(step => [step.id, step])) }
}

function figureAt(tree: unknown, path: readonly string[]): number | undefined {
  let node = tree
  for (const key of path)
    node = node !== null && typeof node === 'object' && Object.hasOwn(node, key) ? (node as Record<string, unknown>)[key] : undefined
  if (node === undefined && path.at(-2) === 'dropped') return 0
  return typeof node === 'number' ? node : undefined
}
