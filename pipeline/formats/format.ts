/** What a source format is: a function from one row, as it was read, to pairs. Texts that are only passed on stay as they are. */
import type { Text } from '../codecs/row-source.ts'
import type { LabelKind, Shown, votes } from '../pair.ts'

export const formats = ['auto', 'pair', 'hh', 'dpo', 'chat', 'scored', 'arena'] as const
export type Format = (typeof formats)[number]
export type KnownFormat = Exclude<Format, 'auto'>

export type Row = Readonly<Record<string, unknown>>

/** One turn; `role` is an index into `roles`. */
export interface Turn {
  readonly role: number
  readonly content: Text
}

/** A pair as a format reads it from a row; what it leaves out comes from the row's common fields and the config. */
export interface ReadPair {
  readonly prompt: readonly Turn[]
  readonly chosen: readonly Turn[]
  readonly rejected: readonly Turn[]
  readonly tie?: boolean
  readonly votes?: readonly Vote[]
  /** Which response the judge saw first, where the layout itself tells. */
  readonly shown_first?: Shown
  /** Put behind the row's id, where a row gives several pairs. */
  readonly suffix?: string
}

export interface Vote {
  readonly annotator: string
  readonly vote: (typeof votes)[number]
}

export interface ReadOptions {
  /** Of n scored responses: every two, or the best against each other one. */
  readonly pairs: 'all' | 'best'
  /** A smaller or equal gap of scores is a tie. */
  readonly min_gap: number
}

/** The pairs of one row, at least one; throws FieldError where there are none. */
export type ReadFormat = (row: Row, options: ReadOptions) => readonly ReadPair[]

/** Why a row cannot be read: which field, and what was expected of it. */
export class FieldError extends Error {
  readonly field: string
  constructor(field: string, message: string) {
    super(message)
    this.field = field
  }
}

export interface RowFacts {
  readonly source?: string
  readonly source_id?: Text
  readonly license?: string
  readonly lang?: string
  readonly label_kind?: LabelKind
}

/** So many columns are told by name, where every row may have one of its own. */
export const MOST_NAMED = 5
