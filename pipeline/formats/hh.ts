/** `hh`: chosen and rejected are transcripts "\n\nHuman: ...\n\nAssistant: ..."; what they share is the prompt. */
import { isEmptyText, isText, stringOf } from '../codecs/row-source.ts'
import { splitConversations } from './chat.ts'
import { assistantTurn, tieAt, transcriptTurns, votesAt, withSystem, wrong } from './fields.ts'
import { FieldError, type ReadFormat, type Row, type Turn } from './format.ts'

export const isTranscript = (value: unknown): boolean => typeof value === 'string' && /^\s*(Human|Assistant):/.test(value)

function transcriptAt(row: Row, field: string): Turn[] {
  if (!(field in row)) throw new FieldError(field, 'is missing')
  const value = row[field]
  if (value === null || (isText(value) && isEmptyText(value))) return [assistantTurn('')]
  if (!isText(value)) throw wrong(field, 'a transcript "\\n\\nHuman: ... \\n\\nAssistant: ..."', value)
  const turns = transcriptTurns(stringOf(value))
  if (!turns) throw new FieldError(field, 'expected a transcript that begins with "Human:" or "Assistant:"')
  return turns
}

export const readHh: ReadFormat = row => {
  const pair = splitConversations(transcriptAt(row, 'chosen'), transcriptAt(row, 'rejected'))
  return [{ ...pair, prompt: withSystem(row, pair.prompt), tie: tieAt(row), votes: votesAt(row) }]
}
