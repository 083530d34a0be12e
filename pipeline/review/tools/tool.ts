/** Other annotation tools: what goldpan gives them, and what comes back. */
import type { z } from 'zod'
import { UserError } from '../../errors.ts'
import { type Choice, choices, type FlagChoice, flagChoices } from '../../judgement.ts'
import { FLAG_GUIDELINE, GUIDELINE } from '../guideline.ts'

/** A pair as a tool shows it, or a flag of contamination: what is asked, the text, and what the benchmark says. `item` names it there, and says nothing of pair or sides. */
export interface Item {
  readonly item: string
  readonly prompt: string
  readonly left: string
  readonly right: string
}

/** An answer as a tool gives it back; fields that it does not know are null. */
export interface Imported {
  readonly item: string
  readonly annotator: string
  readonly outcome: Choice | FlagChoice
  readonly strength: number | null
  readonly reason: string | null
  readonly seconds: number | null
  readonly at: string | null
}

/** How items are asked about. */
export interface Form {
  readonly question: string
  readonly titles: Readonly<Record<'prompt' | 'left' | 'right', string>>
  /** What may be chosen, by its name in the log. */
  readonly choices: Readonly<Record<string, string>>
  /** Whether annotators also say how much better. */
  readonly strength: boolean
  readonly guideline: string
}

export interface Tool {
  /** Files by name. */
  files(items: readonly Item[], form: Form): Readonly<Record<string, string>>
  /** The answers in an export of the tool; items without an answer are passed over. `where` names the file in complaints. */
  read(text: string, where: string): Imported[]
}

/** What annotators read in other tools. */
const CHOICE_NAMES: Readonly<Record<Choice, string>> = {
  left: 'A is better',
  right: 'B is better',
  tie: 'Tie',
  both_bad: 'Both are bad',
  cannot_tell: 'Cannot tell',
}

const FLAG_CHOICE_NAMES: Readonly<Record<FlagChoice, string>> = { yes: 'Yes', no: 'No', cannot_tell: 'Cannot tell' }

export const forms = {
  pairs: {
    question: 'Which response is better?',
    titles: { prompt: 'Prompt', left: 'A', right: 'B' },
    choices: CHOICE_NAMES,
    strength: true,
    guideline: GUIDELINE,
  },
  flags: {
    question: 'Does the text hold the benchmark item?',
    titles: { prompt: 'Flag', left: 'Text', right: 'Benchmark item' },
    choices: FLAG_CHOICE_NAMES,
    strength: false,
    guideline: FLAG_GUIDELINE,
  },
} as const satisfies Record<string, Form>

/** A choice of either form under our name or under the one that annotators read. */
export function choiceOf(value: unknown, where: string): Choice | FlagChoice {
  const names = Object.entries({ ...CHOICE_NAMES, ...FLAG_CHOICE_NAMES }) as [Choice | FlagChoice, string][]
  const choice = names.find(([name, shown]) => name === value || shown === value)?.[0]
  if (!choice)
    throw new UserError(`${where}: outcome: got ${JSON.stringify(value)}; known: ${[...new Set([...choices, ...flagChoices])].join(', ')}`)
  return choice
}

/** 1 to 3; null for nothing. */
export function strengthOf(value: unknown, where: string): number | null {
  if (value === undefined || value === null || value === '') return null
  const strength = Number(value)
  if (!Number.isInteger(strength) || strength < 1 || strength > 3)
    throw new UserError(`${where}: strength: expected 1, 2 or 3, got ${JSON.stringify(value)}`)
  return strength
}

export const textOf = (value: unknown): string | null =>
  typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, 10_000) : null

/** In UTC; null for what is no time. */
export function timeOf(value: unknown): string | null {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(time) ? null : new Date(time).toISOString()
}

/** A JSON array, or an object under one of `keys` that holds one. */
export function rowsIn(text: string, where: string): unknown[] {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new UserError(`${where}: is not JSON; export the annotations as JSON`)
  }
  if (Array.isArray(json)) return json
  throw new UserError(`${where}: expected a list of annotated items`)
}

/** Checks a row against what is read of it, and names the field that is wrong. */
export function checked<T>(schema: z.ZodType<T>, row: unknown, where: string): T {
  const parsed = schema.safeParse(row)
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0]
  throw new UserError(`${where}: ${path.join('.') || 'row'}: ${message}`)
}
