import fc from 'fast-check'
import { expect, it } from 'vitest'
import { toldBins } from '../../pipeline/report/reliability-bins.ts'

const SEED = 7

it('puts bins of few pairs together, and tells how sure each is', () => {
  const bins = [{ p: 0.6, n: 100, right: 60 }, { p: 0.8, n: 40, right: 30 }, { p: 0.9, n: 10, right: 9 }, { p: 0.99, n: 4, right: 0 }] // biome-ignore format: one list
  // Wilson's interval of 60 of 100: 0.502 to 0.691 (Brown, Cai, DasGupta 2001, eq. 4).
  expect(toldBins(bins)).toEqual([
    { p: 0.6, n: 100, right: 60, low: 0.502003, high: 0.690599 },
    { p: 0.832593, n: 54, right: 39, low: expect.closeTo(0.591, 2), high: expect.closeTo(0.824, 2) },
  ])
  expect(toldBins([{ p: 0.7, n: 3, right: 3 }])).toMatchObject([{ n: 3, right: 3, high: 1 }])
  expect(toldBins([])).toEqual([])
})

it(`keeps every pair (seed ${SEED})`, () => {
  const bin = fc.record({ p: fc.double({ min: 0.5, max: 1, noNaN: true }), n: fc.integer({ min: 1, max: 200 }) })
  fc.assert(
    fc.property(fc.array(bin, { maxLength: 15 }), drawn => {
      const bins = drawn.sort((a, b) => a.p - b.p).map(b => ({ ...b, right: Math.floor(b.n * b.p) }))
      const told = toldBins(bins)
      const sum = (of: readonly { n: number; right: number }[]): number[] => [
        of.reduce((s, b) => s + b.n, 0),
        of.reduce((s, b) => s + b.right, 0),
      ]
      expect(sum(told)).toEqual(sum(bins))
      if (sum(bins)[0] >= 50) for (const { n } of told) expect(n).toBeGreaterThanOrEqual(50)
      for (const { low, high, right, n } of told) expect(low <= right / n + 1e-6 && right / n - 1e-6 <= high).toBe(true)
    }),
    { seed: SEED, numRuns: 300 },
  )
})
