import { describe, expect, it } from 'vitest'
import { bootstrap, bootstrapSums, slopesIntervals } from '../../pipeline/kernels/intervals.ts'
import { Draws } from '../../pipeline/kernels/random.ts'

/** Groups of other sizes, whose members are alike: [right, all] of each. */
function groups(n: number, seed: number): Float64Array[] {
  const draws = new Draws().start(seed, n, 9)
  return Array.from({ length: n }, () => {
    const size = 1 + draws.below(5)
    return Float64Array.of(draws.chance(0.7) ? size : 0, size)
  })
}
const ratio = ([right, all]: ArrayLike<number> & Iterable<number>): number => right / all

describe('the bootstrap by groups', () => {
  it('holds the truth in about 95 of 100 samples, and is as wide with weights as with draws', () => {
    let [held, weights, draws] = [0, 0, 0]
    for (let seed = 0; seed < 400; seed++) {
      const of = groups(80, seed)
      const { low, high, value } = bootstrapSums(of, ratio, seed, 200)
      expect(low <= value && value <= high).toBe(true)
      if (low <= 0.7 && 0.7 <= high) held++
      weights += high - low
      if (seed >= 50) continue
      const sums = (drawn: Int32Array): number => ratio([0, 1].map(k => [...drawn].reduce((sum, g) => sum + of[g][k], 0)) as never)
      const other = bootstrap(80, sums, seed, 200)
      draws += other.high - other.low
    }
    expect(held / 400).toBeGreaterThan(0.91)
    expect(held / 400).toBeLessThan(0.98)
    expect(draws / 50 / (weights / 400)).toBeGreaterThan(0.9)
    expect(draws / 50 / (weights / 400)).toBeLessThan(1.1)
  })

  it('is the same twice, NaN without groups, and passes over what has no value', () => {
    expect(bootstrapSums(groups(9, 1), ratio, 1, 50)).toEqual(bootstrapSums(groups(9, 1), ratio, 1, 50))
    expect(bootstrapSums([], ratio, 1, 10)).toEqual({ value: Number.NaN, low: Number.NaN, high: Number.NaN })
    expect(bootstrapSums([Float64Array.of(1, 1), Float64Array.of(0, 0)], ratio, 1, 50)).toEqual({ value: 1, low: 1, high: 1 })
  })

  it('is nearly the same to first order, and a point where nothing changes a statistic', () => {
    let [wide, closed] = [0, 0]
    for (let seed = 0; seed < 50; seed++) {
      const of = groups(200, seed)
      const [right, all] = [0, 1].map(k => of.reduce((sum, group) => sum + group[k], 0))
      const share = right / all
      const slopes = Float64Array.from(of.flatMap(group => [(group[0] - share * group[1]) / all, 0]))
      const [ofShare, fixed] = slopesIntervals([share, 3], slopes)
      const whole = bootstrapSums(of, ratio, seed, 200)
      expect(Math.abs(ofShare.low - whole.low) + Math.abs(ofShare.high - whole.high)).toBeLessThan(0.03)
      expect((ofShare.low + ofShare.high) / 2).toBeCloseTo(share, 12)
      expect(fixed).toEqual({ low: 3, high: 3 })
      wide += whole.high - whole.low
      closed += ofShare.high - ofShare.low
    }
    expect(closed / wide).toBeGreaterThan(0.95)
    expect(closed / wide).toBeLessThan(1.05)
  })
})
