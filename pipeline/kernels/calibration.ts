/** How far the margins of a model can be believed. A positive margin agrees with the label. */
import { pairAuc } from './auc.ts'
import { fitPairLogistic, sigmoid } from './logistic.ts'

/** p = sigmoid(margin * scale), and how much the model counts beside others. */
export type Calibration = {
  /** 1 / temperature; 0 where margins say nothing of the labels. */
  readonly scale: number
  readonly weight: number
}

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

const BINS = 15

/** Bins of equal width over confidence max(p, 1 - p) (Naeini et al. 2015). */
export function calibrationError(margins: Float64Array): CalibrationError {
  const confidence = new Float64Array(BINS)
  const right = new Float64Array(BINS)
  let brier = 0
  for (const m of margins) {
    const p = sigmoid(m)
    const sure = Math.max(p, 1 - p)
    const bin = Math.min(BINS - 1, Math.floor((sure - 0.5) * 2 * BINS))
    confidence[bin] += sure
    right[bin] += p > 0.5 ? 1 : p === 0.5 ? 0.5 : 0
    brier += (1 - p) ** 2
  }
  let ece = 0
  for (let b = 0; b < BINS; b++) ece += Math.abs(confidence[b] - right[b])
  const n = Math.max(1, margins.length)
  return { ece: ece / n, brier: brier / n }
}
