/** From the answers of many to what they come to: by pair, and in a form that a plan can carry. */
import { type Answer, counts, type Judged, verdictOf, verdicts } from '../judgement.ts'
import { type Answered, dawidSkene } from '../kernels/dawid-skene.ts'

/** Verdicts that are opinions; who cannot tell says nothing. */
export const OPINIONS = verdicts.length - 1
const ADJUDICATOR = 'adjudication'

/** Pairs by id, in the order of their ids. Repeats and gold checks do not count. */
export function judgedOf(answers: readonly Answer[]): Map<string, Judged> {
  const counting = answers.filter(counts)
  const posteriors = posteriorOf(counting.filter(answer => answer.kind !== ADJUDICATOR))
  const judged = new Map<string, Judged>()
  for (const [pair_id, of] of byPair(counting)) judged.set(pair_id, judge(of, posteriors.get(pair_id)))
  return judged
}

/** Answers by what `keyOf` says of each, keys in the order in which they first come. */
export function groupedBy(answers: readonly Answer[], keyOf: (answer: Answer) => string): Map<string, Answer[]> {
  const groups = new Map<string, Answer[]>()
  for (const answer of answers) {
    const group = groups.get(keyOf(answer))
    if (group) group.push(answer)
    else groups.set(keyOf(answer), [answer])
  }
  return groups
}

export const byPair = (answers: readonly Answer[]): Map<string, Answer[]> => groupedBy(answers, ({ pair_id }) => pair_id)

function judge(answers: readonly Answer[], posterior: readonly number[] | undefined): Judged {
  const final = answers.filter(answer => answer.kind === ADJUDICATOR)
  const said = countsOf(answers.filter(answer => answer.kind !== ADJUDICATOR))
  const settled = final.length > 0 ? countsOf(final) : said
  return {
    n: said.reduce((a, b) => a + b, 0) + final.length,
    counts: said.map((n, v) => n + (final.length > 0 ? countsOf(final)[v] : 0)),
    verdict: verdicts[mostOf(settled)] ?? null,
    adjudicated: final.length > 0,
    posterior: posterior ?? verdicts.slice(0, OPINIONS).map(() => 1 / OPINIONS),
  }
}

const countsOf = (answers: readonly Answer[]): number[] =>
  verdicts.map(verdict => answers.filter(answer => verdictOf(answer) === verdict).length)

/** The one opinion with most answers, -1 where two share the place; who cannot tell counts only where nobody can. */
function mostOf(counts: readonly number[]): number {
  const opinions = counts.slice(0, OPINIONS)
  const most = Math.max(...opinions)
  if (most === 0) return counts[OPINIONS] > 0 ? OPINIONS : -1
  return opinions.filter(n => n === most).length === 1 ? opinions.indexOf(most) : -1
}

/** Posteriors in millionths, by pair: digits beyond would only make a key depend on the last bit of a logarithm. */
function posteriorOf(answers: readonly Answer[]): Map<string, number[]> {
  const { answered, pairs } = answeredOf(answers)
  const { posterior } = dawidSkene(answered)
  return new Map(pairs.map((pair_id, i) => [pair_id, [...posterior.subarray(i * OPINIONS, (i + 1) * OPINIONS)].map(millionths)]))
}

const millionths = (p: number): number => Math.round(p * 1e6) / 1e6

/** Opinions as numbers; pairs and annotators in the order of their names. */
export function answeredOf(answers: readonly Answer[]): { answered: Answered; pairs: string[]; annotators: string[] } {
  const opinions = answers.filter(answer => answer.outcome !== 'cannot_tell')
  const pairs = [...new Set(opinions.map(answer => answer.pair_id))].sort()
  const annotators = [...new Set(opinions.map(answer => answer.annotator))].sort()
  const [pairAt, annotatorAt] = [pairs, annotators].map(names => new Map(names.map((name, i) => [name, i])))
  const answered = {
    items: pairs.length,
    workers: annotators.length,
    labels: OPINIONS,
    item: Int32Array.from(opinions, answer => pairAt.get(answer.pair_id)!),
    worker: Int32Array.from(opinions, answer => annotatorAt.get(answer.annotator)!),
    label: Int32Array.from(opinions, answer => verdicts.indexOf(verdictOf(answer))),
  }
  return { answered, pairs, annotators }
}
