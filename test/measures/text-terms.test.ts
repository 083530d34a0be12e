import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Batch, type Columns, slice } from '../../pipeline/batch.ts'
import { type termColumns, textTerms } from '../../pipeline/measures/text-terms.ts'
import { type PairInput, pairsOf } from '../drive.ts'

const context = { seed: 0, file: async () => new Uint8Array(0) }

async function termsOf(pairs: readonly PairInput[], max_terms = 256): Promise<number[][]> {
  const run = await textTerms.open({ max_terms }, context)
  const { terms } = run(pairsOf(pairs) as unknown as Batch) as unknown as Columns<typeof termColumns>
  const { values } = terms.items.columns.term
  return pairs.map((_, i) => Array.from(values.subarray(terms.starts[i], terms.starts[i + 1])))
}

const sides = (terms: readonly number[]): [number, number] => [terms.filter(t => !(t & 1)).length, terms.filter(t => t & 1).length]

describe('text-terms', () => {
  it('tells what one side alone has: words, words of the prompt once more, word pairs', async () => {
    const [terms] = await termsOf([{ prompt: 'blue', chosen: 'the sky is blue', rejected: 'the sky is red red' }])
    // chosen: blue, blue of the prompt, "is blue"; rejected: red, "is red", "red red"
    expect(sides(terms)).toEqual([3, 3])
  })

  it('has nothing to tell of sides of the same words in the same order', async () => {
    expect(
      await termsOf([
        { chosen: 'So it is.', rejected: 'so, it IS' },
        { chosen: '', rejected: '!' },
      ]),
    ).toEqual([[], []])
  })

  it('turns with the pair', async () => {
    const pair = { prompt: 'why', chosen: 'because of the rain, my friend', rejected: 'do not ask me why of the rain' }
    const [terms, turned] = await termsOf([pair, { ...pair, chosen: pair.rejected, rejected: pair.chosen }])
    expect(turned.map(t => t ^ 1).sort()).toEqual([...terms].sort())
  })

  it('keeps to about so many terms, words first', async () => {
    const words = (from: number): string => Array.from({ length: 200 }, (_, i) => `w${from + i}`).join(' ')
    const pair = { chosen: words(0), rejected: words(1000) }
    const [all] = await termsOf([pair], 4096)
    const [some] = await termsOf([pair], 100)
    const [most] = await termsOf([pair], 500)
    expect(all.length).toBe(2 * 200 + 2 * 199)
    expect(some.length).toBeGreaterThan(60)
    expect(some.length).toBeLessThan(140)
    expect(most.slice(0, 400)).toEqual(all.slice(0, 400))
    for (const term of some) expect(all).toContain(term)
  })

  it('looks at each pair alone', async () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd', '水'), { maxLength: 12 }).map(words => words.join(' '))
    const pair = fc.record({ prompt: text, chosen: text, rejected: text })
    const run = await textTerms.open({ max_terms: 8 }, context)
    await fc.assert(
      fc.asyncProperty(fc.array(pair, { minLength: 1, maxLength: 6 }), async pairs => {
        const whole = await termsOf(pairs, 8)
        const batch = pairsOf(pairs) as unknown as Batch
        for (const [i, terms] of whole.entries()) {
          const alone = run(slice(batch, i, i + 1)) as unknown as Columns<typeof termColumns>
          expect(Array.from(alone.terms.items.columns.term.values)).toEqual(terms)
        }
      }),
      { seed: 42, numRuns: 50 },
    )
  })
})
