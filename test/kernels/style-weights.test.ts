import { describe, expect, it } from 'vitest'
import { sigmoid } from '../../pipeline/kernels/logistic.ts'
import { drop, effectiveShare, mostKept, reweight, subsample, type Weigh } from '../../pipeline/kernels/style-weights.ts'

const margins = [0, 0.3, 1, 2.5, 5]

describe.each([
  ['reweight', reweight],
  ['subsample', subsample(1)],
  ['subsample with weights', subsample(3)],
] as [string, Weigh][])('%s', (_, weigh) => {
  it.each([0, 0.25, 1])('leaves %d of the log-odds', left => {
    for (const margin of margins) {
      const likely = sigmoid(margin) * weigh(margin, left, 0)
      const unlikely = (1 - sigmoid(margin)) * weigh(-margin, left, 0)
      expect(Math.log(likely / unlikely)).toBeCloseTo(left * margin, 6)
    }
  })

  it('is never 0, and stays within bounds', () => {
    for (const left of [0, 0.5, 0.9])
      for (const margin of [...margins, 50, -50, -1]) {
        expect(weigh(margin, left, 0)).toBeGreaterThan(0)
        expect(weigh(margin, left, 0)).toBeLessThan(11)
      }
  })

  it('gives a label that votes contradict no more than one that style predicts', () => {
    expect(weigh(-2, 0, -1)).toBe(weigh(2, 0, 0))
    expect(weigh(-2, 0, 1)).toBe(weigh(-2, 0, 0))
  })
})

it('reweight is 1 - s where nothing is left', () => {
  for (const margin of margins)
    expect(reweight(margin, 0, 0) / reweight(-margin, 0, 0)).toBeCloseTo((1 - sigmoid(margin)) / sigmoid(margin), 10)
})

it('reweight keeps more effective sample than weights of (1 - s) / s', () => {
  const pairs = margins.flatMap(m => [
    ...Array(Math.round(100 * sigmoid(m))).fill(m),
    ...Array(Math.round(100 * (1 - sigmoid(m)))).fill(-m),
  ])
  const plain = Float64Array.from(pairs, m => (m > 0 ? Math.exp(-m) : 1))
  expect(effectiveShare(Float64Array.from(pairs, m => reweight(m, 0, 0)))).toBeGreaterThan(effectiveShare(plain))
})

it('subsample is a chance, and certain where style speaks against the label', () => {
  expect(subsample(1)(2, 0, 0)).toBeCloseTo(Math.exp(-2), 10)
  expect([0, -0.1, -2, -50].map(margin => subsample(1)(margin, 0, 0))).toEqual([1, 1, 1, 1])
})

it('subsample with weights of any size is reweight, but for a factor', () => {
  const factors = margins.flatMap(m => [m, -m]).map(m => subsample(1000)(m, 0, 0) / reweight(m, 0, 0))
  for (const factor of factors) expect(factor).toBeCloseTo(factors[0], 6)
})

it('mostKept is what a draw keeps whose pairs differ in one thing only', () => {
  const share = 0.8
  const margin = Math.log(share / (1 - share))
  for (const most of [1, 2, 3]) {
    const [few, many] = [subsample(most)(-margin, 0, 0), subsample(most)(margin, 0, 0)]
    const sum = (1 - share) * few + share * many
    const squares = (1 - share) * few * Math.max(1, few) + share * many * Math.max(1, many)
    expect(mostKept(share, most)).toBeCloseTo(sum ** 2 / squares, 10)
  }
  expect([mostKept(0.8, 1), mostKept(0.2, 1), mostKept(0.5, 1), mostKept(0.8, 1000)].map(kept => kept.toFixed(4))).toEqual([
    '0.4000',
    '0.4000',
    '1.0000',
    '0.6400',
  ])
})

it('drop takes what style explains and nothing supports', () => {
  const left = 2 * 0.8 - 1
  expect([1, 1.5, -3].map(m => drop(m, left, 0))).toEqual([1, 0, 1])
  expect([1, 0, -1].map(support => drop(1.5, left, support))).toEqual([1, 0, 0])
})

it('effectiveShare', () => {
  expect(effectiveShare(Float64Array.of(1, 1, 1, 1))).toBe(1)
  expect(effectiveShare(Float64Array.of(1, 0, 0, 0))).toBe(0.25)
  expect(effectiveShare(new Float64Array(0))).toBe(0)
})
