import { describe, expect, it } from 'vitest'
import { crossFitLogistic, foldedMargins } from '../../pipeline/kernels/folded-logistic.ts'
import { unit } from '../../pipeline/kernels/random.ts'

const ROWS = 600
const source = Int32Array.from({ length: ROWS }, (_, i) => (i < 500 ? 0 : 1))
const folds = { count: 3, of: Uint8Array.from({ length: ROWS }, (_, i) => i % 3), source }

/** In source 0 the first feature speaks for the label; in the small source 1 against it. The second feature is noise. */
const values = Float64Array.from({ length: ROWS * 2 }, (_, k) => {
  const row = k >> 1
  const noise = unit(1, row, k & 1) - 0.5
  return k & 1 ? noise : noise + (source[row] === 0 ? 0.4 : -0.4)
})

describe('crossFitLogistic', () => {
  const model = crossFitLogistic({ width: 2, values }, folds, 1)

  it('learns what all sources share and what one has of its own', () => {
    expect(model[0].own[0][0]).toBeGreaterThan(1)
    expect(model[0].own[1][0]).toBeLessThan(model[0].shared[0])
    const margins = foldedMargins(model, { width: 2, values }, folds)
    const right = (of: number): number =>
      margins.filter((m, i) => source[i] === of && m > 0).length / margins.filter((_, i) => source[i] === of).length
    expect(right(0)).toBeGreaterThan(0.8)
    expect(right(1)).toBeGreaterThan(0.6)
  })

  it('never lets a row speak for itself: turning the rows of a fold turns their margins and nothing else', () => {
    const turned = values.map((value, k) => (folds.of[k >> 1] === 1 ? -value : value))
    const [before, after] = [values, turned].map(of =>
      foldedMargins(crossFitLogistic({ width: 2, values: of }, folds, 1), { width: 2, values: of }, folds),
    )
    for (let i = 1; i < ROWS; i += 3) expect(after[i]).toBe(-before[i])
    expect(after[0]).not.toBe(before[0])
  })

  it('gives a source that it has not seen the shared weights, and parts of a margin', () => {
    const stranger = { count: 3, of: Uint8Array.of(2), source: Int32Array.of(7) }
    const row = { width: 2, values: Float64Array.of(2, 10) }
    const { shared } = model[2]
    expect(foldedMargins(model, row, stranger)[0]).toBeCloseTo(2 * shared[0] + 10 * shared[1])
    expect(foldedMargins(model, row, stranger, 0, 1)[0]).toBeCloseTo(2 * shared[0])
  })

  it('is plain JSON, and fits nothing to nothing', () => {
    expect(JSON.parse(JSON.stringify(model))).toEqual(model)
    const empty = { count: 2, of: new Uint8Array(0), source: new Int32Array(0) }
    expect(crossFitLogistic({ width: 1, values: new Float64Array(0) }, empty, 1)).toEqual([
      { shared: [0], own: {} },
      { shared: [0], own: {} },
    ])
  })
})
