import { describe, expect, it } from 'vitest'
import { mix32 } from '../../pipeline/kernels/mix.ts'
import { type Comparisons, comparisonsOf, graphMargins } from '../../pipeline/kernels/preference-graph.ts'

interface Pair {
  readonly prompt?: number
  readonly chosen: number
  readonly rejected: number
  readonly copy?: number
}

const lanes = (numbers: readonly number[]): Int32Array[] => [0, 1, 2, 3].map(lane => Int32Array.from(numbers, n => mix32(4 * n + lane)))
const graphOf = (pairs: readonly Pair[], offsets = new Float64Array(pairs.length)): Comparisons =>
  comparisonsOf({
    prompt: lanes(pairs.map(p => p.prompt ?? 0)),
    chosen: lanes(pairs.map(p => p.chosen)),
    rejected: lanes(pairs.map(p => p.rejected)),
    copies: lanes(pairs.map((p, i) => p.copy ?? 1000 + i)),
    offsets,
  })

/** All pairs of n responses, the lower number chosen. */
const ranked = (n: number, prompt = 0): Pair[] =>
  Array.from({ length: n * n }, (_, k) => ({ prompt, chosen: Math.floor(k / n), rejected: k % n })).filter(p => p.chosen < p.rejected)

describe('comparisonsOf', () => {
  it('has a node for each response under its prompt', () => {
    const graph = graphOf([
      { chosen: 1, rejected: 2 },
      { chosen: 2, rejected: 3 },
      { prompt: 9, chosen: 1, rejected: 2 },
    ])
    expect(graph.nodes).toBe(5)
    expect(graph.losers[0]).toBe(graph.winners[1])
    expect(graph.winners[0]).not.toBe(graph.winners[2])
  })

  it('puts the pairs of a small prompt in folds of their own, and copies in one', () => {
    expect(new Set(graphOf(ranked(5)).folds).size).toBe(10)
    const folds = graphOf(ranked(5).map((pair, i) => ({ ...pair, copy: i % 2 }))).folds
    expect(new Set(folds).size).toBe(2)
    expect(folds[0]).toBe(folds[2])
  })
})

describe('graphMargins', () => {
  it('finds the one label that the others contradict', () => {
    const pairs = ranked(5).map((p, i) => (i === 3 ? { chosen: p.rejected, rejected: p.chosen } : p))
    const { margins, linked } = graphMargins(graphOf(pairs), 1)
    expect(margins.indexOf(Math.min(...margins))).toBe(3)
    expect(margins[3]).toBeLessThan(-0.5)
    expect([...linked]).toEqual(Array(10).fill(1))
  })

  it('does not let a pair or its copies vouch for it', () => {
    const pairs = ranked(4)
    const turned = pairs.map((p, i) => (i === 2 ? { chosen: p.rejected, rejected: p.chosen } : p))
    expect(graphMargins(graphOf(turned), 1).margins[2]).toBeCloseTo(-graphMargins(graphOf(pairs), 1).margins[2], 9)
    const copies = [...Array(6)].map(() => ({ chosen: 1, rejected: 2, copy: 5 }))
    const { margins, linked } = graphMargins(graphOf(copies), 1)
    expect([...margins, ...linked]).toEqual(Array(12).fill(0))
  })

  it('says what the offset says where no other pair has either response', () => {
    const { margins, linked } = graphMargins(
      graphOf(
        [
          { chosen: 1, rejected: 2 },
          { chosen: 3, rejected: 4 },
        ],
        Float64Array.of(0.7, -0.2),
      ),
      1,
    )
    expect([...margins]).toEqual([0.7, -0.2])
    expect([...linked]).toEqual([0, 0])
  })

  it('believes the offset more, the stronger the pull', () => {
    const pairs = ranked(5)
    const against = new Float64Array(pairs.length).fill(-1)
    const [loose, tight] = [0.1, 1000].map(l2 => graphMargins(graphOf(pairs, against), l2).margins[3])
    expect(loose).toBeGreaterThan(0)
    expect(tight).toBeCloseTo(-1, 1)
  })

  it('reaches the minimum: the gradient of the penalised likelihood is 0 there', () => {
    const pairs = ranked(6)
    const graph = graphOf(pairs.map((p, i) => (i % 4 === 0 ? { chosen: p.rejected, rejected: p.chosen } : p)))
    const everything = { ...graph, folds: graph.folds.map(() => 0), fold_count: 2 }
    // a pair of fold 1 between two nodes shows their strengths, fitted on fold 0
    const probe = (winner: number, loser: number): number =>
      graphMargins(
        {
          ...everything,
          winners: Int32Array.from([...graph.winners, winner]),
          losers: Int32Array.from([...graph.losers, loser]),
          offsets: new Float64Array(pairs.length + 1),
          folds: Uint8Array.from([...everything.folds, 1]),
        },
        1,
      ).margins[pairs.length]
    const strength = Array.from({ length: graph.nodes }, (_, n) => probe(n, 0))
    const centre = strength.reduce((a, b) => a + b, 0) / strength.length
    const gradient = strength.map(u => u - centre)
    for (let e = 0; e < pairs.length; e++) {
      const [w, l] = [graph.winners[e], graph.losers[e]]
      const wrong = 1 / (1 + Math.exp(strength[w] - strength[l]))
      gradient[w] -= wrong
      gradient[l] += wrong
    }
    for (const slope of gradient) expect(Math.abs(slope)).toBeLessThan(0.02)
  })

  it('is linear in the pairs, also of one prompt', () => {
    const pairs = Array.from({ length: 30_000 }, (_, i) => ({ chosen: mix32(i) % 3000, rejected: 3000 + (mix32(i + 7) % 3000) }))
    const { margins } = graphMargins(graphOf(pairs), 1)
    expect(margins.filter(m => m > 0).length).toBeGreaterThan(29_000)
  }, 5000)
})
