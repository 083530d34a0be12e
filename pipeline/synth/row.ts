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

  readonly #columns = new Map<FieldName, Utf8>()

  /** Forgets the texts. */
  clear(): void {
    this.text.length = 0
    this.turns.length = 0
    this.#columns.clear()
  }

  /** The spans of a field, which lie one behind the other. */
  spans(field: FieldName): readonly Span[] {
    return field === 'prompt' ? this.turns : [this[field]]
  }

  /** A field's bytes. */
  bytes(field: FieldName): Uint8Array {
    const spans = this.spans(field)
    return this.text.part(spans[0].from, spans[spans.length - 1].to)
  }

  /** The words of a field whose spans are written; row i is span i. */
  words(field: FieldName): Tokens {
    return tokensOf(this.column(field))
  }

  /** The spans of a field that is written, as rows. */
  column(field: FieldName): Utf8 {
    let column = this.#columns.get(field)
    if (!column) {
      const spans = this.spans(field)
      column = { bytes: this.text.bytes, offsets: Int32Array.from([spans[0].from, ...spans.map(span => span.to)]) }
      this.#columns.set(field, column)
    }
    return column
  }

  /** Exchanges the sides, which turns the label. */
  swap(): void {
    this.#columns.clear()
    const { from, to } = this.chosen
    Object.assign(this.chosen, this.rejected)
    Object.assign(this.rejected, { from, to })
    ;[this.winner, this.loser] = [this.loser, this.winner]
    this.flipped = !this.flipped
  }
}
