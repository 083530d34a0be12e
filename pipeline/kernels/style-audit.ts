/** How much style alone says of the labels of a set of pairs, weighted or not. */

import { rankedAuc } from './auc.ts'
import type { Binned } from './binned.ts'
import { fitForest, forestMargins } from './boosted-trees.ts'
import { solveCholesky } from './cholesky.ts'
import { bootstrapWeights } from './intervals.ts'
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
import { mix32 } from './mix.ts'
import { hash32 } from './random.ts'
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
  /** 95 %, by a bootstrap of prompts with the models as they are. */
  readonly intervals: Readonly<Partial<Record<StyleFigure, readonly [low: number, high: number]>>>
}

const RESAMPLES = 200

/**
 * An audit of these pairs, which may be asked of several weights. `group` = the prompt of each row; `first`: 1 where the chosen response was
 * shown first, -1 where the rejected one was, 0 where nothing is known.
 */
export function styleAuditor(rows: StyleRows, group: Int32Array, first: Float32Array, seed: number): (weights?: Float64Array) => StyleBias {
  const differences = { width: styleFeatures.length, values: rows.differences }
  const unlooked = unseenOf(rows)
  const binned = binStyle(rows, styleCuts(rows))
  const even = new Float64Array(rows.rows).fill(1)
  return given => {
    const { margins: linear } = crossFitLinear(differences, rows.fold, given)
    const weights = given ?? even
    const figures: Record<string, (weights: Float64Array) => number> = {
      linear_auc: rankedAuc(linear),
      tree_auc: rankedAuc(crossFitTrees(binned, rows.fold, given)),
      unseen_auc: rankedAuc(crossFitLinear(unlooked, rows.fold, given).margins),
      mcfadden_r2: mcfadden(linear),
      longer: shareOf(rows.longer),
      more_markdown: shareOf(rows.more_markdown),
      ...(first.some(sign => sign !== 0) && { first: shareOf(first) }),
    }
    const values = Object.fromEntries(Object.entries(figures).map(([name, figure]) => [name, figure(weights)]))
    const intervals = Object.entries(bootstrapWeights(figures, weights, group, seed, RESAMPLES))
    return {
      effective_share: given ? effectiveShare(given) : 1,
      ...values,
      intervals: Object.fromEntries(intervals.map(([name, { low, high }]) => [name, [low, high]])),
    } as unknown as StyleBias
  }
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

function mcfadden(margins: Float64Array): (weights: Float64Array) => number {
  const losses = margins.map(logLoss)
  return weights => {
    let [loss, total] = [0, 0]
    for (let i = 0; i < losses.length; i++) {
      loss += weights[i] * losses[i]
      total += weights[i]
    }
    return total > 0 ? 1 - loss / (total * Math.LN2) : 0
  }
}

const shareOf =
  (signs: Float32Array) =>
  (weights: Float64Array): number => {
    let [won, differing] = [0, 0]
    for (let i = 0; i < signs.length; i++) {
      if (signs[i] === 0) continue
      differing += weights[i]
      if (signs[i] > 0) won += weights[i]
    }
    return differing > 0 ? won / differing : 0.5
  }

export interface Coefficient {
  /** Change of log-odds for a difference of the feature's usual size, with a 95 % interval. */
  readonly beta: number
  readonly low: number
  readonly high: number
}

const REPLICATES = 200

/**
 * The plain model's coefficients on all pairs, by feature. Intervals are percentiles of a bootstrap by `group`, each replicate one Newton step
 * from the fit with groups drawn by Poisson(1), which is the bootstrap to first order and needs no refit.
 */
export function coefficients(rows: StyleRows, group: Int32Array, seed: number): Coefficient[] {
  const d = { width: styleFeatures.length, values: rows.differences }
  const fit = fitPairLogistic(d, Int32Array.from(rows.fold.keys()), RIDGE)
  const slopes = groupSlopes(d, fit, group)
  const replicates = Array.from({ length: REPLICATES }, (_, r) => replicate(fit, slopes, seed, r))
  return Array.from(fit.weights, (beta, k) => {
    const drawn = Float64Array.from(replicates, weights => weights[k]).sort()
    return { beta, low: drawn[Math.floor(0.025 * REPLICATES)], high: drawn[Math.ceil(0.975 * REPLICATES) - 1] }
  })
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

function replicate({ weights, factor }: LogisticFit, slopes: Float64Array, seed: number, number: number): Float64Array {
  const width = weights.length
  const pull = new Float64Array(width)
  const key = hash32(seed, number, POISSON)
  for (let g = 0, at = 0; at < slopes.length; g++, at += width) {
    const extra = poisson(mix32(Math.imul(g, 0x9e3779b1) ^ key)) - 1
    if (extra !== 0) for (let k = 0; k < width; k++) pull[k] += extra * slopes[at + k]
  }
  const step = solveCholesky(factor, pull)
  return weights.map((w, k) => w + step[k])
}

const POISSON = 0x9015504

/** Below which 32 random bits Poisson(1) is 0, 1, 2, ... */
const levels = Array.from({ length: 20 }, (_, count) => {
  let chance = Math.exp(-1)
  let below = chance
  for (let k = 1; k <= count; k++) below += chance /= k
  return below * 2 ** 32
})

function poisson(bits: number): number {
  let count = 0
  while (count < levels.length && bits >= levels[count]) count++
  return count
}
