/** What the manifest and the report say of style: bias before and after control, coefficients, warnings. */
import { type Batch, columnsOf } from '../batch.ts'
import { membersOf } from '../kernels/groups.ts'
import { bootstrapSums, wilson } from '../kernels/intervals.ts'
import { coefficients, type StyleBias, styleAuditor } from '../kernels/style-audit.ts'
import { styleFeatures } from '../kernels/style-features.ts'
import { effectiveShare, MOST_MARGIN, mostKept } from '../kernels/style-weights.ts'
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
  readonly clipped: number
}

export type Facts = { readonly [name: string]: Json | undefined }
export type Audit = Facts & {
  readonly sampled: number
  /** How many prompts of one size the sample is worth. */
  readonly prompts?: number
  /** Prompts that are in all folds, so that nothing is held out of them. */
  readonly large_prompts?: number
  readonly before?: StyleBias
}

export const round = (value: number): number => Math.round(value * 1e4) / 1e4

/** Figures as they are told, with the intervals for which there are prompts enough; `worth`: of how many each figure speaks. */
function told({ intervals, ...figures }: StyleBias, worth: (name: string) => number): StyleBias {
  const values = Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, round(value)]))
  const ranges = Object.entries(intervals).flatMap(([name, range]) => {
    const known = rangeOf(name, values[name], range.map(round), worth(name))
    return known ? [[name, known]] : []
  })
  return { ...values, intervals: Object.fromEntries(ranges) } as StyleBias
}

/** Where all prompts say the same, as of a share of 1, their spread is no interval: then Wilson's interval by the prompts; of R2 there is none. */
function rangeOf(name: string, value: number, [low, high]: readonly number[], prompts: number): readonly number[] | undefined {
  if (prompts < LEAST_PROMPTS || !(low <= high)) return undefined
  if (low < high) return [low, high]
  if (name === 'mcfadden_r2') return undefined
  const share = wilson(value, prompts)
  return [share.low, share.high].map(round)
}

/** Fewer pairs are not audited. */
export const LEAST_PAIRS = 40
/** Of fewer prompts the spread is too uncertain, of one prompt it is 0; so none is told. */
const LEAST_PROMPTS = 20

/** How many prompts of one size the pairs are worth, (sum n)^2 / sum n^2; `group` = the prompt of each pair, as a number. */
function worthOfPrompts(group: Int32Array): number {
  const { starts } = membersOf({ of: group, count: group.reduce((most, g) => Math.max(most, g + 1), 0) })
  const sizes = Float64Array.from(starts.subarray(1), (end, g) => end - starts[g]).filter(size => size > 0)
  return effectiveShare(sizes) * sizes.length
}

/**
 * The audit of one sample in the order of the corpus; `controlled` = some pairs weigh more than others. `prompts` is what they are worth; where that
 * is too little for intervals, figures and coefficients come without intervals.
 */
export function auditFacts(batch: Batch, seed: number, controlled: boolean): Audit {
  if (batch.rows < LEAST_PAIRS) return { sampled: batch.rows }
  const { rows, group, large } = styleRowsOf(batch, AUDIT_FOLDS)
  const { weight, support, first } = columnsOf(batch, audited)
  const prompts = worthOfPrompts(group)
  const signs: Readonly<Record<string, Float32Array>> = { longer: rows.longer, more_markdown: rows.more_markdown, first: first.values }
  const worth = (name: string): number => (name in signs ? worthOfPrompts(group.filter((_, i) => signs[name][i] !== 0)) : prompts)
  const known = prompts >= LEAST_PROMPTS
  const betas = coefficients(rows, group).map(({ beta, low, high }) => (known ? [beta, low, high] : [beta]).map(round))
  const audit = styleAuditor(rows, group, first.values)
  return {
    sampled: batch.rows,
    prompts: round(prompts),
    ...(large.length > 0 && { large_prompts: large.length }),
    before: told(audit(), worth),
    ...(controlled && { after: told(audit(weight.values), worth) }),
    betas: Object.fromEntries(styleFeatures.map((name, k) => [name, betas[k]])),
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
 * The share of labels that votes or models support, where there are any: control must not throw away what is right. `before` is of all, `after`
 * of what is kept, `lost` of what control took away, pair by pair up to a weight of 1. `difference` is after - lost, with an interval of 95 % by
 * `group`, or without one where it cannot be told; null where nothing was taken away.
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
  const enough = worthOfPrompts(group.filter((_, i) => support[i] !== 0)) >= LEAST_PROMPTS
  const { value, low, high } = bootstrapSums(tallies, gap, seed, REPLICATES)
  return {
    supported: {
      pairs: known,
      before: round(right / known),
      after: share(total(KEPT_RIGHT), total(KEPT)),
      lost: share(total(LOST_RIGHT), total(LOST)),
      difference: Number.isFinite(value) ? (enough && low < high ? [value, low, high] : [value]).map(round) : null,
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

/** What a reader of any audit must know. */
export function auditWarnings({ sampled, prompts = 0, large_prompts, before }: Audit): string[] {
  if (!before) return [sampled > 0 ? `too few labels to audit style: ${sampled}, at least ${LEAST_PAIRS}` : 'no labels to audit style by']
  return [
    ...(prompts < LEAST_PROMPTS
      ? [`the pairs are worth ${prompts.toFixed(1)} prompts, too few for intervals (at least ${LEAST_PROMPTS}): none are given`]
      : []),
    ...(large_prompts ? [`prompts with too many pairs for one fold: ${large_prompts}; their pairs were dealt to folds one by one`] : []),
    ...(before.linear_auc > SEPARATES
      ? ['style alone separates chosen from rejected; coefficients are as small as the ridge makes them']
      : []),
  ]
}

/** What a reader of a control must know. `target`: the area that it was to reach, if any; `most`: the most_weight of a draw, if it is one. */
export function fitWarnings({ left, held_out_auc, clipped }: Fit, { before }: Audit, target?: number, most?: number): string[] {
  const missed = target !== undefined && left === 0 && held_out_auc > target
  return [
    ...(before && most !== undefined ? drawLimits(before, most) : []),
    ...(missed ? [`style still reaches an area of ${round(held_out_auc)}, above target_auc`] : []),
    ...(clipped > 0.05 ? [`${round(clipped)} of the pairs have odds beyond what weights follow (e^${MOST_MARGIN} : 1)`] : []),
  ]
}
