/** `pair`: {prompt: text or messages, chosen, rejected: text or messages after the prompt, tie?, votes?, scores?}. */
import { promptAt, sideAt, votesAt, wrong } from './fields.ts'
import { FieldError, type ReadFormat } from './format.ts'

export const readPair: ReadFormat = row => {
  if (!('prompt' in row)) throw new FieldError('prompt', 'is missing')
  const { tie } = row
  if (tie !== undefined && tie !== null && typeof tie !== 'boolean') throw wrong('tie', 'true or false', tie)
  const prompt = promptAt(row.prompt, 'prompt')
  return [{ prompt, chosen: sideAt(row, 'chosen'), rejected: sideAt(row, 'rejected'), tie: tie === true, votes: votesAt(row) }]
}
