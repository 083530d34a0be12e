/** How far the margins of a model can be believed. A positive margin agrees with the label. */
import { pairAuc } from './auc.ts'
import { isotonic, type Knots, levelAt } from './isotonic.ts'
import { fitPairLogistic, sigmoid } from './logistic.ts'

/** p = sigmoid(margin * scale), and how much the model counts beside others. Plain values: may be stored as JSON. */
export type Calibration = {
  /** 1 / temperature; 0 where margins say nothing of the labels. */
  readonly scale: number
  readonly weight: number
  /** Stand in place of the scale. */
  readonly knots?: Knots
}

/** That the label is right, after a model's margin. */
export const probabilityOf = ({ scale, knots }: Calibration, margin: number): number =>
  knots ? levelAt(knots, margin) : sigmoid(margin * scale)

/** The same calibration by a curve that only has to rise with the margin. */
export const withKnots = (calibration: Calibration, margins: Float64Array): Calibration =>
  calibration.scale > 0 ? { ...calibration, knots: isotonic(margins) } : calibration

export const UNCALIBRATED: Calibration = { scale: 0, weight: 0 }

/**
 * The scale that fits, and as weight the area under the curve above one half, less its standard error where there is nothing to find: a
 * model that is no better than chance counts for nothing.
 */
export function fitCalibration(margins: Float64Array): Calibration {
  if (margins.length === 0) return UNCALIBRATED
  const weight = pairAuc(margins) - 0.5 - 1 / Math.sqrt(3 * margins.length)
  const scale = scaleOf(margins)
  return weight > 0 && scale > 0 ? { scale, weight } : UNCALIBRATED
}

/** A weak pull of the scale to 0: a few pairs that all agree prove little. */
const RIDGE = 1

/** 1 / T of T = argmin mean log(1 + exp(-m / T)) (Guo et al. 2017, on pairs); 0 where no positive T beats saying .5 of every pair. */
export function scaleOf(margins: Float64Array): number {
  const { weights, sizes } = fitPairLogistic({ width: 1, values: margins }, Int32Array.from(margins.keys()), RIDGE)
  return Math.max(0, weights[0] / sizes[0])
}

/** Share of margins above 0, those at 0 counted half. */
export function accuracyOf(margins: Float64Array): number {
  let right = 0
  for (const m of margins) right += m > 0 ? 1 : m === 0 ? 0.5 : 0
  return margins.length > 0 ? right / margins.length : 0.5
}

/** Expected calibration error and Brier score of sigmoid(margin) as the probability that a label is right. */
export interface CalibrationError {
  readonly ece: number
  readonly brier: number
}

/** One bin of a reliability diagram: the mean probability that a model gives the side it prefers, and how often that side is the right one. */
export type ReliabilityBin = { readonly p: number; readonly n: number; readonly right: number }
export interface Reliability extends CalibrationError {
  /** Those that hold anything, by rising p. */
  readonly bins: readonly ReliabilityBin[]
}

const BINS = 15

/** Of probabilities given to the right side: bins of equal width over confidence max(p, 1 - p) (Naeini et al. 2015). */
export function reliabilityOf(probabilities: Float64Array): Reliability {
  const confidence = new Float64Array(BINS)
  const count = new Int32Array(BINS)
  const right = new Float64Array(BINS)
  let brier = 0
  for (const p of probabilities) {
    const sure = Math.max(p, 1 - p)
    const bin = Math.min(BINS - 1, Math.floor((sure - 0.5) * 2 * BINS))
    confidence[bin] += sure
    count[bin]++
    right[bin] += p > 0.5 ? 1 : p === 0.5 ? 0.5 : 0
    brier += (1 - p) ** 2
  }
  let ece = 0
  for (let b = 0; b < BINS; b++) ece += Math.abs(confidence[b] - right[b])
  const n = Math.max(1, probabilities.length)
  const bins = Array.from(count, (of, b) => ({ p: confidence[b] / of, n: of, right: right[b] })).filter(bin => bin.n > 0)
  return { ece: ece / n, brier: brier / n, bins }
}

/** The same of sigmoid(margin). */
export const calibrationError = (margins: Float64Array): Reliability => reliabilityOf(margins.map(sigmoid))
