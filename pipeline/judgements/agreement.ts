/** How far annotators agree, and how far each of them can be relied on. */
import { type Answer, verdictOf, verdicts } from '../judgement.ts'
import { alphaOf, cohenOf, contingencyOf, fleissOf, percentOf, type Ratings, ratingsOf, tallyOf } from '../kernels/agreement.ts'
import { dawidSkene } from '../kernels/dawid-skene.ts'
import { bootstrapSums, type Interval } from '../kernels/intervals.ts'
import { answeredOf, byPair, groupedBy, OPINIONS } from './judged.ts'

export interface Figure extends Interval {
  readonly value: number
}

export interface Agreement {
  /** Pairs with two or more opinions, and their prompts. */
  readonly pairs: number
  readonly prompts: number
  readonly percent: Figure
  readonly alpha_nominal: Figure
  /** Over seven steps from A much better to B much better, in terms of the label; both bad is left out. */
  readonly alpha_ordinal: Figure
  /** Where exactly two people answered the shared pairs. */
  readonly cohen?: Figure
  /** Where every shared pair has as many answers. */
  readonly fleiss?: Figure
}

const STEPS = 7

/** -3 .. 3 as 0 .. 6: how far the label is right; a strength that was not given counts as the middle one. */
const stepOf = (answer: Answer): number => {
  const verdict = verdictOf(answer)
  const strength = answer.strength ?? 2
  return verdict === 'tie' ? 3 : verdict === 'chosen' ? 3 + strength : 3 - strength
}

/** Intervals of 95 % by resampling prompts. `promptOf` gives a pair's prompt; undefined where no pair was judged twice. */
export function agreementOf(answers: readonly Answer[], promptOf: (pair_id: string) => string, seed: number): Agreement | undefined {
  const opinions = answers.filter(({ kind, outcome }) => kind === 'first' && outcome !== 'cannot_tell')
  const shared = [...byPair(opinions)].filter(([, of]) => of.length > 1)
  if (shared.length === 0) return undefined
  const several = new Set(shared.map(([pair_id]) => pair_id))
  const prompts = groupedBy(
    opinions.filter(({ pair_id }) => several.has(pair_id)),
    ({ pair_id }) => promptOf(pair_id),
  )
  const byPrompt = [...prompts.values()].map(of => [...byPair(of).values()])
  const figure = (tallies: readonly Float64Array[], statistic: (sum: Float64Array) => number): Figure =>
    bootstrapSums(tallies, statistic, seed, RESAMPLES)
  const names = [...new Set(shared.flatMap(([, of]) => of.map(({ annotator }) => annotator)))].sort()
  const nominal = byPrompt.map(units => tallyOf(verdictsIn(units)))
  return {
    pairs: shared.length,
    prompts: byPrompt.length,
    percent: figure(nominal, percentOf),
    alpha_nominal: figure(nominal, sum => alphaOf(sum, OPINIONS, 'nominal')),
    alpha_ordinal: figure(
      byPrompt.map(units => tallyOf(stepsIn(units))),
      sum => alphaOf(sum, STEPS, 'ordinal'),
    ),
    ...(names.length === 2
      ? {
          cohen: figure(
            byPrompt.map(units => twoIn(units, names)),
            sum => cohenOf(sum, OPINIONS),
          ),
        }
      : {}),
    ...(new Set(shared.map(([, of]) => of.length)).size === 1 ? { fleiss: figure(nominal, sum => fleissOf(sum, OPINIONS)) } : {}),
  }
}

const RESAMPLES = 400

const codeOf = (answer: Answer): number => verdicts.indexOf(verdictOf(answer))
const verdictsIn = (units: readonly Answer[][]): Ratings =>
  ratingsOf(
    units.map(of => of.map(codeOf)),
    OPINIONS,
  )
const stepsIn = (units: readonly Answer[][]): Ratings =>
  ratingsOf(
    units.map(of => of.filter(({ outcome }) => outcome !== 'both_bad').map(stepOf)),
    STEPS,
  )
const twoIn = (units: readonly Answer[][], names: readonly string[]): Float64Array => {
  const [a, b] = names.map(name => units.map(of => codeOf(of.find(({ annotator }) => annotator === name)!)))
  return contingencyOf(a, b, OPINIONS)
}

export interface AnnotatorFigures {
  readonly annotator: string
  readonly answers: number
  /**
   * Mean over chosen and rejected, where the annotator met both, of the chance to say so where Dawid and Skene hold it for true; gold checks are
   * known to be. null for one annotator without, and for one who met neither.
   */
  readonly accuracy: number | null
  /** Share of answers that the majority of the others gave too, of those where there is one. */
  readonly with_others: number | null
  readonly compared: number
  /** Hidden gold checks, and the share of them on which the better response was named. */
  readonly gold: number
  readonly gold_right: number | null
  /**
   * Evidence, at any time of looking, that this one agrees less often than four fifths as often as the others do, and is right on gold checks
   * less often than in four of five. 20 is much.
   */
  readonly e_value: number
  /** Share of left among left and right: .5 by chance, for sides are shuffled. */
  readonly left_share: number | null
  /** Repeats with sides exchanged, and the share answered alike. */
  readonly repeats: number
  readonly consistent: number | null
  readonly median_seconds: number | null
  /** Answers in less than a fifth of the median time of all. */
  readonly hasty: number
}

const HASTY = 0.2
const none: ReadonlyMap<string, number> = new Map()

/** One row an annotator, by name. */
export function annotatorFigures(answers: readonly Answer[]): AnnotatorFigures[] {
  const firsts = answers.filter(({ kind }) => kind === 'first')
  const own = groupedBy(
    answers.filter(({ kind }) => kind !== 'adjudication'),
    ({ annotator }) => annotator,
  )
  const checks = goldOf(answers)
  const accuracy = own.size > 1 || checks.size > 0 ? accuraciesOf(answers.filter(({ kind }) => kind === 'first' || kind === 'gold')) : none
  const matches = matchesOf(firsts)
  const all = [...matches.values()].flat()
  const same = all.filter(Boolean).length
  const typical = median(firsts.flatMap(({ seconds }) => seconds ?? []))
  return [...own]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([annotator, of]) => {
      const compared = matches.get(annotator) ?? []
      const gold = checks.get(annotator) ?? []
      const others = all.length > compared.length ? (same - compared.filter(Boolean).length) / (all.length - compared.length) : 0
      return {
        annotator,
        accuracy: accuracy.get(annotator) ?? null,
        with_others: shareOf(compared),
        compared: compared.length,
        gold: gold.length,
        gold_right: shareOf(gold),
        e_value: eValue(compared, FAIR * others) * eValue(gold, FAIR),
        ...habitsOf(of, typical),
        ...consistency(of),
      }
    })
}

function habitsOf(
  answers: readonly Answer[],
  typical: number,
): Pick<AnnotatorFigures, 'answers' | 'left_share' | 'median_seconds' | 'hasty'> {
  const own = answers.filter(({ kind }) => kind === 'first')
  const sided = own.filter(({ outcome }) => outcome === 'left' || outcome === 'right')
  const times = own.flatMap(({ seconds }) => seconds ?? [])
  return {
    answers: own.length,
    left_share: shareOf(sided.map(({ outcome }) => outcome === 'left')),
    median_seconds: times.length > 0 ? median(times) : null,
    hasty: times.filter(seconds => seconds < HASTY * typical).length,
  }
}

const shareOf = (of: readonly boolean[]): number | null => (of.length > 0 ? of.filter(Boolean).length / of.length : null)

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

function accuraciesOf(answers: readonly Answer[]): Map<string, number> {
  const { answered, pairs, annotators } = answeredOf(
    answers.map(answer => (isTurned(answer) ? { ...answer, left: otherSide(answer) } : answer)),
  )
  const golden = new Set(answers.filter(({ kind }) => kind === 'gold').map(({ pair_id }) => pair_id))
  const known = Int32Array.from(pairs, pair_id => (golden.has(pair_id) ? (isOdd(pair_id) ? 1 : 0) : -1))
  const { confusion, posterior } = dawidSkene({ ...answered, known })
  const seen = new Float64Array(annotators.length * OPINIONS)
  for (const [k, w] of answered.worker.entries())
    for (let v = 0; v < OPINIONS; v++) seen[w * OPINIONS + v] += posterior[answered.item[k] * OPINIONS + v]
  const rights = (w: number): number[] =>
    [0, 1].filter(v => seen[w * OPINIONS + v] >= LEAST_SEEN).map(v => confusion[(w * OPINIONS + v) * OPINIONS + v])
  return new Map(annotators.flatMap((annotator, w) => meanOf(rights(w)).map(accuracy => [annotator, accuracy] as const)))
}

/** Pairs that are held to be chosen, or rejected, from which on answers to them tell something. */
const LEAST_SEEN = 0.5

/** Nothing of nothing. */
const meanOf = (values: readonly number[]): number[] =>
  values.length > 0 ? [values.reduce((sum, value) => sum + value, 0) / values.length] : []

/** Every second check as if its label were wrong: checks shall tell of both errors, and nobody sees the label. */
const isTurned = ({ kind, pair_id }: Answer): boolean => kind === 'gold' && isOdd(pair_id)
const isOdd = (pair_id: string): boolean => Number.parseInt(pair_id.slice(-1), 16) % 2 === 1
const otherSide = ({ left }: Answer): Answer['left'] => (left === 'chosen' ? 'rejected' : 'chosen')

/** By annotator, in the order of time: whether each gold check was answered right. */
function goldOf(answers: readonly Answer[]): Map<string, boolean[]> {
  const gold = answers.filter(({ kind }) => kind === 'gold').sort((a, b) => (a.at < b.at ? -1 : 1))
  return new Map(
    [...groupedBy(gold, ({ annotator }) => annotator)].map(([name, of]) => [name, of.map(answer => verdictOf(answer) === 'chosen')]),
  )
}

/** By annotator, in the order of time: whether each answer is that of the others' majority, where they have one. */
function matchesOf(firsts: readonly Answer[]): Map<string, boolean[]> {
  const matches = new Map<string, { at: string; same: boolean }[]>()
  for (const of of byPair(firsts.filter(({ outcome }) => outcome !== 'cannot_tell')).values())
    for (const answer of of) {
      const majority = majorityOf(of.filter(other => other !== answer).map(verdictOf))
      if (majority === undefined) continue
      const list = matches.get(answer.annotator) ?? []
      list.push({ at: answer.at, same: verdictOf(answer) === majority })
      matches.set(answer.annotator, list)
    }
  return new Map([...matches].map(([name, list]) => [name, list.sort((a, b) => (a.at < b.at ? -1 : 1)).map(({ same }) => same)]))
}

function majorityOf(said: readonly string[]): string | undefined {
  const counts = new Map<string, number>()
  for (const verdict of said) counts.set(verdict, (counts.get(verdict) ?? 0) + 1)
  const most = Math.max(...counts.values())
  const first = [...counts].filter(([, n]) => n === most)
  return first.length === 1 ? first[0][0] : undefined
}

const FAIR = 0.8
const ALTERNATIVES = [0.2, 0.4, 0.6, 0.8]

/**
 * Likelihood ratio of agreeing at a lower rate against `fair` or more, averaged over alternatives: its expectation is at most 1 for whoever
 * is fair, at any stopping time (Ville's inequality), so it may be looked at after every answer.
 */
export function eValue(same: readonly boolean[], fair: number): number {
  if (!(fair > 0 && fair < 1)) return 1
  const ratios = ALTERNATIVES.map(part => same.reduce((log, agrees) => log + Math.log(agrees ? part : (1 - part * fair) / (1 - fair)), 0))
  return ratios.reduce((sum, log) => sum + Math.exp(Math.min(log, 600)), 0) / ratios.length
}

function consistency(own: readonly Answer[]): Pick<AnnotatorFigures, 'repeats' | 'consistent'> {
  const first = new Map(own.filter(({ kind }) => kind === 'first').map(answer => [answer.pair_id, verdictOf(answer)]))
  const repeats = own.filter(({ kind, pair_id }) => kind === 'repeat' && first.has(pair_id))
  return { repeats: repeats.length, consistent: shareOf(repeats.map(answer => verdictOf(answer) === first.get(answer.pair_id))) }
}
