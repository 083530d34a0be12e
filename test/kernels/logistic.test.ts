import { describe, expect, it } from 'vitest'
import { fitPairLogistic, logLoss, marginOf, sigmoid } from '../../pipeline/kernels/logistic.ts'
import { Draws } from '../../pipeline/kernels/random.ts'

const all = (rows: number): Int32Array => Int32Array.from({ length: rows }, (_, i) => i)

/** Rows whose sides are in the order of P = sigmoid(w . d), with d standard normal. */
function sample(rows: number, w: readonly number[]): { width: number; values: Float64Array } {
  const draws = new Draws().start(42, rows, w.length)
  const values = new Float64Array(rows * w.length)
  for (let i = 0; i < rows; i++) {
    const d = w.map(() => draws.normal())
    const side = draws.chance(sigmoid(d.reduce((sum, x, k) => sum + x * w[k], 0))) ? 1 : -1
    for (const [k, x] of d.entries()) values[i * w.length + k] = side * x
  }
  return { width: w.length, values }
}

describe('fitPairLogistic', () => {
  it('finds the weights of a known model', () => {
    const d = sample(20_000, [1, -0.5, 0])
    const { weights, sizes } = fitPairLogistic(d, all(20_000), 0.5)
    for (const [k, w] of [1, -0.5, 0].entries()) expect(weights[k] / sizes[k]).toBeCloseTo(w, 1)
  })

  it('stands where the penalised slope is 0', () => {
    const d = sample(500, [0.7, 0.2])
    const importance = Float64Array.from({ length: 500 }, (_, i) => 1 + (i % 3))
    const fit = fitPairLogistic(d, all(500), 0.5, importance)
    for (let k = 0; k < 2; k++) {
      let slope = 0.5 * fit.weights[k]
      for (let i = 0; i < 500; i++) slope -= (importance[i] * sigmoid(-marginOf(d, i, fit)) * d.values[i * 2 + k]) / fit.sizes[k]
      expect(slope).toBeCloseTo(0, 2)
    }
  })

  it('weighs a pair of weight 2 as two pairs', () => {
    const d = sample(300, [1, -0.5])
    const twice = fitPairLogistic(d, Int32Array.of(...all(300), ...all(100)), 1e-9)
    const weighted = fitPairLogistic(
      d,
      all(300),
      1e-9,
      Float64Array.from(all(300), i => (i < 100 ? 2 : 1)),
    )
    for (let k = 0; k < 2; k++) expect(weighted.weights[k] / weighted.sizes[k]).toBeCloseTo(twice.weights[k] / twice.sizes[k], 2)
  })

  it('converges on labels that a feature separates', () => {
    const { weights } = fitPairLogistic({ width: 1, values: Float64Array.from({ length: 1000 }, () => 1) }, all(1000), 0.5)
    expect(weights[0]).toBeGreaterThan(4)
    expect(weights[0]).toBeLessThan(20)
  })

  it('gives 0 to a feature that never differs, and fits no rows', () => {
    expect(fitPairLogistic({ width: 2, values: Float64Array.of(1, 0, -1, 0) }, all(2), 0.5).weights[1]).toBe(0)
    expect([...fitPairLogistic({ width: 2, values: new Float64Array(0) }, all(0), 0.5).weights]).toEqual([0, 0])
  })

  it('comes to the same from another start', () => {
    const d = sample(2000, [1, -1])
    const cold = fitPairLogistic(d, all(2000), 0.5)
    const warm = fitPairLogistic(d, all(2000), 0.5, undefined, fitPairLogistic(d, all(300), 0.5))
    for (let k = 0; k < 2; k++) expect(warm.weights[k]).toBeCloseTo(cold.weights[k], 3)
  })
})

it('logLoss does not overflow', () => {
  expect(logLoss(-1000)).toBe(1000)
  expect(logLoss(1000)).toBe(0)
  expect(logLoss(0)).toBeCloseTo(Math.LN2, 12)
})
