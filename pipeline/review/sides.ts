import type { Answer } from '../judgement.ts'
import { hashOf } from './queue.ts'

/** Which side somebody sees left: a hash decides; a repeat shows the other way round. */
export function leftFor(pair_id: string, annotator: string, seed: number, kind: Answer['kind']): Answer['left'] {
  const odd = Number.parseInt(hashOf('side', pair_id, annotator, seed)[0], 16) % 2
  return odd === (kind === 'repeat' ? 1 : 0) ? 'chosen' : 'rejected'
}
