/** Which answers count: of an annotator's answers to a pair the last one that was not taken back. */
import type { Answer, FlagCheck } from '../judgement.ts'
import type { Log } from './log.ts'

/** In the order of pair, annotator and kind, whatever the order of files and lines. */
export const effectiveAnswers = ({ answers, undone }: Pick<Log, 'answers' | 'undone'>): Answer[] =>
  lastOf(answers, undone, ({ pair_id, kind, annotator }) => `${pair_id} ${kind} ${annotator}`)

/** Likewise of what people said of flags. */
export const effectiveChecks = ({ checks, undone }: Pick<Log, 'checks' | 'undone'>): FlagCheck[] =>
  lastOf(checks, undone, ({ pair_id, annotator }) => `${pair_id} ${annotator}`)

type Dated = Pick<Answer, 'id' | 'at' | 'replaces'>

function lastOf<T extends Dated>(answers: readonly T[], undone: ReadonlySet<string>, keyOf: (answer: T) => string): T[] {
  const byId = new Map(answers.map(answer => [answer.id, answer]))
  const depths = new Map<string, number>()
  const last = new Map<string, T>()
  for (const answer of answers) {
    if (undone.has(answer.id)) continue
    const key = keyOf(answer)
    const other = last.get(key)
    if (!other || isLater(answer, other, depthOf(byId, depths))) last.set(key, answer)
  }
  return [...last].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, answer]) => answer)
}

/** An answer that changes another is later than it, whatever the clocks say; else the clock decides, and then the id. */
function isLater<T extends Dated>(a: T, b: T, depth: (answer: T) => number): boolean {
  const [da, db] = [depth(a), depth(b)]
  if (da !== db) return da > db
  const [ta, tb] = [Date.parse(a.at), Date.parse(b.at)]
  return ta === tb ? a.id > b.id : ta > tb
}

/** How many answers lie before an answer in its chain of changes. A chain that bites its tail ends there. */
const depthOf =
  <T extends Dated>(byId: ReadonlyMap<string, T>, depths: Map<string, number>) =>
  (answer: T): number => {
    const chain: T[] = []
    const seen = new Set<string>()
    let at: T | undefined = answer
    while (at && !depths.has(at.id) && !seen.has(at.id)) {
      chain.push(at)
      seen.add(at.id)
      at = at.replaces === null ? undefined : byId.get(at.replaces)
    }
    let depth = at && !seen.has(at.id) ? depths.get(at.id)! + 1 : 0
    for (const one of chain.reverse()) depths.set(one.id, depth++)
    return depths.get(answer.id)!
  }
