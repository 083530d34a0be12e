import { describe, expect, it } from 'vitest'
import { accuracyOf, calibrationError, fitCalibration, scaleOf } from '../../pipeline/kernels/calibration.ts'
import { sigmoid } from '../../pipeline/kernels/logistic.ts'
import { unit } from '../../pipeline/kernels/random.ts'

/** Margins of a model whose true temperature is known: labels follow sigmoid(m / T). */
function drawn(pairs: number, temperature: number): Float64Array {
  return Float64Array.from({ length: pairs }, (_, i) => {
    const size = 6 * unit(1, i, 0) * temperature
    return unit(1, i, 1) < sigmoid(size / temperature) ? size : -size
  })
}

describe('scaleOf', () => {
  it('finds the temperature that made the labels, in any unit', () => {
    for (const temperature of [0.05, 1, 355]) expect(scaleOf(drawn(20_000, temperature)) * temperature).toBeCloseTo(1, 1)
  })

  it('is 0 where margins are against the labels, all 0, or none', () => {
    expect(scaleOf(drawn(1000, 1).map(m => -m))).toBe(0)
    expect(scaleOf(new Float64Array(10))).toBe(0)
    expect(scaleOf(new Float64Array(0))).toBe(0)
  })

  it('does not trust a few pairs that all agree', () => {
    expect(sigmoid(scaleOf(Float64Array.of(1, 1, 1)))).toBeLessThan(0.8)
    expect(sigmoid(scaleOf(new Float64Array(1000).fill(1)))).toBeGreaterThan(0.98)
  })
})

describe('fitCalibration', () => {
  it('gives a good model more weight than a poor one, and none to chance', () => {
    const good = drawn(2000, 1)
    const poor = good.map((m, i) => (unit(2, i, 0) < 0.6 ? (unit(2, i, 1) < 0.5 ? m : -m) : m))
    const chance = good.map((m, i) => (unit(3, i, 0) < 0.5 ? m : -m))
    expect(fitCalibration(good).weight).toBeGreaterThan(fitCalibration(poor).weight)
    expect(fitCalibration(poor).weight).toBeGreaterThan(0.1)
    expect(fitCalibration(chance)).toEqual({ scale: 0, weight: 0 })
    expect(fitCalibration(new Float64Array(0))).toEqual({ scale: 0, weight: 0 })
  })
})

it('accuracyOf counts margins of 0 half', () => {
  expect(accuracyOf(Float64Array.of(2, 0.1, -1, 0))).toBe(0.625)
  expect(accuracyOf(new Float64Array(0))).toBe(0.5)
})

describe('calibrationError', () => {
  it('is small for calibrated margins and large for boastful ones', () => {
    const calibrated = calibrationError(drawn(20_000, 1))
    const boastful = calibrationError(drawn(20_000, 1).map(m => 10 * m))
    expect(calibrated.ece).toBeLessThan(0.02)
    expect(boastful.ece).toBeGreaterThan(0.05)
    expect(boastful.brier).toBeGreaterThan(calibrated.brier)
  })

  it('is exact on a case done by hand', () => {
    const { ece, brier } = calibrationError(Float64Array.of(Math.log(3), Math.log(3), -Math.log(3)))
    expect(ece).toBeCloseTo(0.75 - 2 / 3)
    expect(brier).toBeCloseTo((0.25 ** 2 * 2 + 0.75 ** 2) / 3)
  })
})
