/** How much style alone says of the labels of a set of pairs, weighted or not. */

import { pairAucSlopes } from './auc.ts'
import type { Binned } from './binned.ts'
import { fitForest, forestMargins } from './boosted-trees.ts'
import { solveCholesky } from './cholesky.ts'
import { slopesIntervals } from './intervals.ts'
import {
  type Differences,
  fitPairLogistic,
  fitWithoutFolds,
  type LogisticFit,
  logLoss,
  marginOf,
  sigmoid,
  type Weights,
} from './logistic.ts'
import { binStyle, styleCuts } from './style-bins.ts'
import { styleFeatures, unseen } from './style-features.ts'
import { FOLDS, rowsInside, rowsOutside, type StyleRows, scatter } from './style-model.ts'
import { effectiveShare } from './style-weights.ts'
import type { TreeParams } from './tree-growth.ts'

/** Strength of the ridge of the audit's plain fit (LMArena's style control). */
const RIDGE = 0.5
/** Other trees than the controller's. */
const AUDIT_TREES: TreeParams = { trees: 25, depth: 4, rate: 0.2, ridge: 1, least_curvature: 3 }

/** Figures of how labels follow style. Models are fitted to the weights on other prompts. */
const styleFigures = ['linear_auc', 'tree_auc', 'unseen_auc', 'mcfadden_r2', 'longer', 'more_markdown', 'first'] as const
export type StyleFigure = (typeof styleFigures)[number]

export type StyleBias = {
  /** (sum w)^2 / sum w^2 over the pairs. */
  readonly effective_share: number
  /** Of a plain model, of trees, and of a plain model of features that control never looks at. */
  readonly linear_auc: number
  readonly tree_auc: number
  readonly unseen_auc: number
  /** 1 - LL / LL0 of the plain model (McFadden 1974); below 0 where it says less than nothing of prompts that it has not seen. */
  readonly mcfadden_r2: number
  /** Of the pairs that differ in it, the share whose chosen response is longer, or has more Markdown. */
  readonly longer: number
  readonly more_markdown: number
  /** Of the pairs whose source tells which response was shown first, the share in which it was chosen; not there where none tells. */
  readonly first?: number
  /** 95 %, by the spread over prompts, with the models as they are. */
  readonly intervals: Readonly<Partial<Record<StyleFigure, readonly [low: number, high: number]>>>
}

/**
 * An audit of these pairs, which may be asked of several weights. `group` = the prompt of each row; `first`: 1 where the chosen response was
 * shown first, -1 where the rejected one was, 0 where nothing is known.
 */
export function styleAuditor(rows: StyleRows, group: Int32Array, first: Float32Array): (weights?: Float64Array) => StyleBias {
  const differences = { width: styleFeatures.length, values: rows.differences }
  const unlooked = unseenOf(rows)
  const binned = binStyle(rows, styleCuts(rows))
  const even = new Float64Array(rows.rows).fill(1)
  return given => {
    const { margins: linear } = crossFitLinear(differences, rows.fold, given)
    const weights = given ?? even
    const figures: Partial<Record<StyleFigure, Sloped>> = {
      linear_auc: pairAucSlopes(linear, weights),
      tree_auc: pairAucSlopes(crossFitTrees(binned, rows.fold, given), weights),
      unseen_auc: pairAucSlopes(crossFitLinear(unlooked, rows.fold, given).margins, weights),
      mcfadden_r2: mcfadden(linear, weights),
      longer: shareOf(rows.longer, weights),
      more_markdown: shareOf(rows.more_markdown, weights),
      ...(first.some(sign => sign !== 0) && { first: shareOf(first, weights) }),
    }
    const all = Object.entries(figures)
    return {
      effective_share: given ? effectiveShare(given) : 1,
      ...Object.fromEntries(all.map(([name, { value }]) => [name, value])),
      intervals: Object.fromEntries(all.map(([name, figure]) => [name, intervalOf(name, figure, group)])),
    } as StyleBias
  }
}

/** A figure, and by row how fast it grows with how often the row counts. */
interface Sloped {
  readonly value: number
  readonly slopes: Float64Array
}

/** By groups of rows; an area or a share does not pass 0 or 1, nor R2 1. */
function intervalOf(name: string, { value, slopes }: Sloped, group: Int32Array): readonly [number, number] {
  const groups = new Float64Array(group.reduce((most, g) => Math.max(most, g + 1), 0))
  for (let row = 0; row < group.length; row++) groups[group[row]] += slopes[row]
  const [{ low, high }] = slopesIntervals([value], groups)
  return [name === 'mcfadden_r2' ? low : Math.max(low, 0), Math.min(high, 1)]
}

/** Margins of each row by the plain model fitted to the other folds, and the fit to all; that of other weights may be given to start from. */
export function crossFitLinear(
  d: Differences,
  fold: Uint8Array,
  weights?: Float64Array,
  start?: Weights,
): { margins: Float64Array; whole: Weights } {
  const { whole, without } = fitWithoutFolds(d, fold, FOLDS, RIDGE, weights, start)
  const margins = new Float64Array(fold.length)
  for (let row = 0; row < fold.length; row++) margins[row] = marginOf(d, row, without[fold[row]])
  return { margins, whole }
}

function crossFitTrees(binned: Binned, fold: Uint8Array, weights?: Float64Array): Float64Array {
  const margins = new Float64Array(fold.length)
  for (let f = 0; f < FOLDS; f++) {
    const forest = fitForest(binned, rowsOutside(fold, f), AUDIT_TREES, weights)
    scatter(margins, rowsInside(fold, f), index => forestMargins(forest, binned, index))
  }
  return margins
}

function unseenOf({ differences, rows }: StyleRows): Differences {
  const width = unseen.length
  const values = new Float32Array(rows * width)
  const from = styleFeatures.length - width
  for (let i = 0; i < rows; i++)
    values.set(differences.subarray(i * styleFeatures.length + from, (i + 1) * styleFeatures.length), i * width)
  return { width, values }
}

/** 1 - (sum w l) / (ln 2 sum w), l = the loss of each row. */
function mcfadden(margins: Float64Array, weights: Float64Array): Sloped {
  const losses = margins.map(logLoss)
  const { value: loss, slopes } = meanOf(losses, weights, Math.LN2)
  return { value: 1 - loss / Math.LN2, slopes: slopes.map(slope => -slope / Math.LN2) }
}

/** The share that is above 0 of the signs that are not 0. */
function shareOf(signs: Float32Array, weights: Float64Array): Sloped {
  const won = Float64Array.from(signs, sign => (sign > 0 ? 1 : 0))
  const differing = weights.map((weight, i) => (signs[i] === 0 ? 0 : weight))
  return meanOf(won, differing, 0.5)
}

/** A weighted mean, `none` without weight, and its slopes w (value - mean) / sum w. */
function meanOf(values: Float64Array, weights: Float64Array, none: number): Sloped {
  let [sum, total] = [0, 0]
  for (let i = 0; i < values.length; i++) {
    sum += weights[i] * values[i]
    total += weights[i]
  }
  if (total === 0) return { value: none, slopes: new Float64Array(values.length) }
  const mean = sum / total
  return { value: mean, slopes: weights.map((weight, i) => (weight * (values[i] - mean)) / total) }
}

export interface Coefficient {
  /** Change of log-odds for a difference of the feature's usual size, with a 95 % interval. */
  readonly beta: number
  readonly low: number
  readonly high: number
}

/**
 * The plain model's coefficients on all pairs, by feature. Intervals are by `group`, whose slopes are the Newton step that the fit takes where
 * it counts once more: the bootstrap by groups to first order, without a refit.
 */
export function coefficients(rows: StyleRows, group: Int32Array): Coefficient[] {
  const d = { width: styleFeatures.length, values: rows.differences }
  const fit = fitPairLogistic(d, Int32Array.from(rows.fold.keys()), RIDGE)
  const steps = stepsOf(fit, groupSlopes(d, fit, group))
  const intervals = slopesIntervals(fit.weights, steps)
  return Array.from(fit.weights, (beta, k) => ({ beta, ...intervals[k] }))
}

/** Sum of (1 - p) d over the rows of each group: what it pulls the weights by. */
function groupSlopes({ width, values }: Differences, fit: LogisticFit, group: Int32Array): Float64Array {
  const groups = group.reduce((most, g) => Math.max(most, g + 1), 0)
  const slopes = new Float64Array(groups * width)
  for (let row = 0; row < group.length; row++) {
    const wrong = sigmoid(-marginOf({ width, values }, row, fit))
    for (let k = 0; k < width; k++) slopes[group[row] * width + k] += (wrong * values[row * width + k]) / fit.sizes[k]
  }
  return slopes
}

/** By group, the Newton step that the fit takes where the group counts once more: what it pulls, divided by the curvature. */
function stepsOf({ factor, weights }: LogisticFit, pulls: Float64Array): Float64Array {
  const width = weights.length
  const steps = new Float64Array(pulls.length)
  for (let at = 0; at < pulls.length; at += width) steps.set(solveCholesky(factor, pulls.subarray(at, at + width)), at)
  return steps
}
