/** Pairs that are near one another, and what near-dup says of them. */
import { nearDup } from '../stages/near-dup.ts'
import { type DriveOptions, driveStage, type PairInput } from './drive.ts'

/** So many bands of so few rows that hardly a pair is missed. */
export const GENEROUS = { bands: 300, rows: 3 }

export const run = async (pairs: PairInput[], params: unknown = {}, options: DriveOptions = {}) => {
  const { verdicts, summary, pairs: batch } = await driveStage(nearDup, params, pairs, options)
  const { bytes } = batch.columns.pair_id as { bytes: Uint8Array }
  const ids = pairs.map((_, i) => Buffer.from(bytes.subarray(i * 16, i * 16 + 16)).toString('hex'))
  const facts = summary.facts as Record<string, unknown>
  return {
    reasons: verdicts.map(v => v.reason),
    relations: verdicts.map(v => v.add.relation),
    of: verdicts.map(v => ids.indexOf(v.add.duplicate_of as string)),
    verdicts,
    facts,
    ids,
  }
}

/** `count` words that no other start shares. */
export const words = (start: string, count: number): string => Array.from({ length: count }, (_, i) => `${start}${i}`).join(' ')
/** The text with every n-th word changed. */
export const edited = (text: string, every: number, offset = 0): string =>
  text
    .split(' ')
    .map((word, i) => (i % every === offset ? `${word}x` : word))
    .join(' ')

export const PAIR: PairInput = { prompt: words('p', 40), chosen: words('c', 100), rejected: words('r', 100) }
export const human: PairInput = { label_kind: 'human' }
export const ai: PairInput = { label_kind: 'ai' }
