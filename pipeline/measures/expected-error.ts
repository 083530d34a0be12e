/** How often the decisions of models are wrong, by what people said of a sample of them. */
import { type Batch, columnsOf } from '../batch.ts'
import { inOrder } from '../gather.ts'
import { type Cell, cellShare, shareOf } from '../kernels/audit-estimate.ts'
import type { Interval } from '../kernels/intervals.ts'
import { textGroups } from '../kernels/text-groups.ts'
import { outcomes } from '../pair.ts'
import type { Json, Part } from '../stage.ts'

/** Fewer answers prove nothing of turned labels. */
const FEWEST_ANSWERS = 10

/** Labels that models may turn: all that they would; those alone that a model of gold is against; none. */
export type Turns = 'all' | 'gold' | 'none'

/**
 * Audited pairs and those whose label models would turn, answered or not. `outcome`: place in `outcomes` of what models decide; `said`: one of
 * SAID; `alone`: 1 where models would turn the label without voters; `audited`: 1 with its inclusion probability and stratum.
 */
export const decided = {
  ordinal: 'i32',
  outcome: 'i32',
  said: 'i32',
  alone: 'i32',
  p_mean: 'f32',
  audited: 'i32',
  inclusion_probability: 'f64',
  stratum: 'utf8',
} as const
export const SAID = { nothing: 0, right: 1, wrong: 2 } as const

const FLIP = outcomes.indexOf('flip')

/** By outcome the share of wrong decisions with an interval of 95 %; state: which labels models may turn. */
export function expectedError(min_flip_precision: number, rows: Batch): Part {
  const all = columnsOf(inOrder(rows), decided)
  const { outcome, said, alone } = all
  const answers = said.values.filter(s => s !== SAID.nothing).length
  const flips = Int32Array.from(outcome.values.keys()).filter(i => outcome.values[i] === FLIP)
  const turns = turnsBy(
    min_flip_precision,
    cellsOf(
      all,
      flips.filter(i => alone.values[i] === 1),
    ),
  )
  if (answers === 0) return { state: { turns: turns.turns } }
  const expected_error: Record<string, Json> = {}
  for (const [end, name] of outcomes.entries()) {
    const error = end === FLIP ? errorOfFlips(cellsOf(all, flips)) : errorOfAudited(all, end)
    if (error) expected_error[name] = error
  }
  return { facts: { answers, expected_error, ...(turns.warning ? { warnings: [turns.warning] } : {}) }, state: { turns: turns.turns } }
}

type Rows = ReturnType<typeof columnsOf<typeof decided>>

/** Answers that a cell should have, and cells at most. */
const ANSWERS_PER_CELL = 5
const MOST_CELLS = 8

/**
 * Pairs by p_mean, about as many to a cell: doubtful pairs are asked about first, so answers stand for pairs of about the same p_mean alone
 * (post-stratified: Cochran 1977, 5A.9).
 */
function cellsOf({ p_mean, said }: Rows, index: Int32Array): Cell[] {
  const answered = index.filter(i => said.values[i] !== SAID.nothing).length
  const count = Math.max(1, Math.min(MOST_CELLS, Math.floor(answered / ANSWERS_PER_CELL)))
  const sorted = Float32Array.from(index, i => p_mean.values[i]).sort()
  const borders = Array.from({ length: count - 1 }, (_, k) => sorted[Math.floor(((k + 1) * sorted.length) / count)])
  const cells = Array.from({ length: count }, () => ({ pairs: 0, n: 0, right: 0 }))
  for (const i of index) {
    const cell = cells[borders.filter(border => border <= p_mean.values[i]).length]
    cell.pairs++
    if (said.values[i] !== SAID.nothing) cell.n++
    if (said.values[i] === SAID.right) cell.right++
  }
  return cells.filter(({ pairs }) => pairs > 0)
}

function errorOfFlips(cells: readonly Cell[]): Json | undefined {
  const { share, ...interval } = cellShare(cells)
  return share === null
    ? undefined
    : errorOf(
        cells.reduce((sum, { n }) => sum + n, 0),
        share,
        interval,
      )
}

/** Of what was not audited nothing is taken: it was drawn because its labels were doubtful. */
function errorOfAudited({ outcome, said, audited, inclusion_probability, stratum }: Rows, end: number): Json | undefined {
  const { of, count } = textGroups(stratum, outcome.values.length)
  const drawn = new Array<number>(count).fill(0)
  const index = Int32Array.from(outcome.values.keys()).filter(i => audited.values[i] === 1)
  for (const i of index) drawn[of[i]]++
  const answered = Array.from(
    index.filter(i => said.values[i] !== SAID.nothing),
    i => ({
      stratum: of[i],
      inclusion_probability: inclusion_probability.values[i],
      member: outcome.values[i] === end,
      right: said.values[i] === SAID.right,
    }),
  )
  const share = shareOf(answered, drawn)
  return share && errorOf(share.n, share.share, share)
}

const errorOf = (n: number, right: number, { low, high }: Interval): Json => ({
  n,
  error: rounded(1 - right),
  low: rounded(1 - high),
  high: rounded(1 - low),
})

function turnsBy(min_flip_precision: number, cells: readonly Cell[]): { readonly turns: Turns; readonly warning?: string } {
  if (min_flip_precision === 0) return { turns: 'all' }
  const n = cells.reduce((sum, cell) => sum + cell.n, 0)
  if (n < FEWEST_ANSWERS) return { turns: 'gold' }
  if (cells.some(cell => cell.n === 0))
    return {
      turns: 'gold',
      warning: 'people answered on too few kinds of the labels that models would turn (by p_mean): models turned none of them yet',
    }
  if (cellShare(cells).share! > min_flip_precision) return { turns: 'all' }
  return {
    turns: 'none',
    warning:
      'people support too few of the labels that models would turn (min_flip_precision): models turned none, those pairs are in review',
  }
}

const rounded = (share: number): number => Number(share.toFixed(4))
