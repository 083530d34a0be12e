import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Comparisons, comparisonsOf } from '../../pipeline/kernels/comparisons.ts'
import { contestedResponses, cyclicTriples } from '../../pipeline/kernels/graph-oddities.ts'
import { mix32 } from '../../pipeline/kernels/mix.ts'

/** 'ab' = a beats b, 'a=b' = a tie; lists of them are prompts. */
function graphOf(...prompts: readonly string[]): Comparisons {
  const pairs = prompts.flatMap((list, prompt) =>
    list.split(' ').map(pair => ({ prompt, a: pair[0], b: pair.at(-1)!, tie: pair[1] === '=' })),
  )
  const lanes = (numbers: readonly number[]): Int32Array[] => [0, 1, 2, 3].map(lane => Int32Array.from(numbers, n => mix32(4 * n + lane)))
  return comparisonsOf({
    prompt: lanes(pairs.map(p => p.prompt)),
    chosen: lanes(pairs.map(p => p.a.charCodeAt(0))),
    rejected: lanes(pairs.map(p => p.b.charCodeAt(0))),
    copies: lanes(pairs.map((_, i) => i)),
    ties: Uint8Array.from(pairs, p => (p.tie ? 1 : 0)),
    offsets: new Float64Array(pairs.length),
    terms: { starts: new Int32Array(pairs.length + 1), values: new Int32Array(0) },
  })
}
const counted = (...prompts: readonly string[]): number[][] => {
  const { triples, cyclic } = cyclicTriples(graphOf(...prompts), prompts.length)
  return prompts.map((_, p) => [triples[p], cyclic[p]])
}

describe('cyclicTriples', () => {
  it('tells circles from orders, prompt by prompt', () => {
    expect(counted('ab bc ca', 'ab bc ac', 'ab bc')).toEqual([
      [1, 1],
      [1, 0],
      [0, 0],
    ])
    expect(counted('ab bc ca cd da db')).toEqual([[4, 2]])
  })

  it('goes by who won more often; a couple that is even decides nothing', () => {
    expect(counted('ab ab ba bc ca')).toEqual([[1, 1]])
    expect(counted('ab ba bc ca')).toEqual([[0, 0]])
    expect(counted('a=b bc ca')).toEqual([[0, 0]])
    expect(counted('a=b ab bc ca')).toEqual([[1, 1]])
    expect(counted('aa ab bc ca')).toEqual([[1, 1]])
  })

  it('counts what a look at every three responses counts', () => {
    const couples = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 8 })), {
      minLength: 1,
      maxLength: 30,
    })
    fc.assert(
      fc.property(couples, pairs => {
        const beats = (a: number, b: number): number =>
          a === b ? 0 : pairs.filter(([w, l]) => w === a && l === b).length - pairs.filter(([w, l]) => w === b && l === a).length
        let triples = 0
        let cyclic = 0
        for (let a = 0; a < 9; a++)
          for (let b = a + 1; b < 9; b++)
            for (let c = b + 1; c < 9; c++) {
              const [x, y, z] = [beats(a, b), beats(b, c), beats(c, a)]
              if (x === 0 || y === 0 || z === 0) continue
              triples++
              if (Math.sign(x) === Math.sign(y) && Math.sign(y) === Math.sign(z)) cyclic++
            }
        const named = pairs.map(([w, l]) => String.fromCharCode(97 + w, 97 + l)).join(' ')
        expect(counted(named)).toEqual([[triples, cyclic]])
      }),
      { seed: 42 },
    )
  })

  it('leaves out a prompt with too many, and says so', () => {
    const n = 700
    const winners = Int32Array.from({ length: (n * (n - 1)) / 2 }, (_, e) => Math.floor((1 + Math.sqrt(1 + 8 * e)) / 2))
    const losers = winners.map((w, e) => e - (w * (w - 1)) / 2)
    const graph = {
      ...graphOf('ab'),
      nodes: n,
      winners,
      losers,
      ties: new Uint8Array(winners.length),
      prompt_of: new Int32Array(winners.length),
    }
    const { triples, left_out } = cyclicTriples(graph, 1)
    expect([triples[0], left_out[0]]).toEqual([0, 1])
  })
})

describe('contestedResponses', () => {
  it('counts by response the labels that others contradict', () => {
    const graph = graphOf('ab bc a=c cd')
    const { comparisons, contradicted } = contestedResponses(graph, Float64Array.of(1, -2, -3, -1), Uint8Array.of(1, 1, 1, 0))
    const of = (counts: Int32Array): number[] => [graph.winners[0], graph.losers[0], graph.losers[1], graph.losers[3]].map(n => counts[n])
    expect(of(comparisons)).toEqual([1, 2, 1, 0])
    expect(of(contradicted)).toEqual([0, 1, 1, 0])
  })
})
