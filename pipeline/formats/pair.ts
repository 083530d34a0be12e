/** `pair`: {prompt: text or messages, chosen, rejected: text or messages after the prompt, tie?, votes?, scores?}. */
import { promptAt, sideAt, tieAt, votesAt, withSystem } from './fields.ts'
import { FieldError, type ReadFormat } from './format.ts'

export const readPair: ReadFormat = row => {
  if (!('prompt' in row)) throw new FieldError('prompt', 'is missing')
  const prompt = withSystem(row, promptAt(row.prompt, 'prompt'))
  return [{ prompt, chosen: sideAt(row, 'chosen'), rejected: sideAt(row, 'rejected'), tie: tieAt(row), votes: votesAt(row) }]
}
