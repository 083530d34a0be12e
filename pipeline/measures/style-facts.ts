/** What the manifest and the report say of style: bias before and after control, coefficients, warnings. */
import { type Batch, columnsOf } from '../batch.ts'
import { bootstrapSums } from '../kernels/intervals.ts'
import { coefficients, type StyleBias, styleAuditor } from '../kernels/style-audit.ts'
import { styleFeatures } from '../kernels/style-features.ts'
import { mostKept } from '../kernels/style-weights.ts'
import type { Json } from '../stage.ts'
import { sampled, styleRowsOf } from './style-sample.ts'

/** A sample with what control makes of it: the weight of each pair, 0 where it leaves. */
export const audited = { ...sampled, weight: 'f64' } as const
/** Mixed into the ids of prompts where the audit deals them to folds. */
const AUDIT_FOLDS = 0x2d1f8c63

/** How the model of one sample came out. */
export type Fit = {
  readonly of: number
  readonly left: number
  readonly held_out_auc: number
  readonly large_prompts: number
  readonly clipped: number
}

export type Facts = { readonly [name: string]: Json | undefined }
export type Audit = Facts & { readonly sampled: number; readonly before?: StyleBias }

export const round = (value: number): number => Math.round(value * 1e4) / 1e4
const rounded = ({ intervals, ...figures }: StyleBias): StyleBias => {
  const values = Object.entries(figures).map(([name, value]) => [name, round(value)])
  const ranges = Object.entries(intervals).map(([name, range]) => [name, range.map(round)])
  return { ...Object.fromEntries(values), intervals: Object.fromEntries(ranges) } as StyleBias
}

/** Fewer pairs are not audited. */
export const LEAST_PAIRS = 40

/** The audit of one sample in the order of the corpus; `controlled` = some pairs weigh more than others. */
export function auditFacts(batch: Batch, seed: number, controlled: boolean): Audit {
  if (batch.rows < LEAST_PAIRS) return { sampled: batch.rows }
  const { rows, group } = styleRowsOf(batch, AUDIT_FOLDS)
  const { weight, support, first } = columnsOf(batch, audited)
  const betas = coefficients(rows, group, seed)
  const audit = styleAuditor(rows, group, first.values, seed)
  return {
    sampled: batch.rows,
    before: rounded(audit()),
    ...(controlled && { after: rounded(audit(weight.values)) }),
    betas: Object.fromEntries(styleFeatures.map((name, k) => [name, [betas[k].beta, betas[k].low, betas[k].high].map(round)])),
    ...rightness(weight.values, support.values, group, seed),
  }
}

/** What is added of a pair: known and right by what it weighs, and by what it lost of a weight of 1. */
const KEPT = 0
const KEPT_RIGHT = 1
const LOST = 2
const LOST_RIGHT = 3
const SUMS = 4

/**
 * The share of labels that votes or scores support, where there are any: control must not throw away what is right. `before` is of all, `after`
 * of what is kept, `lost` of what control took away, pair by pair up to a weight of 1. `difference` is after - lost, with an interval of 95 % by
 * `group`; null where nothing was taken away.
 */
function rightness(weights: Float64Array, support: Int32Array, group: Int32Array, seed: number): Facts {
  const sums = new Map<number, Float64Array>()
  let [known, right] = [0, 0]
  support.forEach((sign, i) => {
    if (sign === 0) return
    known++
    const sum = sums.get(group[i]) ?? new Float64Array(SUMS)
    sums.set(group[i], sum)
    const [kept, lost] = [weights[i], Math.max(0, 1 - weights[i])]
    sum[KEPT] += kept
    sum[LOST] += lost
    if (sign < 0) return
    right++
    sum[KEPT_RIGHT] += kept
    sum[LOST_RIGHT] += lost
  })
  if (known === 0) return {}
  const tallies = [...sums.values()]
  const total = (k: number): number => tallies.reduce((all, sum) => all + sum[k], 0)
  const share = (of: number, all: number): number | null => (all > 0 ? round(of / all) : null)
  const gap = (sum: Float64Array): number => sum[KEPT_RIGHT] / sum[KEPT] - sum[LOST_RIGHT] / sum[LOST]
  const { value, low, high } = bootstrapSums(tallies, gap, seed, REPLICATES)
  return {
    supported: {
      pairs: known,
      before: round(right / known),
      after: share(total(KEPT_RIGHT), total(KEPT)),
      lost: share(total(LOST_RIGHT), total(LOST)),
      difference: Number.isFinite(value) ? [value, low, high].map(round) : null,
    },
  }
}

const REPLICATES = 400

/** An area beyond which labels are all but a function of style. */
const SEPARATES = 0.995

/** An effective sample that is worth a warning, as a share of the pairs. */
const LITTLE = 0.4

/** Told of a draw whose weights go to `most`, where it can only keep little. */
function drawLimits({ longer }: StyleBias, most: number): string[] {
  const [kept, by_weights] = [mostKept(longer, most), mostKept(longer, Number.MAX_VALUE)].map(round)
  return kept < LITTLE
    ? [
        `the longer response wins ${round(longer)} of the time, so no draw with most_weight ${most} that evens length out keeps an effective sample much above ${kept} of the pairs; weights keep up to ${by_weights}: raise most_weight, or action: reweight`,
      ]
    : []
}

/** What a reader of the audit must know. `target`: the area that control was to reach, if any; `most`: the most_weight of a draw, if it is one. */
export function warningsOf(
  { left, held_out_auc, large_prompts, clipped }: Fit,
  { before }: Audit,
  target?: number,
  most?: number,
): string[] {
  const missed = target !== undefined && left === 0 && held_out_auc > target
  return [
    ...(before && most !== undefined ? drawLimits(before, most) : []),
    ...(missed ? [`style still reaches an area of ${round(held_out_auc)}, above target_auc`] : []),
    ...(large_prompts > 0 ? [`${large_prompts} prompts have too many pairs for one fold; their pairs were dealt to folds one by one`] : []),
    ...(clipped > 0.05 ? [`${round(clipped)} of the pairs have odds beyond what weights follow`] : []),
    ...(before && before.linear_auc > SEPARATES
      ? ['style alone separates chosen from rejected; coefficients are as small as the ridge makes them']
      : []),
  ]
}
