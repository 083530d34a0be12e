/** `arena`: two conversations or responses and who won; a tie or "both bad" is a pair without a preference. */
import { isText, nameOf } from '../codecs/row-source.ts'
import { promptOf, splitConversations } from './chat.ts'
import { QUESTIONS, questionAlone } from './dpo.ts'
import { assistantTurn, firstOf, textAt, turnsAt, withSystem, wrong } from './fields.ts'
import { FieldError, type ReadFormat, type ReadPair, type Row, type Turn, type Vote } from './format.ts'

/** Names of the two sides, in the order in which they are looked for. */
export const SIDES = [
  ['conversation_a', 'conversation_b'],
  ['response_a', 'response_b'],
  ['response1', 'response2'],
  ['output_1', 'output_2'],
] as const

export const arenaSides = (row: Row): readonly [string, string] | undefined => SIDES.find(([a, b]) => a in row && b in row)

/** Columns that hold one annotator's pick each. */
export const ANNOTATOR = /^annotator_?\d+$/

export const isJudged = (row: Row): boolean => 'winner' in row || Object.keys(row).some(name => ANNOTATOR.test(name))

/** Who won: 1 = the first, 2 = the second, 0 = neither. */
type Winner = 0 | 1 | 2

const WINNERS: Readonly<Record<string, Winner>> = {
  model_a: 1,
  a: 1,
  model_b: 2,
  b: 2,
  tie: 0,
  both_bad: 0,
  'tie (bothbad)': 0,
  'tie (both bad)': 0,
  bothbad: 0,
}

export const readArena: ReadFormat = row => {
  const names = arenaSides(row)
  if (!names) throw new FieldError(SIDES[0][0], `is missing (also looked for ${SIDES.map(s => s.join(' + ')).join(', ')})`)
  const [first, second] = names.map(name => conversationAt(row, name))
  const { winner, cast } = row.winner !== undefined && row.winner !== null ? judged(row) : voted(row)
  const [chosen, rejected] = winner === 2 ? [second, first] : [first, second]
  const name = firstOf(row, QUESTIONS)
  const asked = name === undefined ? [] : questionAlone(row)
  const split = splitConversations(chosen, rejected)
  const pair: ReadPair = {
    ...split,
    prompt: withSystem(row, name === undefined ? split.prompt : promptOf(asked, split, name)),
    tie: winner === 0,
    votes: cast.map(v => voteOf(v, winner)),
    shown_first: winner === 2 ? 'rejected' : 'chosen',
  }
  return [pair]
}

function conversationAt(row: Row, name: string): Turn[] {
  const value = row[name]
  if (Array.isArray(value)) return turnsAt(value, name)
  if (value === null) return [assistantTurn('')]
  return [assistantTurn(textAt(value, name))]
}

interface Judged {
  readonly winner: Winner
  readonly cast: readonly { annotator: string; said: Winner }[]
}

function judged(row: Row): Judged {
  const named = isText(row.winner) ? nameOf(row.winner).toLowerCase() : ''
  const winner = Object.hasOwn(WINNERS, named) ? WINNERS[named] : undefined
  if (winner === undefined) throw wrong('winner', 'model_a, model_b, tie or both_bad', row.winner)
  return { winner, cast: isText(row.judge) ? [{ annotator: nameOf(row.judge), said: winner }] : [] }
}

/** annotator1..n: 1 = the first, 2 = the second, 0 = a tie; most votes win, as many for both is a tie. */
function voted(row: Row): Judged {
  const names = Object.keys(row).filter(name => ANNOTATOR.test(name) && row[name] !== null)
  if (names.length === 0) throw new FieldError('winner', 'is missing (also looked for annotator1, annotator2, ...)')
  const cast = names.map(annotator => {
    const said = row[annotator]
    if (said !== 0 && said !== 1 && said !== 2) throw wrong(annotator, '0 (tie), 1 or 2', said)
    return { annotator, said: said as Winner }
  })
  const count = (side: Winner): number => cast.filter(v => v.said === side).length
  const [ties, ones, twos] = [count(0), count(1), count(2)]
  const winner = ones > twos && ones > ties ? 1 : twos > ones && twos > ties ? 2 : 0
  return { winner, cast }
}

/** In a tie the first side stands as chosen. */
const voteOf = ({ annotator, said }: { annotator: string; said: Winner }, winner: Winner): Vote => ({
  annotator,
  vote: said === 0 ? 'tie' : (said === 2) === (winner === 2) ? 'chosen' : 'rejected',
})
