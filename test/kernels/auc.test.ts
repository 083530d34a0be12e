import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pairAuc, pairAucSlopes } from '../../pipeline/kernels/auc.ts'

/** Every pair as it is against every pair turned. */
function naive(margins: number[], weights: number[]): number {
  let won = 0
  let all = 0
  for (const [i, m] of margins.entries())
    for (const [j, n] of margins.entries()) {
      all += weights[i] * weights[j]
      won += weights[i] * weights[j] * (m > -n ? 1 : m === -n ? 0.5 : 0)
    }
  return all > 0 ? won / all : 0.5
}

describe('pairAuc', () => {
  it.each([
    [[1, 2, 3], 1],
    [[-1, -2], 0],
    [[0, 0], 0.5],
    [[], 0.5],
    [[1, -2], 0.25],
  ])('of %j is %d', (margins, auc) => expect(pairAuc(Float64Array.from(margins))).toBe(auc))

  it('counts as comparing all pairs does', () => {
    const row = fc.tuple(fc.integer({ min: -3, max: 3 }), fc.integer({ min: 0, max: 2 }))
    fc.assert(
      fc.property(fc.array(row, { maxLength: 30 }), rows => {
        const [margins, weights] = [rows.map(r => r[0]), rows.map(r => r[1])]
        expect(pairAuc(Float64Array.from(margins), Float64Array.from(weights))).toBeCloseTo(naive(margins, weights), 10)
      }),
      { seed: 42, numRuns: 500 },
    )
  })

  it('grows with the weight of a row as fast as its slope says', () => {
    const margins = Float64Array.of(2, -1, 0.5, 0.5, -0.5, 0)
    const weights = Float64Array.of(1, 2, 0.5, 1, 0, 1)
    const { value, slopes } = pairAucSlopes(margins, weights)
    expect(value).toBe(pairAuc(margins, weights))
    const step = 1e-6
    slopes.forEach((slope, row) => {
      const more = pairAuc(
        margins,
        weights.map((weight, i) => (i === row ? weight * (1 + step) : weight)),
      )
      expect((more - value) / step).toBeCloseTo(slope, 5)
    })
    expect(pairAucSlopes(Float64Array.of(), Float64Array.of())).toEqual({ value: 0.5, slopes: Float64Array.of() })
  })
})
