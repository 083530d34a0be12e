import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { comparisonsOf } from '../../pipeline/kernels/comparisons.ts'
import { mix32 } from '../../pipeline/kernels/mix.ts'
import { DensePulls, roomFor, SparsePulls } from '../../pipeline/kernels/pair-pulls.ts'

const pair = fc.record({ chosen: fc.nat(5), rejected: fc.nat(5), words: fc.uniqueArray(fc.integer({ min: -9, max: 9 }), { maxLength: 6 }) })
const lanes = (numbers: readonly number[]): Int32Array[] => [0, 1, 2, 3].map(lane => Int32Array.from(numbers, n => mix32(4 * n + lane)))

const termsOf = (lists: readonly (readonly number[])[]) => {
  const starts = new Int32Array(lists.length + 1)
  for (const [i, { length }] of lists.entries()) starts[i + 1] = starts[i] + length
  return { starts, values: Int32Array.from(lists.flat(), word => (mix32(Math.abs(word)) & ~1) | (word < 0 ? 1 : 0)) }
}

describe('pulls of pairs', () => {
  it('are the same by a table of pairs and by strengths and weights', () => {
    const moves = fc.array(fc.tuple(fc.nat(), fc.double({ min: -1, max: 1, noNaN: true })), { maxLength: 20 })
    fc.assert(
      fc.property(fc.array(pair, { minLength: 1, maxLength: 12 }), moves, (pairs, moves) => {
        const graph = comparisonsOf({
          prompt: lanes(pairs.map(() => 0)),
          chosen: lanes(pairs.map(p => p.chosen)),
          rejected: lanes(pairs.map(p => p.rejected)),
          copies: lanes([...pairs.keys()]),
          ties: new Uint8Array(pairs.length),
          offsets: Float64Array.from(pairs, (_, i) => i / 8),
          terms: termsOf(pairs.map(p => p.words)),
        })
        const all = Int32Array.from(pairs.keys())
        const fit = { strength_l2: 2, term_l2: 0.5, label_noise: 0 }
        const [dense, sparse] = [new DensePulls(graph, fit, all, roomFor(graph)), new SparsePulls(graph, fit, all, roomFor(graph))]
        for (let turn = 0; turn < 2; turn++) {
          dense.forget()
          sparse.forget()
          for (const [at, change] of moves) {
            dense.add(at % pairs.length, change)
            sparse.add(at % pairs.length, change)
          }
          for (const j of all) expect(dense.marginOf(j)).toBeCloseTo(sparse.marginOf(j), 4)
        }
      }),
      { seed: 42, numRuns: 300 },
    )
  })

  it('of a pair at itself are those of its responses and of its terms', () => {
    const graph = comparisonsOf({
      prompt: lanes([0]),
      chosen: lanes([1]),
      rejected: lanes([2]),
      copies: lanes([0]),
      ties: new Uint8Array(1),
      offsets: new Float64Array(1),
      terms: termsOf([[1, 2, -3]]),
    })
    const [all, fit] = [Int32Array.of(0), { strength_l2: 2, term_l2: 0.5, label_noise: 0 }]
    expect(new SparsePulls(graph, fit, all, roomFor(graph)).ownOf(0)).toBe(2 / 2 + 3 / 4 / 0.5)
    expect(new DensePulls(graph, fit, all, roomFor(graph)).ownOf(0)).toBeCloseTo(2 / 2 + 3 / 4 / 0.5, 5)
  })
})
