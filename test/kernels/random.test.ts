import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Draws, hash32, permute, unit } from '../../pipeline/kernels/random.ts'

const drawn = (draws: Draws, n: number): number[] => Array.from({ length: n }, () => draws.bits())

describe('Draws', () => {
  test('start over at a key', () => {
    const draws = new Draws()
    const first = drawn(draws.start(7, 1, 2), 5)
    draws.start(7, 1, 3)
    expect(drawn(draws.start(7, 1, 2), 5)).toEqual(first)
  })

  test('differ for another seed, index or stream', () => {
    const draws = new Draws()
    const first = [
      [7, 1, 2],
      [8, 1, 2],
      [7, 2, 2],
      [7, 1, 3],
      [7, 2, 1],
    ].map(([seed, index, stream]) => draws.start(seed, index, stream).bits())
    expect(new Set(first).size).toBe(5)
  })

  test('are uniform: 10,000 draws over neighbouring keys, chi-square of 16 cells under the 0.001 point of 15 degrees of freedom', () => {
    const draws = new Draws()
    const cells = new Array(16).fill(0)
    for (let i = 0; i < 10_000; i++) cells[draws.start(1, i, 1).below(16)]++
    const chi = cells.reduce((sum, n) => sum + (n - 625) ** 2 / 625, 0)
    expect(chi).toBeLessThan(37.7)
    expect(chi).toBeGreaterThan(3.48)
  })

  test('below stays below, also for one', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 2 ** 31 }), (key, n) => {
        const value = new Draws().start(key, 0, 0).below(n)
        return Number.isInteger(value) && value >= 0 && value < n
      }),
      { seed: 42 },
    )
  })

  test('normal has mean 0 and variance 1', () => {
    const draws = new Draws().start(3, 0, 0)
    const values = Array.from({ length: 20_000 }, () => draws.normal())
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length
    expect(Math.abs(mean)).toBeLessThan(0.03)
    expect(Math.abs(variance - 1)).toBeLessThan(0.05)
  })
})

test('hash32 and unit are of one kind', () => {
  expect(unit(1, 2, 3)).toBe(hash32(1, 2, 3) / 2 ** 32)
  expect(hash32(1, 2, 3)).not.toBe(hash32(1, 3, 2))
})

test('permute is a bijection that leaves few places as they are', () => {
  for (const bits of [1, 2, 5, 10, 13]) {
    const places = Array.from({ length: 2 ** bits }, (_, i) => permute(i, bits, 42))
    expect(new Set(places).size).toBe(2 ** bits)
    expect(Math.min(...places)).toBe(0)
    expect(Math.max(...places)).toBe(2 ** bits - 1)
  }
  const fixed = Array.from({ length: 1024 }, (_, i) => permute(i, 10, 42) === i).filter(Boolean)
  expect(fixed.length).toBeLessThan(10)
})
