import { describe, expect, it } from 'vitest'
import { pairAuc } from '../../pipeline/kernels/auc.ts'
import { type Binned, ZERO } from '../../pipeline/kernels/binned.ts'
import { fitForest, forestMargins } from '../../pipeline/kernels/boosted-trees.ts'
import { unit } from '../../pipeline/kernels/random.ts'
import type { TreeParams } from '../../pipeline/kernels/tree-growth.ts'

const params: TreeParams = { trees: 20, depth: 3, rate: 0.2, ridge: 1, least_curvature: 2 }
const all = (rows: number): Int32Array => Int32Array.from({ length: rows }, (_, i) => i)

/** Rows of two signed features and one that does not turn, drawn uniformly, turned so that the label is on the side that `score` prefers. */
function sample(rows: number, score: (a: number, b: number, c: number) => number, seed = 1): Binned {
  const bins = new Uint8Array(rows * 3)
  for (let i = 0; i < rows; i++) {
    const [a, b, c] = [0, 1, 2].map(k => Math.floor(unit(seed, i, k) * 63))
    const turn = score(a - ZERO, b - ZERO, c) < 0
    bins.set([turn ? 2 * ZERO - a : a, turn ? 2 * ZERO - b : b, c], i * 3)
  }
  return { width: 3, signed: 2, bins }
}

const margins = (binned: Binned, forest: ReturnType<typeof fitForest>): Float64Array =>
  forestMargins(forest, binned, all(binned.bins.length / 3))

describe('fitForest', () => {
  it('learns what depends on two features together, as no linear model can', () => {
    const score = (a: number, b: number): number => (Math.abs(a) > 15 ? b : -b)
    const forest = fitForest(sample(3000, score), all(3000), params)
    const unseen = sample(1000, score, 2)
    expect(pairAuc(margins(unseen, forest))).toBeGreaterThan(0.95)
  })

  it('learns what depends on the surroundings', () => {
    const score = (a: number, _: number, c: number): number => (c > 30 ? a : -a)
    expect(pairAuc(margins(sample(1000, score, 2), fitForest(sample(3000, score), all(3000), params)))).toBeGreaterThan(0.95)
  })

  it('gives a turned pair the opposite margin', () => {
    const binned = sample(500, (a, b) => a + b)
    const forest = fitForest(binned, all(500), params)
    const turned: Binned = { ...binned, bins: binned.bins.map((bin, at) => (at % 3 < 2 ? 2 * ZERO - bin : bin)) }
    const straight = margins(binned, forest)
    for (const [i, margin] of margins(turned, forest).entries()) expect(margin).toBeCloseTo(-straight[i], 10)
  })

  it('learns from the rows of the index alone', () => {
    const binned = sample(400, a => a)
    const spoilt: Binned = { ...binned, bins: binned.bins.slice() }
    for (let i = 200; i < 400; i++) spoilt.bins[i * 3] = 2 * ZERO - spoilt.bins[i * 3]
    const half = all(200)
    expect(fitForest(spoilt, half, params)).toEqual(fitForest(binned, half, params))
  })

  it('learns nothing of rows without weight', () => {
    const binned = sample(400, a => a)
    const weights = Float64Array.from({ length: 400 }, (_, i) => (i < 200 ? 1 : 0))
    expect(fitForest(binned, all(400), params, weights)).toEqual(fitForest(binned, all(200), params, weights))
  })

  it('says nothing where nothing differs, or nothing is there', () => {
    const still: Binned = { width: 3, signed: 2, bins: new Uint8Array(300).fill(ZERO) }
    expect([...margins(still, fitForest(still, all(100), params))]).toEqual(new Array(100).fill(0))
    expect([...margins(still, fitForest(still, all(0), params))]).toEqual(new Array(100).fill(0))
  })
})
