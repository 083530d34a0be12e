/** What models say: of responses to a prompt (a reward model r(prompt, response)), and of what a prompt means. */
import type { Turns, Utf8 } from './batch.ts'

/** Rows of prompts and of responses to them. */
export interface Side {
  readonly prompt: Turns
  readonly responses: Utf8
}

export interface Scorer {
  /** Name and digest of weights and template. */
  readonly id: string
  /**
   * One raw score a row; rows of `prompt` and `responses` correspond. NaN = unscored. `cut`, where given, gets a 1 for every row whose prompt was
   * cut because the text is longer than the model's maximum; a server that cuts texts by itself does not tell.
   */
  score(prompt: Turns, responses: Utf8, cut?: Uint8Array): Promise<Float32Array>
  /** Of a judge, which compares two responses and scores none alone: how much better it finds a. NaN = unscored. */
  margins?(a: Side, b: Side): Promise<Float32Array>
  close(): Promise<void>
}

/** A model of what texts mean. */
export interface Embedder {
  /** Numbers of a vector. */
  readonly dims: number
  /** Vectors of the prompts laid end to end. */
  embed(prompts: Turns, rows: number): Promise<Float32Array>
  close(): Promise<void>
}
