import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Answer } from '../../pipeline/judgement.ts'
import { agreementOf, annotatorFigures, eValue } from '../../pipeline/judgements/agreement.ts'
import { judgedOf } from '../../pipeline/judgements/judged.ts'
import { cohenKappa, fleissKappa, krippendorffAlpha, ratingsOf } from '../../pipeline/kernels/agreement.ts'
import { dawidSkene } from '../../pipeline/kernels/dawid-skene.ts'
import { Draws } from '../../pipeline/kernels/random.ts'

const answer = (of: Partial<Answer>, i = 0): Answer => ({
  id: `answer-${i}-${of.annotator}-${of.kind}`,
  pair_id: i.toString(16).padStart(32, '0'),
  annotator: 'a',
  at: new Date(1.7e12 + i * 1000).toISOString(),
  left: 'chosen',
  outcome: 'left',
  strength: null,
  reason: null,
  flagged: false,
  seconds: 10,
  protocol: 'p',
  kind: 'first',
  replaces: null,
  ...of,
})

/** `n` pairs answered by annotators who are right so often. */
function crowd(n: number, accuracies: Readonly<Record<string, number>>, seed = 1): { answers: Answer[]; truth: boolean[] } {
  const draws = new Draws().start(seed, n, 2)
  const truth = Array.from({ length: n }, () => draws.chance(0.7))
  const answers = truth.flatMap((right, i) =>
    Object.entries(accuracies).map(([annotator, accuracy]) => {
      const says = draws.chance(accuracy) ? right : !right
      const left = draws.chance(0.5)
      return answer({ annotator, left: left ? 'chosen' : 'rejected', outcome: says === left ? 'left' : 'right' }, i)
    }),
  )
  return { answers, truth }
}

describe('Dawid and Skene', () => {
  const accuracies = { good: 0.95, fair: 0.75, poor: 0.6, bad: 0.2 }
  it('finds what is true better than a majority, and how good everybody is', () => {
    const { answers, truth } = crowd(800, accuracies)
    const judged = [...judgedOf(answers).values()]
    const right = (says: (i: number) => boolean): number => truth.filter((t, i) => says(i) === t).length / truth.length
    const inferred = right(i => judged[i].posterior[0] > 0.5)
    expect(inferred).toBeGreaterThan(right(i => judged[i].verdict === 'chosen') + 0.05)
    expect(inferred).toBeGreaterThan(0.93)
    for (const { annotator, accuracy } of annotatorFigures(answers))
      expect(Math.abs(accuracy! - accuracies[annotator as keyof typeof accuracies])).toBeLessThan(0.06)
  })

  it('is sure in about as many cases as it is right', () => {
    const { answers, truth } = crowd(800, { a: 0.8, b: 0.8, c: 0.8 })
    const judged = [...judgedOf(answers).values()]
    const expected = judged.reduce((sum, { posterior }) => sum + Math.max(...posterior), 0) / judged.length
    const found = truth.filter((t, i) => judged[i].posterior[0] > 0.5 === t).length / truth.length
    expect(Math.abs(expected - found)).toBeLessThan(0.05)
  })

  it('bears one annotator, all alike, and none', () => {
    expect(judgedOf(crowd(5, { a: 1 }).answers).size).toBe(5)
    const same = Array.from({ length: 4 }, (_, i) => ['a', 'b'].map(annotator => answer({ annotator }, i))).flat()
    expect([...judgedOf(same).values()].every(({ posterior }) => posterior[0] > 0.99)).toBe(true)
    expect(judgedOf([]).size).toBe(0)
    const none = { items: 0, workers: 0, labels: 4, item: new Int32Array(0), worker: new Int32Array(0), label: new Int32Array(0) }
    expect(dawidSkene(none).posterior).toHaveLength(0)
  })
})

describe('annotators', () => {
  it('who guess are found, who are as good as others seldom are, at any time of looking', () => {
    const caught = (accuracy: number, looks: number): number => {
      let n = 0
      for (let run = 0; run < 200; run++) {
        const draws = new Draws().start(run, 5, 3)
        const same: boolean[] = []
        let worst = 0
        for (let i = 0; i < looks; i++) {
          same.push(draws.chance(accuracy))
          worst = Math.max(worst, eValue(same, 0.8 * 0.85))
        }
        if (worst >= 20) n++
      }
      return n / 200
    }
    expect(caught(0.68, 150)).toBeLessThanOrEqual(0.05)
    expect(caught(0.85, 150)).toBeLessThanOrEqual(0.02)
    expect(caught(0.4, 150)).toBeGreaterThan(0.95)
  })

  it('have their sides, times and repeats told', () => {
    const { answers } = crowd(60, { a: 0.9, b: 0.9, c: 0.9 })
    const lazy = Array.from({ length: 60 }, (_, i) => answer({ annotator: 'lazy', outcome: 'left', seconds: 0.5, left: 'rejected' }, i))
    const repeats = [
      answer({ kind: 'repeat', left: 'chosen', outcome: 'right', annotator: 'lazy' }, 1),
      answer({ kind: 'repeat', left: 'chosen', outcome: 'left', annotator: 'lazy' }, 2),
    ]
    const figures = annotatorFigures([...answers, ...lazy, ...repeats])
    expect(figures.map(f => f.annotator)).toEqual(['a', 'b', 'c', 'lazy'])
    expect(figures[3]).toMatchObject({ left_share: 1, hasty: 60, repeats: 2, consistent: 0.5, median_seconds: 0.5, compared: 60 })
    expect(figures[3].e_value).toBeGreaterThan(20)
    expect(Math.max(...figures.slice(0, 3).map(f => f.e_value))).toBeLessThan(20)
  })
})

describe('agreement', () => {
  it('has intervals by prompt: copies of one prompt are no more evidence than one', () => {
    const { answers } = crowd(120, { a: 0.8, b: 0.8 })
    const width = (promptOf: (id: string) => string): number => {
      const { low, high } = agreementOf(answers, promptOf, 1)!.percent
      return high - low
    }
    expect(width(id => id.slice(-1))).toBeGreaterThan(0.05)
    const agreement = agreementOf(answers, id => id, 1)!
    expect(agreement).toMatchObject({ pairs: 120, prompts: 120 })
    expect(agreement.cohen!.value).toBeCloseTo(agreement.alpha_nominal.value, 1)
    expect(agreement.percent.low).toBeLessThan(agreement.percent.value)
    expect(agreementOf(answers, id => id, 1)).toEqual(agreement)
  })

  it('of all the same is 1, of one annotator unknown', () => {
    const same = Array.from({ length: 3 }, (_, i) => ['a', 'b', 'c'].map(annotator => answer({ annotator }, i))).flat()
    expect(agreementOf(same, id => id, 1)).toMatchObject({
      percent: { value: 1 },
      alpha_nominal: { value: 1 },
      alpha_ordinal: { value: 1 },
      fleiss: { value: 1 },
    })
    expect(agreementOf(crowd(5, { a: 1 }).answers, id => id, 1)).toBeUndefined()
  })

  it('of two who never agree is below chance, settles no pair, and is told without a figure that is none', () => {
    const never = Array.from({ length: 6 }, (_, i) => [
      answer({ annotator: 'a', outcome: i % 2 === 0 ? 'left' : 'right' }, i),
      answer({ annotator: 'b', outcome: i % 2 === 0 ? 'right' : 'left' }, i),
    ]).flat()
    const { percent, cohen, alpha_nominal } = agreementOf(never, id => id, 1)!
    expect([percent.value, cohen!.value]).toEqual([0, -1])
    expect(alpha_nominal.value).toBeLessThan(-0.8)
    expect([...judgedOf(never).values()].every(({ verdict }) => verdict === null)).toBe(true)
    for (const figures of annotatorFigures(never))
      expect(Object.values(figures).filter(value => typeof value === 'number' && !Number.isFinite(value))).toEqual([])
  })
})

/** Figures of krippendorff 0.8.1 and statsmodels 0.15.0 on the votes of the shared data; test/reference/agreement.py prints them. */
const DATA = resolve(process.env.GOLDPAN_DATA ?? join(import.meta.dirname, '../../../shared/data'))
describe.skipIf(!existsSync(join(DATA, 'pandalm.jsonl.gz')))('real votes', () => {
  const LABELS = ['chosen', 'rejected', 'tie']
  interface Vote {
    readonly annotator: string
    readonly vote: string
  }
  const votesOf = (name: string): Vote[][] =>
    gunzipSync(readFileSync(join(DATA, `${name}.jsonl.gz`)))
      .toString('utf8')
      .trim()
      .split('\n')
      .map(line => (JSON.parse(line) as { votes?: Vote[] }).votes ?? [])
  const unitsOf = (name: string): number[][] => votesOf(name).map(votes => votes.map(({ vote }) => LABELS.indexOf(vote)))

  it.each([
    ['pandalm', 0.6576925860053091, 0.6855608419820634],
    ['ukpconvarg1', 0.11617517961364776, 0.18142239262154036],
    ['ukp-humour', -0.11072777569858627, -0.11072777569858627],
  ])('of %s have the alpha of the reference library', (name, nominal, ordinal) => {
    const ratings = ratingsOf(unitsOf(name), 3)
    expect(Math.abs(krippendorffAlpha(ratings, 'nominal') - nominal)).toBeLessThan(1e-9)
    expect(Math.abs(krippendorffAlpha(ratings, 'ordinal') - ordinal)).toBeLessThan(1e-9)
  })

  it('of pandalm have the Fleiss kappa of the reference library', () => {
    expect(Math.abs(fleissKappa(ratingsOf(unitsOf('pandalm'), 3)) - 0.6575783311942296)).toBeLessThan(1e-9)
  })

  it.each([
    ['pandalm', 'pandalm-1', 'pandalm-2', 999, 0.630862734604946],
    ['ukpconvarg1', 'w508b54b147', 'w9a13528dc7', 738, 0.09013489152732007],
    ['ukp-humour', 'slot0', 'slot1', 13_238, -0.12547447818353374],
  ])('of %s, by %s and %s, have the Cohen kappa of the reference library', (name, a, b, pairs, kappa) => {
    const both = votesOf(name).flatMap(votes => {
      const of = [a, b].map(who => votes.find(({ annotator }) => annotator === who)?.vote)
      return of.includes(undefined) ? [] : [of.map(vote => LABELS.indexOf(vote!))]
    })
    expect(both).toHaveLength(pairs)
    const [first, second] = [0, 1].map(k => both.map(of => of[k]))
    expect(Math.abs(cohenKappa(first, second, 3) - kappa)).toBeLessThan(1e-9)
  })

  it('of pandalm as answers of people have the same figures, however their sides were shown', () => {
    const answers = votesOf('pandalm').flatMap((votes, i) =>
      votes.map(({ annotator, vote }, k) => {
        const left = (i + k) % 2 === 0 ? 'chosen' : 'rejected'
        return answer({ annotator, left, outcome: vote === 'tie' ? 'tie' : vote === left ? 'left' : 'right' }, i)
      }),
    )
    const { alpha_nominal, fleiss } = agreementOf(answers, id => id, 1)!
    expect(Math.abs(alpha_nominal.value - 0.6576925860053091)).toBeLessThan(1e-9)
    expect(Math.abs(fleiss!.value - 0.6575783311942296)).toBeLessThan(1e-9)
  })
})
