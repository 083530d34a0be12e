/** Problems for reward models: one right response with k wrong ones, a pair, or a grid of styles, each with the scores of models. */
import { nameOf } from '../codecs/row-source.ts'
import { type Grid, type Placed, placedByScores, placedByWins } from '../kernels/rank-audit.ts'
import { stepRules, stepScore } from '../kernels/step-scores.ts'
import { firstOf, isObject, wrong } from './fields.ts'
import { FieldError, type Row } from './format.ts'
import { RESPONSES } from './scored.ts'

/** What one model said of one problem; nothing where a score is missing. */
export interface Said {
  readonly model: string
  readonly placed: readonly Placed[]
  /** Right less wrong, of every two. */
  readonly margins: readonly number[]
  readonly grid?: Grid
}

export interface Problem {
  readonly said: readonly Said[]
  /** Models with a missing score. */
  readonly unscored: readonly string[]
}

export const PROBLEM_NEEDS =
  'scores: {model: [one a response]} with correct_index (default 0); a pair with scores: {model: [of chosen, of rejected]}; or score_chosen + score_rejected of one model, each a number or a list by style'

const CHOSEN = ['score_chosen', 'scores_chosen'] as const
const REJECTED = ['score_rejected', 'scores_rejected'] as const
/** Fields that list the responses of a problem. */
export const LISTS = ['solutions', ...RESPONSES] as const

/** `fallback` is the name of the model in rows that hold the scores of one and do not name it. */
export function problemOf(row: Row, fallback: string): Problem {
  const [chosen, rejected] = [firstOf(row, CHOSEN), firstOf(row, REJECTED)]
  if (chosen && rejected) {
    const model = typeof row.model === 'string' ? nameOf(row.model) : fallback
    return gathered([[model, sidesSaid(row[chosen], row[rejected], chosen, rejected)]])
  }
  if (!isObject(row.scores)) throw new FieldError('scores', `expected ${PROBLEM_NEEDS}`)
  const entries = Object.entries(row.scores).filter(([, value]) => value !== null)
  if (entries.length === 0) throw new FieldError('scores', 'expected the scores of at least one model')
  const isPair = 'chosen' in row && 'rejected' in row && row.correct_index === undefined
  const count = isPair ? 2 : responsesOf(row, entries)
  const right = isPair ? 0 : rightOf(row, count)
  return gathered(entries.flatMap(([model, value]) => saidBy(model, value, count, right)))
}

type Spoken = Omit<Said, 'model'> | undefined

function gathered(spoken: readonly (readonly [string, Spoken])[]): Problem {
  return {
    said: spoken.flatMap(([model, said]) => (said ? [{ model, ...said }] : [])),
    unscored: spoken.flatMap(([model, said]) => (said ? [] : [model])),
  }
}

/** How many responses a problem has: those it lists, else as many as the longest list of scores. */
function responsesOf(row: Row, entries: readonly (readonly [string, unknown])[]): number {
  const name = firstOf(row, LISTS)
  const list = name ? row[name] : undefined
  const count = Array.isArray(list) ? list.length : Math.max(...entries.map(([, value]) => (Array.isArray(value) ? value.length : 0)))
  if (count < 2) throw new FieldError(name ?? 'scores', `expected at least two responses a problem, got ${count}`)
  return count
}

function rightOf({ correct_index = 0 }: Row, count: number): number {
  if (typeof correct_index === 'number' && Number.isInteger(correct_index) && correct_index >= 0 && correct_index < count)
    return correct_index
  throw wrong('correct_index', `a whole number from 0 to ${count - 1}`, correct_index)
}

function saidBy(model: string, value: unknown, count: number, right: number): [string, Spoken][] {
  const field = `scores.${model}`
  if (isObject(value)) return [[model, sidesSaid(value.chosen, value.rejected, `${field}.chosen`, `${field}.rejected`)]]
  if (!Array.isArray(value)) throw wrong(field, `a list of ${count} scores`, value)
  if (value.length > 0 && value.every(Array.isArray)) return stepsSaid(model, value as unknown[][], count, right, field)
  const scores = numbersAt(value, field)
  if (scores.length === count) return [[model, listSaid(scores, right)]]
  const wins = scores.filter(isScored)
  if (count > 2 && scores.length === count - 1 && wins.every(w => w >= 0 && w <= 1)) return [[model, winsSaid(scores)]]
  throw new FieldError(
    field,
    `expected ${count} scores, one a response, or ${count - 1} results from 0 to 1 of the right response against each other one, got ${scores.length}`,
  )
}

/** Scores of steps become one model for every rule that makes one score of them. */
function stepsSaid(model: string, steps: readonly unknown[][], count: number, right: number, field: string): [string, Spoken][] {
  if (steps.length !== count) throw new FieldError(field, `expected the steps of ${count} responses, got ${steps.length}`)
  const numbers = steps.map((of, i) => numbersAt(of, `${field}.${i}`))
  return stepRules.map(rule => [
    `${model}:${rule}`,
    listSaid(
      numbers.map(of => stepScore(rule, of)),
      right,
    ),
  ])
}

const isScored = (score: number): boolean => !Number.isNaN(score)

/** Numbers of a list; NaN where one is null. */
function numbersAt(list: readonly unknown[], field: string): number[] {
  return list.map((value, i) => {
    if (value === null) return Number.NaN
    if (typeof value === 'boolean') return value ? 1 : 0
    const number = typeof value === 'bigint' ? Number(value) : value
    if (typeof number !== 'number') throw wrong(`${field}.${i}`, 'a number or null', value)
    return number
  })
}

function listSaid(scores: readonly number[], right: number): Spoken {
  if (!scores.every(isScored)) return undefined
  const others = scores.filter((_, i) => i !== right)
  return { placed: [placedByScores(scores[right], others)], margins: others.map(r => scores[right] - r) }
}

function winsSaid(wins: readonly number[]): Spoken {
  return wins.every(isScored) ? { placed: [placedByWins(wins)], margins: wins.map(w => 2 * w - 1) } : undefined
}

/** Two numbers are a pair, two lists of one length a grid of styles, every cell of which is a pair. */
function sidesSaid(chosen: unknown, rejected: unknown, chosenField: string, rejectedField: string): Spoken {
  if (!Array.isArray(chosen) || !Array.isArray(rejected)) {
    const [c, r] = [...numbersAt([chosen ?? null], chosenField), ...numbersAt([rejected ?? null], rejectedField)]
    return listSaid([c, r], 0)
  }
  const [of, against] = [numbersAt(chosen, chosenField), numbersAt(rejected, rejectedField)]
  if (of.length !== against.length || of.length === 0)
    throw new FieldError(rejectedField, `expected as many scores as there are of the chosen side (${of.length}), got ${against.length}`)
  if (![...of, ...against].every(isScored)) return undefined
  const cells = of.flatMap(c => against.map(r => [c, r] as const))
  return {
    placed: cells.map(([c, r]) => placedByScores(c, [r])),
    margins: cells.map(([c, r]) => c - r),
    ...(of.length > 1 ? { grid: { chosen: of, rejected: against } } : {}),
  }
}
