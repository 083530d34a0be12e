import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isotonic, levelAt } from '../../pipeline/kernels/isotonic.ts'

describe('isotonic', () => {
  it('pools neighbours that fall, and is 1/2 at 0', () => {
    // Sizes 1 to 6, right at 1, 2, 4, 5, 6: what is right at 1 and 2 and wrong at 3 is pooled to 2/3.
    const { sizes, levels } = isotonic(Float64Array.of(1, 2, -3, 4, 5, 6))
    expect(sizes).toEqual([0, 1, 3, 4, 6])
    expect(levels).toEqual([0.5, 2 / 3, 2 / 3, 1 - 1 / 8, 1 - 1 / 8])
  })

  it('is straight between knots, flat behind them, and turned for the opposite margin', () => {
    const knots = { sizes: [0, 2, 4], levels: [0.5, 0.7, 0.9] }
    expect([0, 1, 3, 9, -1].map(m => Number(levelAt(knots, m).toFixed(6)))).toEqual([0.5, 0.6, 0.8, 0.9, 0.4])
  })

  it('says 1/2 where nothing is known, and never less for the side that a model prefers', () => {
    expect(isotonic(new Float64Array(0))).toEqual({ sizes: [0], levels: [0.5] })
    expect(levelAt(isotonic(Float64Array.of(-1, -2, -3)), 2)).toBe(0.5)
    expect(levelAt(isotonic(Float64Array.of(0, 0)), 3)).toBe(0.5)
  })

  it('rises with the margin, and never says 0 or 1', () => {
    const margins = fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { maxLength: 60 })
    const rises = fc.property(margins, list => {
      const knots = isotonic(Float64Array.from(list))
      const at = Array.from({ length: 121 }, (_, i) => levelAt(knots, i - 60))
      for (const [i, p] of at.entries()) {
        expect(p > 0 && p < 1).toBe(true)
        if (i > 0) expect(p).toBeGreaterThanOrEqual(at[i - 1])
      }
    })
    fc.assert(rises, { seed: 42 })
  })
})
