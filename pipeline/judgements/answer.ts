/** A line of the judgement log: an answer, what somebody says of a flag of contamination, or the undoing of either. */
import { z } from 'zod'
import { type Answer, answerKinds, choices, type FlagCheck } from '../judgement.ts'
import { keyOf } from '../keys.ts'

const name = z.string().min(1).max(200)
const when = z.iso.datetime({ offset: true })

export const answerSchema = z.object({
  id: z.string().regex(/^[\w-]{8,64}$/, { error: 'expected 8 to 64 letters, digits, "_" or "-"' }),
  pair_id: z.string().regex(/^[0-9a-f]{32}$/, { error: 'expected 32 hex digits' }),
  annotator: name,
  at: when,
  left: z.enum(['chosen', 'rejected']),
  outcome: z.enum(choices),
  strength: z.int().min(1).max(3).nullable().default(null),
  reason: z.string().max(10_000).nullable().default(null),
  flagged: z.boolean().default(false),
  seconds: z.number().min(0).nullable().default(null),
  protocol: name,
  kind: z.enum(answerKinds).default('first'),
  replaces: z.string().nullable().default(null),
})

export const checkSchema = answerSchema
  .pick({ id: true, pair_id: true, annotator: true, at: true, reason: true, seconds: true, protocol: true, replaces: true })
  .extend({ benchmark: z.string(), item: z.string(), contaminated: z.boolean().nullable() })

/** Takes an answer back, as if it had not been given. */
export const undoSchema = z.object({ undo: z.string().min(1), annotator: name, at: when })
export type Undo = z.infer<typeof undoSchema>
export type Line = Answer | FlagCheck | Undo

export const isUndo = (line: Line): line is Undo => 'undo' in line
export const isCheck = (line: Line): line is FlagCheck => 'contaminated' in line

/** An id for an answer that comes without one, from its content alone: the same answer imported twice is one answer. */
export const idOf = (answer: Omit<Answer, 'id'> | Omit<FlagCheck, 'id'>): string => keyOf('answer', answer as never)
