/** Audits reward models on files of problems: who puts the right response first, how often, and how far their margins can be believed. */
import { isText, nameOf, type Row, stringOf } from './codecs/row-source.ts'
import { readRows } from './codecs/source.ts'
import { UserError } from './errors.ts'
import type { NamedFile } from './files.ts'
import { isObject } from './formats/fields.ts'
import { FieldError } from './formats/format.ts'
import { PROBLEM_NEEDS, type Problem, problemOf } from './formats/problems.ts'
import { type CalibrationError, calibrationError, scaleOf } from './kernels/calibration.ts'
import {
  type Grid,
  type GridFigures,
  gridFigures,
  type Placed,
  type RankFigures,
  type RankMeans,
  rankFigures,
  rankMeans,
} from './kernels/rank-audit.ts'

export interface ModelAudit extends RankFigures {
  readonly model: string
  /** Problems without a score of this model; they count nowhere. */
  readonly unscored: number
  /** `excess` as a share of that of all models. */
  readonly weight: number
  /** The T of sigmoid(margin / T) that fits best; null where margins say nothing of what is right. */
  readonly temperature: number | null
  readonly before: CalibrationError
  readonly after: CalibrationError
  readonly grid?: GridFigures
  /** By name; empty where all problems are of one category. */
  readonly categories: Readonly<Record<string, RankMeans>>
}

export interface RewardAudit {
  readonly files: readonly string[]
  readonly problems: number
  /** Pairs marked as ties, which have no right side. */
  readonly ties_left_out: number
  readonly categories: readonly string[]
  /** Best first. */
  readonly models: readonly ModelAudit[]
}

export interface AuditOptions {
  /** The field that names a row's category; by default the first of a few usual ones that the row has. */
  readonly by?: string
  readonly seed: number
  /** Adds scores to rows, where models are asked on the spot. */
  readonly score?: (rows: readonly PlacedRow[]) => Promise<readonly Row[]>
}

/** `at`: file and number of the row, for complaints. */
export interface PlacedRow {
  readonly row: Row
  readonly at: string
}

const CATEGORIES = ['category', 'domain', 'subset', 'section', 'task'] as const

interface Collected {
  readonly placed: Placed[]
  readonly group: number[]
  readonly category: string[]
  readonly margins: number[]
  readonly grids: Grid[]
  unscored: number
}

export async function auditRewards(files: readonly NamedFile[], options: AuditOptions): Promise<RewardAudit> {
  const models = new Map<string, Collected>()
  const groups = new Map<string, number>()
  const categories = new Set<string>()
  let [problems, ties_left_out] = [0, 0]
  for (const file of files)
    for await (const { row, at } of rowsIn(file, options)) {
      if (row.tie === true) {
        ties_left_out++
        continue
      }
      const category = categoryOf(row, options.by, at)
      categories.add(category)
      collect(models, problemIn(row, file, at), category, groupOf(row, at, groups))
      problems++
    }
  if (problems === 0) throw new UserError(`${files[0].shown}: no problems to audit on: expected rows with ${PROBLEM_NEEDS}`)
  const audited = [...models].map(([model, collected]) => auditOf(model, collected, options.seed))
  const total = audited.reduce((sum, { excess }) => sum + excess, 0)
  return {
    files: files.map(({ shown }) => shown),
    problems,
    ties_left_out,
    categories: [...categories].sort(),
    models: audited
      .map(one => ({ ...one, weight: total > 0 ? one.excess / total : 0 }))
      .sort((a, b) => b.mrr - a.mrr || b.accuracy - a.accuracy || (a.model < b.model ? -1 : 1)),
  }
}

async function* rowsIn({ path, shown }: NamedFile, { score }: AuditOptions): AsyncGenerator<PlacedRow> {
  for await (const chunk of readRows(path, shown)) {
    const rows = chunk.map(read => {
      const at = `${shown}: row ${read.row}`
      if ('error' in read) throw new UserError(`${at}: ${read.error.field === '' ? '' : `${read.error.field}: `}${read.error.error}`)
      if (!isObject(read.value)) throw new UserError(`${at}: expected an object with ${PROBLEM_NEEDS}`)
      return { row: read.value as Row, at }
    })
    const scored = score ? await score(rows) : rows.map(({ row }) => row)
    for (const [i, { at }] of rows.entries()) yield { row: scored[i], at }
  }
}

function problemIn(row: Row, { shown }: NamedFile, at: string): Problem {
  try {
    return problemOf(row, shown.replace(/^.*\//, '').replace(/\..*$/, ''))
  } catch (error) {
    if (error instanceof FieldError) throw new UserError(`${at}: ${error.field}: ${error.message}`)
    throw error
  }
}

function categoryOf(row: Row, by: string | undefined, at: string): string {
  const name = by ?? CATEGORIES.find(field => isText(row[field]))
  if (name === undefined) return ''
  const value = row[name]
  if (isText(value)) return nameOf(value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new UserError(
    `${at}: ${name}: expected text or a number to group by (--by ${name}), got ${value === undefined ? 'nothing' : typeof value}`,
  )
}

/** Rows of one prompt are one group; a row without a prompt is its own. */
function groupOf({ prompt }: Row, at: string, groups: Map<string, number>): number {
  const key = prompt === undefined || prompt === null ? at : isText(prompt) ? stringOf(prompt) : JSON.stringify(prompt)
  const group = groups.get(key) ?? groups.size
  groups.set(key, group)
  return group
}

function collect(models: Map<string, Collected>, { said, unscored }: Problem, category: string, group: number): void {
  for (const model of unscored) collectedOf(models, model).unscored++
  for (const { model, placed, margins, grid } of said) {
    const collected = collectedOf(models, model)
    for (const one of placed) {
      collected.placed.push(one)
      collected.group.push(group)
      collected.category.push(category)
    }
    for (const margin of margins) if (Number.isFinite(margin)) collected.margins.push(margin)
    if (grid) collected.grids.push(grid)
  }
}

function collectedOf(models: Map<string, Collected>, model: string): Collected {
  let collected = models.get(model)
  if (!collected) models.set(model, (collected = { placed: [], group: [], category: [], margins: [], grids: [], unscored: 0 }))
  return collected
}

function auditOf(
  model: string,
  { placed, group, category, margins, grids, unscored }: Collected,
  seed: number,
): Omit<ModelAudit, 'weight'> {
  if (placed.length === 0) throw new UserError(`model ${model}: no problem has all its scores; mend or leave out its scores`)
  const all = Float64Array.from(margins)
  const scale = scaleOf(all)
  const sizes = new Set(grids.map(({ chosen }) => chosen.length))
  const by = new Map<string, Placed[]>()
  for (const [i, one] of placed.entries()) {
    const of = by.get(category[i])
    if (of) of.push(one)
    else by.set(category[i], [one])
  }
  return {
    model,
    unscored,
    ...rankFigures(placed, group, seed),
    temperature: scale > 0 ? 1 / scale : null,
    before: calibrationError(all),
    after: calibrationError(all.map(m => m * scale)),
    ...(sizes.size === 1 ? { grid: gridFigures(grids) } : {}),
    categories: by.size > 1 ? Object.fromEntries([...by].sort().map(([name, of]) => [name, rankMeans(of)])) : {},
  }
}
