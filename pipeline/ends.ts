/** Where steps send pairs, as loops over plain arrays, which V8 compiles once. */
import type { Valid } from './batch.ts'
import { GONE } from './columns.ts'
import { outcomes } from './pair.ts'

/** In a settled table's column `reason`: the label was turned by people; GONE: by models. */
export const BY_PEOPLE = GONE - 1
/** In a verdict's column `flip`. */
const PEOPLE = 2

/** Where pairs end, as far as the steps went. */
export type Ends = Readonly<Record<'outcome' | 'step' | 'reason', Uint8Array>>
const [KEEP, FLIP, REVIEW] = (['keep', 'flip', 'review'] as const).map(end => outcomes.indexOf(end))

/** Pairs that a step took back from review and lets stay. */
export function recall(left: Uint8Array, { outcome, step, reason }: Ends): void {
  for (let i = 0; i < left.length; i++) if (left[i] === 0 && outcome[i] === REVIEW) [outcome[i], step[i], reason[i]] = [KEEP, GONE, 0]
}

/** Pairs that leave at step `at`, for the reason of which `to` says where it sends them. */
export function leave(left: Uint8Array, to: Uint8Array, at: number, { outcome, step, reason }: Ends): void {
  for (let i = 0; i < left.length; i++)
    if (left[i] !== GONE && left[i] !== 0) [outcome[i], step[i], reason[i]] = [to[left[i] - 1], at, left[i] - 1]
}

/** Pairs that stay at step `at`, which turns their label. */
export function turn(left: Uint8Array, flip: Uint8Array, valid: Valid, at: number, { outcome, step, reason }: Ends): void {
  for (let i = 0; i < left.length; i++)
    if (left[i] === 0 && flip[i] > 0 && (!valid || valid[i] === 1))
      [outcome[i], step[i], reason[i]] = [FLIP, at, flip[i] === PEOPLE ? BY_PEOPLE : GONE]
}
