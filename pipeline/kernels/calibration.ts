/** How far the margins of a model can be believed. A positive margin agrees with the label. */
import { logLoss, sigmoid } from './logistic.ts'

const LEAST_LOG = Math.log(1e-4)
const MOST_LOG = Math.log(1e6)
const NARROWED = 60
const GOLDEN = (Math.sqrt(5) - 1) / 2

/**
 * T = argmin mean log(1 + exp(-m / T)) (Guo et al. 2017, on pairs), by golden section over log T, where it has one minimum. Infinity where
 * no finite T beats saying .5 of every pair.
 */
export function temperatureOf(margins: Float64Array): number {
  let squares = 0
  for (const m of margins) squares += m * m
  const unit = Math.sqrt(squares / Math.max(1, margins.length))
  if (!(unit > 0)) return Number.POSITIVE_INFINITY
  const loss = (log: number): number => meanLoss(margins, unit * Math.exp(log))
  let low = LEAST_LOG
  let high = MOST_LOG
  for (let i = 0; i < NARROWED; i++) {
    const a = high - GOLDEN * (high - low)
    const b = low + GOLDEN * (high - low)
    if (loss(a) <= loss(b)) high = b
    else low = a
  }
  const best = (low + high) / 2
  return loss(best) < Math.LN2 - 1e-9 && best < MOST_LOG - 1 ? unit * Math.exp(best) : Number.POSITIVE_INFINITY
}

/** With two pairs more, one right and one wrong, of margins like the others': a few pairs that all agree prove little. */
function meanLoss(margins: Float64Array, temperature: number): number {
  const n = margins.length
  let loss = 0
  for (const m of margins) loss += (1 + 2 / n) * logLoss(m / temperature) + m / temperature / n
  return loss / (n + 2)
}

/** Share of margins above 0, those at 0 counted half. */
export function accuracyOf(margins: Float64Array): number {
  let right = 0
  for (const m of margins) right += m > 0 ? 1 : m === 0 ? 0.5 : 0
  return margins.length > 0 ? right / margins.length : 0.5
}

/** Expected calibration error and Brier score of probabilities that labels are right, each pair seen from both sides. */
export interface CalibrationError {
  readonly ece: number
  readonly brier: number
}

const BINS = 15

/** Bins of equal width over confidence max(p, 1 - p) (Naeini et al. 2015). */
export function calibrationError(margins: Float64Array, temperature: number): CalibrationError {
  const confidence = new Float64Array(BINS)
  const right = new Float64Array(BINS)
  let brier = 0
  for (const m of margins) {
    const p = sigmoid(m / temperature)
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
