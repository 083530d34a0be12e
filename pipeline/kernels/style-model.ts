/** What style says of a label: boosted trees on style differences, cross-fitted, and calibrated on what they did not see. */
import type { Binned } from './binned.ts'
import { type Forest, fitForest, forestMargins } from './boosted-trees.ts'
import { fitPairLogistic } from './logistic.ts'
import { binStyle, styleCuts } from './style-bins.ts'
import type { StyleDifferences } from './style-differences.ts'
import type { TreeParams } from './tree-growth.ts'

export const FOLDS = 5

/** Pairs with the fold of each: pairs of one prompt are in one fold. */
export interface StyleRows extends StyleDifferences {
  readonly rows: number
  readonly fold: Uint8Array
}

export interface StyleModel {
  readonly cuts: Float32Array
  /** forests[f] has not seen the pairs of fold f. */
  readonly forests: readonly Forest[]
  /** By what margins are multiplied to be log-odds. */
  readonly slope: number
}

/** Large enough for length and Markdown to interact, small enough to be fitted in a second on 10,000 pairs. */
export const TREES: TreeParams = { trees: 40, depth: 5, rate: 0.15, ridge: 1, least_curvature: 3 }

const SLOPE_RIDGE = 1

/** The model of these pairs; `margins` are the log-odds that style gives each label, by the forest that has not seen it. */
export function fitStyleModel(rows: StyleRows): { model: StyleModel; margins: Float64Array } {
  const cuts = styleCuts(rows)
  const binned = binStyle(rows, cuts)
  const forests = Array.from({ length: FOLDS }, (_, fold) => fitForest(binned, rowsOutside(rows.fold, fold), TREES))
  const raw = marginsOf(binned, forests, rows.fold)
  const slope = slopeOf(raw)
  return { model: { cuts, forests, slope }, margins: raw.map(margin => margin * slope) }
}

/** The log-odds of each label, by the forest that has not seen the pair's fold. */
export function styleMargins(
  { cuts, forests, slope }: StyleModel,
  rows: Pick<StyleRows, 'differences' | 'context' | 'fold'>,
): Float64Array {
  return marginsOf(binStyle(rows, cuts), forests, rows.fold).map(margin => margin * slope)
}

function marginsOf(binned: Binned, forests: readonly Forest[], fold: Uint8Array): Float64Array {
  const margins = new Float64Array(fold.length)
  for (let f = 0; f < FOLDS; f++) scatter(margins, rowsInside(fold, f), rows => forestMargins(forests[f], binned, rows))
  return margins
}

/** Sets values[index[i]] to value i of what is made for the index. */
export function scatter(values: Float64Array, index: Int32Array, make: (index: Int32Array) => Float64Array): void {
  const made = make(index)
  for (let i = 0; i < index.length; i++) values[index[i]] = made[i]
}

/** Trees of small samples promise too much; where they promise nothing the slope is 0. */
function slopeOf(margins: Float64Array): number {
  const { weights, sizes } = fitPairLogistic({ width: 1, values: margins }, Int32Array.from(margins.keys()), SLOPE_RIDGE)
  return Math.max(0, weights[0] / sizes[0])
}

export const rowsInside = (fold: Uint8Array, wanted: number): Int32Array => rowsWhere(fold, wanted, true)
export const rowsOutside = (fold: Uint8Array, excluded: number): Int32Array => rowsWhere(fold, excluded, false)

function rowsWhere(fold: Uint8Array, named: number, inside: boolean): Int32Array {
  const rows = new Int32Array(fold.length)
  let count = 0
  for (let row = 0; row < fold.length; row++) if ((fold[row] === named) === inside) rows[count++] = row
  return rows.slice(0, count)
}
