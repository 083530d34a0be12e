/** `dpo`: {prompt | question | instruction (+ input, system), chosen, rejected}, all texts. */
import { isEmptyText, stringOf } from '../codecs/row-source.ts'
import { askedTurns, firstOf, promptAt, sideAt, textAt, tieAt, votesAt, withSystem } from './fields.ts'
import { FieldError, type ReadFormat, type Row, type Turn } from './format.ts'

export const QUESTIONS = ['prompt', 'question', 'instruction'] as const

/** The prompt of a row that names it in one of several ways; an `input` goes below an instruction, a `system` text above. */
export const questionAt = (row: Row): readonly Turn[] => withSystem(row, questionAlone(row))

/** The same without a `system` text. */
export function questionAlone(row: Row): readonly Turn[] {
  const name = firstOf(row, QUESTIONS)
  if (name === undefined) throw new FieldError(QUESTIONS[0], `is missing (also looked for ${QUESTIONS.slice(1).join(', ')})`)
  if (Array.isArray(row[name])) return promptAt(row[name], name)
  const text = textAt(row[name], name)
  const input = row.input === undefined || row.input === null ? '' : textAt(row.input, 'input')
  const asked = isEmptyText(input) ? text : isEmptyText(text) ? input : `${stringOf(text)}\n\n${stringOf(input)}`
  return askedTurns(asked)
}

export const readDpo: ReadFormat = row => [
  { prompt: questionAt(row), chosen: sideAt(row, 'chosen'), rejected: sideAt(row, 'rejected'), tie: tieAt(row), votes: votesAt(row) },
]
