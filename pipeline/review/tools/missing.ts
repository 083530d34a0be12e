/** Which of the answers that another tool gave back the judgement log lacks. */
import type { Answer, FlagCheck } from '../../judgement.ts'
import { idOf, isCheck } from '../../judgements/answer.ts'
import { effectiveAnswers, effectiveChecks } from '../../judgements/effective.ts'
import type { Log } from '../../judgements/log.ts'
import { canonical } from '../../keys.ts'

/** Where a tool tells no time, so that the same answer imported twice is the same. */
export const NO_TIME = '1970-01-01T00:00:00.000Z'

type Given = Answer | FlagCheck

/**
 * Answers without a time cannot be put in order by it: the last one of a file counts, and replaces what the log holds of the same annotator
 * and item, unless that says the same.
 */
export function missingFrom(log: Log, given: readonly Given[]): Given[] {
  const known = new Set([...log.answers, ...log.checks].map(({ id }) => id))
  const counts = new Map([...effectiveAnswers(log), ...effectiveChecks(log)].map(line => [placeOf(line), line]))
  const last = new Map(given.map(line => [placeOf(line), line]))
  const missing = new Map<string, Given>()
  for (const line of given) {
    const before = line.at === NO_TIME ? counts.get(placeOf(line)) : undefined
    const isPast = line.at === NO_TIME && (last.get(placeOf(line)) !== line || (before !== undefined && saysTheSame(line, before)))
    const added = before ? replacing(line, before.id) : line
    if (!isPast && !known.has(added.id)) missing.set(added.id, added)
  }
  return [...missing.values()]
}

const placeOf = (line: Given): string => `${isCheck(line) ? 'flag' : line.kind} ${line.pair_id} ${line.annotator}`

const said = ({ id: _, at: __, replaces: ___, ...what }: Given): string => canonical(what as never)
const saysTheSame = (a: Given, b: Given): boolean => said(a) === said(b)

function replacing({ id: _, ...line }: Given, replaces: string): Given {
  const changed = { ...line, replaces }
  return { id: idOf(changed), ...changed } as Given
}
