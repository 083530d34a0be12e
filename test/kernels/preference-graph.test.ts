import { describe, expect, it } from 'vitest'
import { type Comparisons, comparisonsOf } from '../../pipeline/kernels/comparisons.ts'
import { mix32 } from '../../pipeline/kernels/mix.ts'
import { type GraphFit, graphMargins } from '../../pipeline/kernels/preference-graph.ts'

interface Pair {
  readonly prompt?: number
  readonly chosen: number
  readonly rejected: number
  readonly copy?: number
  readonly tie?: boolean
  /** Words that tell the sides apart, below 0 those of rejected. */
  readonly words?: readonly number[]
}

const FIT: GraphFit = { strength_l2: 1, term_l2: 1, label_noise: 0 }

const lanes = (numbers: readonly number[]): Int32Array[] => [0, 1, 2, 3].map(lane => Int32Array.from(numbers, n => mix32(4 * n + lane)))
const startsOf = (counts: readonly number[]): Int32Array => {
  let at = 0
  return Int32Array.from([0, ...counts], count => (at += count))
}
const graphOf = (pairs: readonly Pair[], offsets = new Float64Array(pairs.length)): Comparisons =>
  comparisonsOf({
    prompt: lanes(pairs.map(p => p.prompt ?? 0)),
    chosen: lanes(pairs.map(p => p.chosen)),
    rejected: lanes(pairs.map(p => p.rejected)),
    copies: lanes(pairs.map((p, i) => p.copy ?? 1000 + i)),
    ties: Uint8Array.from(pairs, p => (p.tie ? 1 : 0)),
    offsets,
    terms: {
      starts: startsOf(pairs.map(p => p.words?.length ?? 0)),
      values: Int32Array.from(pairs.flatMap(p => (p.words ?? []).map(word => (mix32(Math.abs(word)) & ~1) | (word < 0 ? 1 : 0)))),
    },
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
    const { margins, linked } = graphMargins(graphOf(pairs), FIT)
    expect(margins.indexOf(Math.min(...margins))).toBe(3)
    expect(margins[3]).toBeLessThan(-0.5)
    expect([...linked]).toEqual(Array(10).fill(1))
  })

  it('does not let a pair or its copies vouch for it', () => {
    const pairs = ranked(4)
    const turned = pairs.map((p, i) => (i === 2 ? { chosen: p.rejected, rejected: p.chosen } : p))
    expect(graphMargins(graphOf(turned), FIT).margins[2]).toBeCloseTo(-graphMargins(graphOf(pairs), FIT).margins[2], 9)
    const copies = [...Array(6)].map(() => ({ chosen: 1, rejected: 2, copy: 5 }))
    const { margins, linked } = graphMargins(graphOf(copies), FIT)
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
      FIT,
    )
    expect([...margins]).toEqual([0.7, -0.2])
    expect([...linked]).toEqual([0, 0])
  })

  it('believes the offset more, the stronger the pull', () => {
    const pairs = ranked(5)
    const against = new Float64Array(pairs.length).fill(-1)
    const [loose, tight] = [0.1, 1000].map(strength_l2 => graphMargins(graphOf(pairs, against), { ...FIT, strength_l2 }).margins[3])
    expect(loose).toBeGreaterThan(0)
    expect(tight).toBeCloseTo(-1, 1)
  })

  it('reaches the minimum: the gradient of the penalised likelihood is 0 there', () => {
    const pairs = ranked(6)
    const graph = graphOf(pairs.map((p, i) => (i % 4 === 0 ? { chosen: p.rejected, rejected: p.chosen } : p)))
    const everything = { ...graph, folds: graph.folds.map(() => 0), prompt_of: new Int32Array(pairs.length + 1) }
    const one = { ties: new Uint8Array(pairs.length + 1), prompt_folds: new Uint8Array(pairs.length + 1).fill(2) }
    // a pair of fold 1 between two nodes shows their strengths, fitted on fold 0
    const probe = (winner: number, loser: number): number =>
      graphMargins(
        {
          ...everything,
          ...one,
          terms: { starts: new Int32Array(pairs.length + 2), values: new Int32Array(0) },
          winners: Int32Array.from([...graph.winners, winner]),
          losers: Int32Array.from([...graph.losers, loser]),
          offsets: new Float64Array(pairs.length + 1),
          folds: Uint8Array.from([...everything.folds, 1]),
        },
        FIT,
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

  it('lets answers that say the same vouch for one another, under one prompt alone', () => {
    const pairs = [0, 0, 0, 0, 7].map((prompt, i) => ({ prompt, chosen: 2 * i, rejected: 2 * i + 1, words: [11, -12] }))
    const { margins, linked } = graphMargins(graphOf(pairs), FIT)
    for (const margin of margins.slice(0, 4)) expect(margin).toBeGreaterThan(0.3)
    expect(margins[4]).toBe(0)
    expect([...linked]).toEqual([0, 0, 0, 0, 0])
  })

  it('is pulled less by a single wrong label where it expects some', () => {
    const many = [...Array(9)].map((_, i) => ({ chosen: 1, rejected: 2, copy: i }))
    const wrong = { chosen: 2, rejected: 1 }
    const [trusting, doubting] = [0, 0.2].map(label_noise => graphMargins(graphOf([...many, wrong]), { ...FIT, label_noise }).margins)
    expect(Math.min(...doubting.slice(0, 9))).toBeGreaterThan(Math.min(...trusting.slice(0, 9)))
    expect(doubting[9]).toBeLessThan(-1)
  })

  it('takes a tie for half a win of each', () => {
    const tied = [...Array(8)].map((_, i) => ({ chosen: 1, rejected: 2, copy: i, tie: true }))
    const margins = graphMargins(graphOf([...tied, { chosen: 1, rejected: 2 }]), FIT).margins
    expect(Math.abs(margins[8])).toBeLessThan(1e-6)
    expect(margins[0]).toBeGreaterThan(0.05)
  })

  it('is linear in the pairs, also of one prompt', () => {
    const pairs = Array.from({ length: 30_000 }, (_, i) => ({ chosen: mix32(i) % 3000, rejected: 3000 + (mix32(i + 7) % 3000) }))
    const { margins } = graphMargins(graphOf(pairs), FIT)
    expect(margins.filter(m => m > 0).length).toBeGreaterThan(29_000)
  }, 5000)
})
