/** A row being made, with what is hidden from its readers. */
import type { Utf8 } from '../batch.ts'
import { type Tokens, tokensOf } from '../kernels/tokens.ts'
import { Bytes } from './bytes.ts'
import type { Language } from './lexicon.ts'

export const fieldNames = ['prompt', 'chosen', 'rejected'] as const
export type FieldName = (typeof fieldNames)[number]

export interface Span {
  from: number
  to: number
}
/** Role indexes as in the vocabulary of batches. */
export interface Turn extends Span {
  role: number
}
export const SYSTEM = 0
export const USER = 1
export const ASSISTANT = 2

/** One response's hidden traits. */
export interface Traits {
  quality: number
  bytes: number
  markdown: boolean
  /** Its number among the prompt's responses. */
  response: number
}

/** A row being made; its texts are spans of `text`. */
export class Row {
  readonly text = new Bytes(1 << 16)
  readonly turns: Turn[] = []
  readonly chosen: Span = { from: 0, to: 0 }
  readonly rejected: Span = { from: 0, to: 0 }
  /** Traits of the response that the label prefers, and of the other. */
  winner: Traits = { quality: 0, bytes: 0, markdown: false, response: 0 }
  loser: Traits = { quality: 0, bytes: 0, markdown: false, response: 0 }
  prompt = 0
  lang: Language = 'en'
  /** Whether the label is opposite to the one drawn from the traits. */
  flipped = false

  #column: Utf8 | undefined

  /** Forgets the texts. */
  clear(): void {
    this.text.length = 0
    this.turns.length = 0
    this.#column = undefined
  }

  /** The words of all texts, once they are written: the turns', then those of the two responses in the order in which they lie. */
  words(): Tokens {
    const { turns, chosen, rejected, text } = this
    const ends = [...turns.map(turn => turn.to), Math.min(chosen.to, rejected.to), Math.max(chosen.to, rejected.to)]
    this.#column ??= { bytes: text.bytes, offsets: Int32Array.from([turns[0].from, ...ends]) }
    return tokensOf(this.#column)
  }

  /** Which rows of `words()` are a field's: from the first up to before the second. */
  pieces(field: FieldName): readonly [number, number] {
    const n = this.turns.length
    if (field === 'prompt') return [0, n]
    const isFirst = this[field].from === Math.min(this.chosen.from, this.rejected.from)
    return isFirst ? [n, n + 1] : [n + 1, n + 2]
  }

  /** Exchanges the sides, which turns the label. */
  swap(): void {
    const { from, to } = this.chosen
    Object.assign(this.chosen, this.rejected)
    Object.assign(this.rejected, { from, to })
    ;[this.winner, this.loser] = [this.loser, this.winner]
    this.flipped = !this.flipped
  }
}
