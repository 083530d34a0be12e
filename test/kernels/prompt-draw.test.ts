import { describe, expect, it } from 'vitest'
import { beyond, drawKeys, firstRowsOf, samePrompt } from '../../pipeline/kernels/prompt-draw.ts'
import { Draws } from '../../pipeline/kernels/random.ts'

const idsOf = (count: number, seed: number) => {
  const draws = new Draws().start(seed, 0, 0)
  return { bytes: Uint8Array.from({ length: count * 16 }, () => draws.below(256)) }
}
const ones = (count: number) => new Float64Array(count).fill(1)

describe('draw keys', () => {
  it('are exponential: their mean is 1 / weight', () => {
    for (const weight of [0.5, 1, 4]) {
      const keys = drawKeys(1, idsOf(20_000, 3), new Float64Array(20_000).fill(weight))
      const mean = keys.reduce((a, b) => a + b, 0) / keys.length
      // standard error 1 / (weight sqrt n) = .7 %
      expect(mean * weight).toBeGreaterThan(0.97)
      expect(mean * weight).toBeLessThan(1.03)
    }
  })

  it('draw the first in proportion to the weights', () => {
    let heavy = 0
    for (let round = 0; round < 4000; round++) {
      const [a, b] = drawKeys(round, idsOf(2, 7), Float64Array.of(3, 1))
      if (a < b) heavy++
    }
    // .75 +- 3 standard errors of .0068
    expect(heavy / 4000).toBeGreaterThan(0.729)
    expect(heavy / 4000).toBeLessThan(0.771)
  })

  it('depend on the seed and the id alone', () => {
    const ids = idsOf(3, 5)
    expect(drawKeys(1, ids, ones(3))).toEqual(drawKeys(1, { bytes: ids.bytes.slice() }, ones(3)))
    expect(drawKeys(1, ids, ones(3))).not.toEqual(drawKeys(2, ids, ones(3)))
  })

  it('put what has no weight last', () => {
    const keys = drawKeys(1, idsOf(4, 5), Float64Array.of(0, Number.NaN, -1, 1e-300))
    expect([...keys].map(key => key === Number.MAX_VALUE)).toEqual([true, true, true, false])
  })
})

const oneGroup = (count: number) => ({ starts: Int32Array.of(0, count), rows: Int32Array.from({ length: count }, (_, i) => i) })

describe('what lies beyond a cap', () => {
  it('is all but the smallest keys, the place in the corpus deciding between equal ones', () => {
    const keys = Float64Array.of(0.5, 0.1, 0.5, 0.9)
    expect([...beyond(oneGroup(4), keys, Int32Array.of(9, 1, 3, 2), 2)]).toEqual([1, 0, 0, 1])
    expect([...beyond(oneGroup(4), keys, Int32Array.of(9, 1, 3, 2), 4)]).toEqual([0, 0, 0, 0])
  })

  it('shrinks with the cap: a larger draw only adds', () => {
    const keys = drawKeys(1, idsOf(50, 1), ones(50))
    const ordinals = oneGroup(50).rows
    for (let most = 1; most < 50; most++) {
      const [less, more] = [most, most + 1].map(cap => beyond(oneGroup(50), keys, ordinals, cap))
      expect(less.every((past, i) => past >= more[i])).toBe(true)
      expect(more.reduce((n, past) => n + past, 0)).toBe(50 - most - 1)
    }
  })

  it('is found in a moment for a prompt of 200,000 pairs', () => {
    const count = 200_000
    const start = process.cpuUsage()
    const past = beyond(oneGroup(count), drawKeys(1, idsOf(count, 1), ones(count)), oneGroup(count).rows, 8)
    expect(past.reduce((n, p) => n + p, 0)).toBe(count - 8)
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(5)
  })
})

it('counts every pair of a prompt but the first, by sources', () => {
  const prompts = { starts: Int32Array.of(0, 3, 4), rows: Int32Array.of(2, 0, 1, 3) }
  const tally = samePrompt(prompts, firstRowsOf(prompts, Int32Array.of(5, 4, 7, 1)), Int32Array.of(1, 0, 0, 1), ['a', 'b'])
  expect(tally.facts(9)).toEqual({
    relations: { 'same-prompt': 2 },
    by_source: [
      { relation: 'same-prompt', source: 'a', within: 1, across: 0 },
      { relation: 'same-prompt', source: 'b', within: 0, across: 1 },
    ],
    between: [
      { relation: 'same-prompt', source: 'a', survivor_source: 'a', pairs: 1 },
      { relation: 'same-prompt', source: 'b', survivor_source: 'a', pairs: 1 },
    ],
  })
})
