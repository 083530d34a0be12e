import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { consensusDifferences } from '../../pipeline/kernels/consensus.ts'
import { wordSamples } from '../../pipeline/kernels/word-sample.ts'

const column = (rows: readonly (readonly number[])[]) => ({
  starts: Int32Array.from([0, ...rows].map((_, i) => rows.slice(0, i).reduce((n, row) => n + row.length, 0))),
  values: Int32Array.from(rows.flat()),
})

type Pair = readonly [winner: number, loser: number]

/** All pairs are of one prompt; a response is known by its number, and says `words[number]`. */
function differences(pairs: readonly Pair[], words: readonly (readonly number[])[], prompt_of = pairs.map(() => 0)): number[] {
  const graph = {
    nodes: words.length,
    prompts: 1 + Math.max(...prompt_of),
    prompt_of: Int32Array.from(prompt_of),
    winners: Int32Array.from(pairs, ([winner]) => winner),
    losers: Int32Array.from(pairs, ([, loser]) => loser),
  }
  const side = (k: 0 | 1) => column(pairs.map(pair => words[pair[k]]))
  return [...consensusDifferences(graph, side(0), side(1))]
}

describe('consensusDifferences', () => {
  it('prefers the answer that says what the others say', () => {
    const words = [
      [1, 2],
      [2, 3],
      [7, 8],
    ]
    const [outlier, peers] = differences(
      [
        [2, 0],
        [1, 0],
      ],
      words,
    )
    // of 0: product with (0, 1, 1, 1, 1) / sqrt 2 is 1 / 2, the length of that sum sqrt 2
    expect(outlier).toBeCloseTo(-0.5 / Math.SQRT2, 12)
    expect(peers).toBeCloseTo(0, 12)
  })

  it('says nothing of two responses, of a prompt without words, and of other prompts', () => {
    expect(differences([[0, 1]], [[1, 2, 3], [4]])).toEqual([0])
    expect(
      differences(
        [
          [0, 1],
          [1, 2],
        ],
        [[], [], []],
      ),
    ).toEqual([0, 0])
    expect(
      differences(
        [
          [0, 1],
          [2, 3],
        ],
        [[1], [2], [1], [1]],
        [0, 1],
      ),
    ).toEqual([0, 0])
  })

  it('is that of dense vectors, changes its sign with the label, and counts a response once however often it is compared', () => {
    const text = fc.uniqueArray(fc.integer({ min: -6, max: 6 }), { maxLength: 8 })
    const texts = fc.array(text, { minLength: 3, maxLength: 6 })
    fc.assert(
      fc.property(texts, words => {
        const pairs = words.slice(1).map((_, i): Pair => [0, i + 1])
        const given = differences(pairs, words)
        const vector = (own: readonly number[]) =>
          Array.from({ length: 13 }, (_, k) => (own.includes(k - 6) ? 1 / Math.sqrt(own.length) : 0))
        const cosine = (i: number): number => {
          const others = words.filter((_, k) => k !== i).map(vector)
          const sum = Array.from({ length: 13 }, (_, k) => others.reduce((n, v) => n + v[k], 0))
          const length = Math.hypot(...sum)
          return length === 0 ? 0 : vector(words[i]).reduce((n, v, k) => n + v * sum[k], 0) / length
        }
        for (const [e, [, loser]] of pairs.entries()) expect(given[e]).toBeCloseTo(cosine(0) - cosine(loser), 9)
        const turned = pairs.map(([winner, loser]): Pair => [loser, winner])
        for (const [e, difference] of differences(turned, words).entries()) expect(difference).toBeCloseTo(-given[e], 12)
        expect(differences([...pairs, ...pairs], words).slice(0, pairs.length)).toEqual(given)
      }),
      { seed: 42, numRuns: 300 },
    )
  })
})

describe('wordSamples', () => {
  const sample = (rows: readonly (readonly number[])[], most: number): number[][] => {
    const { starts, values } = column(rows)
    const drawn = wordSamples({ hashes: Uint32Array.from(values), starts }, rows.length, most)
    return rows.map((_, i) => [...drawn.values.subarray(drawn.starts[i], drawn.starts[i + 1])])
  }

  it('has every word of a short text once', () => {
    expect(sample([[5, 3, 5], [], [9]], 4)).toEqual([[3, 5], [], [9]])
  })

  it('draws about so many of a long one, the same for another text of these words', () => {
    const words = Array.from({ length: 2000 }, (_, i) => (i * 7919) | 0)
    const [one, other] = sample([words, [...words].reverse()], 50)
    expect(one).toEqual(other)
    expect(one.length).toBeGreaterThan(30)
    expect(one.length).toBeLessThan(70)
  })
})
