/** Figures of steps that the report has no chart of its own for: numbers by their place, and series. */
import type { ManifestStep } from '../manifest.ts'
import type { Report } from './report-schema.ts'

/** Steps whose summaries are drawn in parts of their own. */
const DRAWN = new Set([
  'exact-dedup',
  'near-dup',
  'semantic-dup',
  'prompt-clusters',
  'decontaminate',
  'style-bias',
  'disagreement',
  'verification-sample',
])
const MOST_LEAVES = 200

type Leaf = number | string

export function leavesOf({ id, stage, summary }: ManifestStep): Report['facts'] {
  if (DRAWN.has(stage)) return []
  const leaves: [string, Leaf][] = []
  gather(summary, [], leaves)
  return leaves.length === 0 ? [] : [{ step: id, facts: Object.fromEntries(leaves.slice(0, MOST_LEAVES)) }]
}

function gather(value: unknown, path: readonly string[], into: [string, Leaf][]): void {
  if (typeof value === 'number' || typeof value === 'string') into.push([path.join(' · '), value])
  else if (value !== null && typeof value === 'object' && !Array.isArray(value))
    for (const [name, child] of Object.entries(value)) gather(child, [...path, name], into)
}

type Point = Readonly<Record<string, number>>

const X = ['n', 'pairs', 'answers', 'trained', 'x', 'size']

/** Lists of points under a name with "curve" in it: `x` is the column that counts, `y` the first other one. */
export function curvesOf({ id, summary }: ManifestStep): Report['curves'] {
  const curves: Report['curves'] = []
  walk(summary, [], (path, list) => {
    if (!/curve/.test(path.join(' '))) return
    const points = list.filter(isPoint)
    const x = X.find(name => points[0] && name in points[0])
    const y = Object.keys(points[0] ?? {}).find(name => name !== x)
    if (!x || !y || points.length < 2) return
    curves.push({
      step: id,
      name: path.join(' · '),
      x,
      y,
      points: points.map(point => ({ x: point[x], y: point[y] })),
    })
  })
  return curves
}

const isPoint = (value: unknown): value is Point =>
  typeof value === 'object' && value !== null && Object.values(value).every(v => typeof v === 'number')

function walk(value: unknown, path: readonly string[], see: (path: readonly string[], list: readonly unknown[]) => void): void {
  if (Array.isArray(value)) see(path, value)
  else if (value !== null && typeof value === 'object') for (const [name, child] of Object.entries(value)) walk(child, [...path, name], see)
}
