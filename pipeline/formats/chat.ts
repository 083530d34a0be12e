/** `chat`: chosen and rejected are whole conversations, as OpenAI messages or ShareGPT turns; what they share is the prompt. */
import { promptAt, sharedTurns, sideAt, votesAt } from './fields.ts'
import type { ReadFormat, ReadPair, Turn } from './format.ts'

/** Where what comes before the sides may be, if it is not only in them. */
export const CONVERSATIONS = ['prompt', 'messages', 'conversations'] as const

export const readChat: ReadFormat = row => {
  const chosen = sideAt(row, 'chosen')
  const rejected = sideAt(row, 'rejected')
  const name = CONVERSATIONS.find(name => row[name] !== undefined && row[name] !== null)
  const given = name ? promptAt(row[name], name) : []
  return [{ ...split(given, chosen, rejected), tie: row.tie === true, votes: votesAt(row) }]
}

/** A prompt that both conversations repeat is not put before them again. */
function split(given: readonly Turn[], chosen: readonly Turn[], rejected: readonly Turn[]): ReadPair {
  const repeated = sharedTurns(given, chosen) === given.length && sharedTurns(given, rejected) === given.length
  const { prompt, ...sides } = splitConversations(chosen, rejected)
  return repeated ? { prompt, ...sides } : { prompt: [...given, ...prompt], ...sides }
}

/** The turns that two conversations share are the prompt; at least one turn stays with each side. */
export function splitConversations(chosen: readonly Turn[], rejected: readonly Turn[]): ReadPair {
  const shared = Math.min(sharedTurns(chosen, rejected), chosen.length - 1, rejected.length - 1)
  const n = Math.max(0, shared)
  return { prompt: chosen.slice(0, n), chosen: chosen.slice(n), rejected: rejected.slice(n) }
}
