/** What models decide of labels, row by row over plain arrays. */
import type { Numbers, Valid } from '../batch.ts'
import { labelKinds } from '../pair.ts'
import type { Turns } from './expected-error.ts'

/** Places of the first reasons of `decide`, from 1 on. */
export const ESCALATED = 1
export const MODELS_AGAINST = 2
export const DOUBTFUL = 3
/** In the column flip: by whom. */
export const BY_MODELS = 1
export const BY_PEOPLE = 2

/** The params of `decide` that say what models may do. */
export interface Limits {
  readonly flip_below: number
  readonly flip_models: number
  readonly protect: 'none' | 'majority' | 'human'
  readonly review_below: number
  readonly review_spread: number
  readonly drop_below: number
}

/** What is known of each pair when models decide. */
export interface Known {
  readonly p: Float32Array
  readonly valid: Valid
  readonly spread: Float32Array
  readonly against: Uint8Array
  readonly kind: Uint8Array
  /** The side of most voters: 1 chosen, -1 rejected. */
  readonly majority: Int8Array
  /** How many models judge the pair. */
  readonly judging: Uint8Array
  /** 1 where both models of `dual` are against the label. */
  readonly agreed: Uint8Array
}

/** Fills `flip` and `leave`. A pair that neither a model nor a majority judges keeps its label. */
export function decideRows(limits: Limits, turns: Turns, known: Known, flip: Uint8Array, leave: Uint8Array): void {
  const { p, valid, spread, against, kind, majority, judging, agreed } = known
  for (let i = 0; i < flip.length; i++) {
    const judged = !valid || valid[i] === 1
    if (majority[i] < 0) {
      if (judged && p[i] < 0.5) flip[i] = BY_MODELS
      else leave[i] = ESCALATED
      continue
    }
    if (!judged) continue
    // At exactly .5 a model does not judge.
    const unanimous = judging[i] >= limits.flip_models && against[i] === judging[i]
    const sure = agreed[i] === 1 || (p[i] < limits.flip_below && unanimous)
    const turn = sure && !isProtected(limits, majority[i], kind[i])
    if (turn && (turns === 'all' || (agreed[i] === 1 && turns === 'gold'))) flip[i] = BY_MODELS
    else if (p[i] < limits.drop_below) leave[i] = DOUBTFUL
    else if (turn) leave[i] = MODELS_AGAINST
    else if (p[i] < limits.review_below || sure || spread[i] > limits.review_spread) leave[i] = ESCALATED
  }
}

/** How many models judge each pair, up to 255 as `against` counts them. */
export function judgingOf(models: readonly Numbers<Float32Array>[], rows: number): Uint8Array {
  const counts = new Uint8Array(rows)
  for (const { values, valid } of models) countJudging(counts, values, valid)
  return counts
}

function countJudging(counts: Uint8Array, p: Float32Array, valid: Valid): void {
  for (let i = 0; i < counts.length; i++) if ((!valid || valid[i] === 1) && p[i] !== 0.5 && counts[i] < 255) counts[i]++
}

function isProtected({ protect }: Limits, majority: number, label_kind: number): boolean {
  if (protect === 'none') return false
  return majority > 0 || (protect === 'human' && label_kind <= labelKinds.indexOf('human_derived'))
}
