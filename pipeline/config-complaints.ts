/** What is wrong with a config, in one line: where it stands in the file, the key, what was expected, what there is to choose from. */
import { type Document, isMap, isScalar, type LineCounter, type Node } from 'yaml'
import type { z } from 'zod'
import { hint } from './errors.ts'
import { keysAt } from './shapes.ts'

/** A path into a config, such as ['sources', 0, 'path']. */
export type Place = readonly (string | number)[]

/** The line of a place, or of the nearest one above it that is in the file. */
export function lineOf(document: Document, lines: LineCounter, place: Place): number {
  for (let depth = place.length; depth >= 0; depth--) {
    const key = keyNode(document, place.slice(0, depth))
    const node = key ?? (document.getIn(place.slice(0, depth), true) as Node | undefined)
    if (node?.range) return lines.linePos(node.range[0]).line
  }
  return 1
}

/** The node of the last key of a path, where its parent is a mapping. */
function keyNode(document: Document, place: Place): Node | undefined {
  if (place.length === 0) return undefined
  const parent = place.length === 1 ? document.contents : document.getIn(place.slice(0, -1), true)
  if (!isMap(parent)) return undefined
  return parent.items.map(pair => pair.key).find((key): key is Node => isScalar(key) && key.value === place.at(-1)) as Node | undefined
}

/** The complaint of a zod error about what stands at `place` and should be as `schema` says. */
export function complaint(error: z.ZodError, schema: z.ZodType, place: Place, at: (place: Place) => string): string {
  const issue = deepest(worst(error.issues))
  const path = [...place, ...(issue.path as (string | number)[])]
  const named = nameOf(path)
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys
    return `${at([...path, key])}: ${named ? `${named}.` : ''}${key}: unknown key${hint(key, keysAt(schema, issue.path))}`
  }
  return `${at(path)}: ${named}: ${issue.message.replace(/^Invalid input: (expected .+), received undefined$/, 'missing, $1')}`
}

/** Steps go by their stage, not by their number. */
const nameOf = (path: Place): string => path.filter((_, i) => !(path[0] === 'steps' && i === 1 && path.length > 2)).join('.')

/** A key that is misspelt tells more than that the right one is missing. */
const worst = (issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue => issues.find(i => i.code === 'unrecognized_keys') ?? issues[0]

/** Of a union's complaints that of the branch that was meant: the one with the fewest faults, of those that are not of another type. */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code === 'invalid_key') return { ...issue, message: issue.issues[0].message }
  if (issue.code !== 'invalid_union') return issue
  const meant = issue.errors.filter(branch => branch.some(({ path, code }) => path.length > 0 || code !== 'invalid_type'))
  const [best] = (meant.length > 0 ? meant : issue.errors).toSorted((a, b) => faults(a) - faults(b))
  if (!best || (meant.length === 0 && issue.message !== 'Invalid input')) return issue
  const inner = deepest(worst(best))
  return { ...inner, path: [...issue.path, ...inner.path] }
}

const faults = (branch: readonly z.core.$ZodIssue[]): number =>
  branch.reduce((n, issue) => n + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0)
