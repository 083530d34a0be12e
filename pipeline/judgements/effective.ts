/** Which answers count: of an annotator's answers to a pair the last one that was not taken back. */
import type { Answer } from '../judgement.ts'
import type { Log } from './log.ts'

/** In the order of pair, annotator and kind, whatever the order of files and lines. */
export function effectiveAnswers({ answers, undone }: Log): Answer[] {
  const byId = new Map(answers.map(answer => [answer.id, answer]))
  const depths = new Map<string, number>()
  const last = new Map<string, Answer>()
  for (const answer of answers) {
    if (undone.has(answer.id)) continue
    const key = `${answer.pair_id} ${answer.kind} ${answer.annotator}`
    const other = last.get(key)
    if (!other || isLater(answer, other, depthOf(byId, depths))) last.set(key, answer)
  }
  return [...last].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, answer]) => answer)
}

/** An answer that changes another is later than it, whatever the clocks say; else the clock decides, and then the id. */
function isLater(a: Answer, b: Answer, depth: (answer: Answer) => number): boolean {
  const [da, db] = [depth(a), depth(b)]
  if (da !== db) return da > db
  const [ta, tb] = [Date.parse(a.at), Date.parse(b.at)]
  return ta === tb ? a.id > b.id : ta > tb
}

/** How many answers lie before an answer in its chain of changes. A chain that bites its tail ends there. */
const depthOf =
  (byId: ReadonlyMap<string, Answer>, depths: Map<string, number>) =>
  (answer: Answer): number => {
    const chain: Answer[] = []
    const seen = new Set<string>()
    let at: Answer | undefined = answer
    while (at && !depths.has(at.id) && !seen.has(at.id)) {
      chain.push(at)
      seen.add(at.id)
      at = at.replaces === null ? undefined : byId.get(at.replaces)
    }
    let depth = at && !seen.has(at.id) ? depths.get(at.id)! + 1 : 0
    for (const one of chain.reverse()) depths.set(one.id, depth++)
    return depths.get(answer.id)!
  }
