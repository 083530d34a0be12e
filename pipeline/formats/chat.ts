/** `chat`: chosen and rejected are whole conversations, as OpenAI messages or ShareGPT turns; what they share is the prompt. */
import { roles } from '../batch.ts'
import { sameText, stringOf } from '../codecs/row-source.ts'
import { promptAt, sharedTurns, sideAt, tieAt, votesAt, withSystem } from './fields.ts'
import { FieldError, type ReadFormat, type ReadPair, type Turn } from './format.ts'

/** Where what comes before the sides may be, if it is not only in them. */
export const CONVERSATIONS = ['prompt', 'messages', 'conversations'] as const

export const readChat: ReadFormat = row => {
  const chosen = sideAt(row, 'chosen')
  const rejected = sideAt(row, 'rejected')
  const name = CONVERSATIONS.find(name => row[name] !== undefined && row[name] !== null)
  const given = name ? promptAt(row[name], name) : []
  const pair = splitConversations(chosen, rejected)
  const prompt = withSystem(row, name ? promptOf(given, pair, name) : pair.prompt)
  return [{ ...pair, prompt, tie: tieAt(row), votes: votesAt(row) }]
}

/** What comes before the sides: what they share, and before that what is given, unless they repeat it. */
export function promptOf(given: readonly Turn[], { prompt, chosen, rejected }: ReadPair, name: string): readonly Turn[] {
  const repeats = (whole: readonly Turn[]): boolean =>
    whole.some((_, from) => from + given.length <= whole.length && given.every((turn, i) => sameTurn(turn, whole[from + i])))
  if (given.length === 0 || repeats(prompt)) return prompt
  // some tables hold the chosen conversation once more, answer and all
  if (given.length > prompt.length && [chosen, rejected].some(side => repeats([...prompt, ...side]))) return prompt
  if (prompt.length > 0 && prompt[0].role !== ASSISTANT && given.at(-1)!.role === USER)
    throw new FieldError(
      name,
      'ends with a question that is not in what chosen and rejected share; expected their beginning, or what comes before it',
    )
  return [...given, ...prompt]
}

const [USER, ASSISTANT] = ['user', 'assistant'].map(role => roles.indexOf(role as (typeof roles)[number]))

const sameTurn = (a: Turn, b: Turn): boolean =>
  a.role === b.role && (sameText(a.content, b.content) || stringOf(a.content).trim() === stringOf(b.content).trim())

/** The turns that two conversations share are the prompt; at least one turn stays with each side. */
export function splitConversations(chosen: readonly Turn[], rejected: readonly Turn[]): ReadPair {
  const shared = Math.min(sharedTurns(chosen, rejected), chosen.length - 1, rejected.length - 1)
  const n = Math.max(0, shared)
  return { prompt: chosen.slice(0, n), chosen: chosen.slice(n), rejected: rejected.slice(n) }
}
