/** Which format a row has, by its keys; and the reader of each format. */
import { arenaSides, isJudged, readArena } from './arena.ts'
import { readChat } from './chat.ts'
import { QUESTIONS, readDpo } from './dpo.ts'
import { firstOf, isObject } from './fields.ts'
import type { KnownFormat, ReadFormat, Row } from './format.ts'
import { isTranscript, readHh } from './hh.ts'
import { readPair } from './pair.ts'
import { RESPONSES, readScored } from './scored.ts'

export const readers: Readonly<Record<KnownFormat, ReadFormat>> = {
  pair: readPair,
  hh: readHh,
  dpo: readDpo,
  chat: readChat,
  scored: readScored,
  arena: readArena,
}

/** What each format needs of a row, for complaints. */
export const NEEDS =
  'pair: prompt + chosen + rejected; hh: transcripts under chosen + rejected; dpo: question or instruction + chosen + rejected; chat: conversations under chosen + rejected; scored: a prompt + responses + scores; arena: conversation_a + conversation_b + winner'

/** Where to go with rows that fit none. */
export const CONVERT = 'docs/recipes.md, "Rows of another shape", has SQL that converts them'

/** The format of one row; undefined where it fits none. */
export function formatOf(row: Row): KnownFormat | undefined {
  if (arenaSides(row) && isJudged(row)) return 'arena'
  if ('chosen' in row && 'rejected' in row) return formatOfSides(row)
  return firstOf(row, RESPONSES) && firstOf(row, QUESTIONS) ? 'scored' : undefined
}

function formatOfSides(row: Row): KnownFormat | undefined {
  const sides = [row.chosen, row.rejected]
  const asked = firstOf(row, QUESTIONS)
  const apart = 'messages' in row || 'conversations' in row
  if (asked === undefined) return sides.some(isTranscript) ? 'hh' : apart || sides.some(Array.isArray) ? 'chat' : undefined
  if (sides.some(side => Array.isArray(side) && startsConversation(side))) return 'chat'
  if (sides.every(side => isTranscript(side) && repeatsPrompt(side as string, row[asked]))) return 'hh'
  return asked !== 'prompt' || 'system' in row || 'input' in row ? 'dpo' : 'pair'
}

/** Whether a transcript holds the prompt too. */
const repeatsPrompt = (side: string, prompt: unknown): boolean => typeof prompt === 'string' && side.trim().startsWith(prompt.trim())

/** Whether messages begin with somebody else than the assistant: then they hold the prompt too. */
function startsConversation(turns: readonly unknown[]): boolean {
  const [first] = turns
  return isObject(first) && !['assistant', 'gpt', 'bot', 'model'].includes(String(first.role ?? first.from))
}

/** The format that most rows have, with how many; undefined where none fits any. */
export function recogniseFormat(rows: readonly Row[]): KnownFormat | undefined {
  const counts = new Map<KnownFormat, number>()
  for (const row of rows) {
    const format = formatOf(row)
    if (format) counts.set(format, (counts.get(format) ?? 0) + 1)
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0]
}
