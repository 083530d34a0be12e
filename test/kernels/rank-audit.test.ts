import { describe, expect, it } from 'vitest'
import { gridFigures, harmonic, placedByScores, placedByWins, rankFigures, rankMeans } from '../../pipeline/kernels/rank-audit.ts'
import { stepScore } from '../../pipeline/kernels/step-scores.ts'

describe('the place of the right response', () => {
  it('counts what is above and what is level', () => {
    expect(placedByScores(2, [3, 2, 2, 1])).toEqual({ wrong: 4, above: 1, level: 2 })
    expect(placedByWins([1, 0, 0.5, 1])).toEqual({ wrong: 4, above: 1, level: 1 })
  })
})

describe('rankMeans', () => {
  // Right first, level with one, and last of three.
  const placed = [placedByScores(9, [1, 2]), placedByScores(5, [5, 1]), placedByScores(0, [1, 2])]

  it('gives both tie rules, the pessimistic rank and the mean reciprocal rank', () => {
    const { problems, accuracy, accuracy_ties, mean_rank, mrr } = rankMeans(placed)
    expect([problems, accuracy, accuracy_ties]).toEqual([3, 1 / 3, 2 / 3])
    expect(mean_rank).toBeCloseTo((1 + 2 + 3) / 3, 12)
    expect(mrr).toBeCloseTo((1 + 1 / 2 + 1 / 3) / 3, 12)
  })

  it('says what chance gives: 1 / (k + 1), and H(k + 1) / (k + 1)', () => {
    const { random } = rankMeans([placedByScores(1, Array(9).fill(0))])
    expect(random.accuracy).toBeCloseTo(0.1, 12)
    expect(random.mrr).toBeCloseTo(0.2928968, 7)
    expect(harmonic(3)).toBeCloseTo(11 / 6, 12)
  })

  it('gives no weight to a model that is no better than chance', () => {
    const worst = rankFigures([placedByScores(0, [1, 2]), placedByScores(0, [0, 0])], [0, 1], 1)
    expect([worst.mrr, worst.excess]).toEqual([1 / 3, 0])
    const best = rankFigures([placedByScores(3, [1, 2])], [0], 1)
    expect(best.excess).toBeCloseTo(1 - 11 / 18, 12)
  })

  it('is not sure of what is always right, or never', () => {
    const of = (right: boolean, n: number) =>
      rankFigures(
        Array.from({ length: n }, () => placedByScores(right ? 1 : -1, [0])),
        [...Array(n).keys()],
        1,
      )
    // Wilson: z^2 / (n + z^2)
    expect(of(false, 155).accuracy_interval).toEqual({ low: 0, high: expect.closeTo(0.0242, 4) })
    expect(of(true, 3).accuracy_interval).toEqual({ low: expect.closeTo(0.4385, 4), high: 1 })
    expect(of(true, 3).mrr_interval).toEqual({ low: expect.closeTo(0.4385, 4), high: 1 })
  })

  it('draws problems of one prompt together', () => {
    const many = Array.from({ length: 60 }, (_, i) => placedByScores(i % 3 === 0 ? 1 : -1, [0]))
    const apart = rankFigures(many, [...many.keys()], 7).mrr_interval
    const together = rankFigures(
      [...many].sort((a, b) => a.above - b.above),
      [...many.keys()].map(i => Math.floor(i / 20)),
      7,
    ).mrr_interval
    expect(together.high - together.low).toBeGreaterThan(1.5 * (apart.high - apart.low))
    const mean = rankMeans(many).mrr
    expect(apart.low < mean && mean < apart.high).toBe(true)
  })
})

describe('gridFigures', () => {
  it('is easy below the diagonal, normal on it, hard above', () => {
    // 3 > all three rejected scores (0, 2, 2.5) in every cell but none of the first row
    const figures = gridFigures([
      { chosen: [1, 2, 3], rejected: [0, 2, 2.5] },
      { chosen: [1, 1, 1], rejected: [0, 0, 0] },
    ])
    expect(figures).toEqual({ problems: 2, easy: 1, normal: (2 + 3) / 6, hard: 3 / 6, average: (1 + 5 / 6 + 3 / 6) / 3 })
  })
})

describe('stepScore', () => {
  const steps = [0.5, 0.8, 0.2, 0.9]
  it.each([
    ['min', 0.2],
    ['max', 0.9],
    ['prod', 0.072],
    ['mean', 0.6],
    ['geomean', 0.072 ** 0.25],
    ['last', 0.9],
  ] as const)('%s', (rule, score) => expect(stepScore(rule, steps)).toBeCloseTo(score, 12))

  it('has no product of negative steps, and no score without steps', () => {
    expect([stepScore('prod', [-1, -1]), stepScore('geomean', [-1, 2]), stepScore('min', []), stepScore('min', [-1, 2])]).toEqual([
      Number.NaN,
      Number.NaN,
      Number.NaN,
      -1,
    ])
    expect([stepScore('prod', [0, 0.5]), stepScore('geomean', [0, 0.5])]).toEqual([0, 0])
  })
})
