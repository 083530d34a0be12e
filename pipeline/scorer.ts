/** A reward model r(prompt, response). */
import type { Turns, Utf8 } from './batch.ts'

export interface Scorer {
  /** Name and digest of weights and template. */
  readonly id: string
  /** One raw score a row; rows of `prompt` and `responses` correspond. NaN = unscored. */
  score(prompt: Turns, responses: Utf8): Promise<Float32Array>
  close(): Promise<void>
}
