import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allocate, firstRows } from '../../pipeline/kernels/sampling.ts'

describe('allocate', () => {
  it('gives each stratum a place, then places in proportion', () => {
    expect(allocate([1000, 100, 10, 1, 0], 100)).toEqual([89, 9, 1, 1, 0])
    expect(allocate([10, 10, 10], 2)).toEqual([1, 1, 0])
    expect(allocate([3, 2], 100)).toEqual([3, 2])
    expect(allocate([], 5)).toEqual([])
  })

  it('gives all of the budget, within strata, and takes nothing back from a smaller budget', () => {
    const counts = fc.array(fc.nat(50), { maxLength: 8 })
    fc.assert(
      fc.property(counts, fc.nat(60), (counts, budget) => {
        const places = allocate(counts, budget)
        const more = allocate(counts, budget + 1)
        const total = counts.reduce((a, b) => a + b, 0)
        expect(places.reduce((a, b) => a + b, 0)).toBe(Math.min(budget, total))
        for (const [s, count] of counts.entries()) {
          expect(places[s]).toBeLessThanOrEqual(count)
          expect(more[s]).toBeGreaterThanOrEqual(places[s])
        }
      }),
      { seed: 42 },
    )
  })
})

it('firstRows takes what sorting takes', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), fc.nat(10), (values, most) => {
      const before = (a: number, b: number): boolean => values[a] < values[b] || (values[a] === values[b] && a < b)
      const sorted = [...values.keys()].sort((a, b) => (before(a, b) ? -1 : 1))
      expect(firstRows(values.keys(), most, before)).toEqual(sorted.slice(0, most))
    }),
    { seed: 42 },
  )
})
