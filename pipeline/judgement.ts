/** What people said of pairs: one answer, and what all answers on a pair come to. */

/** What an annotator may choose on the screen. */
export const choices = ['left', 'right', 'tie', 'both_bad', 'cannot_tell'] as const
export type Choice = (typeof choices)[number]
/** What an annotator may say of a flag of contamination. */
export const flagChoices = ['yes', 'no', 'cannot_tell'] as const
export type FlagChoice = (typeof flagChoices)[number]

/** What an answer says of the label as it came in. */
export const verdicts = ['chosen', 'rejected', 'tie', 'both_bad', 'cannot_tell'] as const
export type PeopleVerdict = (typeof verdicts)[number]

/**
 * `repeat`: the same pair again with its sides exchanged, for self-consistency only. `adjudication`: settles a disagreement. `gold`: a hidden
 * check, a pair whose chosen response is known to be better; it says something of the annotator and nothing of the build.
 */
export const answerKinds = ['first', 'repeat', 'adjudication', 'gold'] as const

/** Whether an answer is a judgement of a pair of the build. */
export const counts = ({ kind }: Pick<Answer, 'kind'>): boolean => kind === 'first' || kind === 'adjudication'

/** One answer of one person to one pair, as it stands in the log. */
export interface Answer {
  /** The same answer has the same id on every machine. */
  readonly id: string
  readonly pair_id: string
  readonly annotator: string
  /** ISO 8601, UTC. */
  readonly at: string
  /** Which response was shown left. */
  readonly left: 'chosen' | 'rejected'
  readonly outcome: Choice
  /** 1 slightly, 2 clearly, 3 much better. */
  readonly strength: number | null
  readonly reason: string | null
  /** The annotator asked that somebody looks at this pair. */
  readonly flagged: boolean
  readonly seconds: number | null
  readonly protocol: string
  readonly kind: (typeof answerKinds)[number]
  /** The answer that the same annotator gave before and now changes. */
  readonly replaces: string | null
}

/** What one person said of one flag of contamination, as it stands in the log: is it true that the pair holds this benchmark item? */
export interface FlagCheck {
  readonly id: string
  readonly pair_id: string
  readonly annotator: string
  /** ISO 8601, UTC. */
  readonly at: string
  readonly benchmark: string
  readonly item: string
  /** null: cannot tell. */
  readonly contaminated: boolean | null
  readonly reason: string | null
  readonly seconds: number | null
  readonly protocol: string
  readonly replaces: string | null
}

/** What the answers on one pair come to. */
export interface Judged {
  /** Answers of different people that count. */
  readonly n: number
  /** How many said each of `verdicts`. */
  readonly counts: readonly number[]
  /** The adjudicated verdict, else the one with most answers; null where none has. */
  readonly verdict: PeopleVerdict | null
  readonly adjudicated: boolean
  /** Posterior of chosen, rejected, tie and both_bad after Dawid and Skene. */
  readonly posterior: readonly number[]
}

/** What an answer says of the label, whichever side was shown left. */
export function verdictOf({ left, outcome }: Pick<Answer, 'left' | 'outcome'>): PeopleVerdict {
  if (outcome === 'left') return left
  if (outcome === 'right') return left === 'chosen' ? 'rejected' : 'chosen'
  return outcome
}
