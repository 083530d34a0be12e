import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8Of } from '../../pipeline/batch.ts'
import { buildNgramIndex, gramsText, type NgramIndex } from '../../pipeline/kernels/ngram-index.ts'
import { NgramMatcher } from '../../pipeline/kernels/ngram-matches.ts'
import { plainWords } from '../../pipeline/kernels/plain-words.ts'

const indexOf = (texts: readonly string[], ngram: number, group = texts.map(() => 0)): NgramIndex =>
  buildNgramIndex({
    texts: utf8Of(texts),
    item: Int32Array.from(texts.keys()),
    group: Int32Array.from(group),
    ngram: new Int32Array(texts.length).fill(ngram),
  })

/** Runs of every stream as [text, from, words, at]. */
function runsOf(index: NgramIndex, streams: readonly string[]): number[][][] {
  const { hashes, starts } = plainWords(utf8Of(streams))
  const matcher = new NgramMatcher(index)
  return streams.map((_, s) => {
    matcher.find(hashes, starts[s], starts[s + 1])
    return Array.from({ length: matcher.count }, (_, k) => [matcher.text[k], matcher.from[k], matcher.words[k], matcher.at[k] - starts[s]])
  })
}

describe('NgramMatcher', () => {
  const index = indexOf(['one two three four five six', 'red green blue', 'yes'], 4)

  it.each([
    ['a whole text', 'one two three four five six', [[0, 0, 6, 0]]],
    ['a run as long as it goes', 'say two three four five or six', [[0, 1, 4, 1]]],
    ['nothing of three words', 'one two three', []],
    ['a short text as a whole', 'not red green blue here', [[1, 0, 3, 1]]],
    ['no part of a short text', 'red green', []],
    ['one word where it is alone', 'Yes!', [[2, 0, 1, 0]]],
    ['not one word among others', 'yes of course', []],
    [
      'each of several runs',
      'one two three four red green blue three four five six',
      [
        [0, 0, 4, 0],
        [0, 2, 4, 7],
        [1, 0, 3, 4],
      ],
    ],
  ])('finds %s', (_, stream, runs) => expect(runsOf(index, [stream])[0].sort()).toEqual(runs))

  it('does not run from one text of the stream into the next', () =>
    expect(runsOf(index, ['one two', 'three four', 'red', 'green blue'])).toEqual([[], [], [], []]))

  it('finds every text wherever it stands, and never what is not there', () => {
    const words = (min: number, max: number) => fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: min, maxLength: max })
    const input = fc.record({
      texts: fc.uniqueArray(words(3, 12), { minLength: 1, maxLength: 6, selector: t => t.join() }),
      stream: words(3, 40),
    })
    fc.assert(
      fc.property(input, ({ texts, stream }) => {
        const runs = runsOf(
          indexOf(
            texts.map(t => t.join(' ')),
            5,
          ),
          [stream.join(' ')],
        )[0]
        for (const [t, from, count, at] of runs) expect(texts[t].slice(from, from + count)).toEqual(stream.slice(at, at + count))
        for (const [t, text] of texts.entries())
          if (` ${stream.join(' ')} `.includes(` ${text.join(' ')} `)) expect(runs.some(r => r[0] === t && r[2] === text.length)).toBe(true)
      }),
      { seed: 42, numRuns: 300 },
    )
  })

  it('finds a text of which every n-gram is common', () => {
    const texts = Array.from({ length: 40 }, (_, i) => `the form that everybody fills in ${i} times a year`)
    const common = [...texts, 'the form that everybody fills in']
    expect(runsOf(indexOf(common, 5), ['the form that everybody fills in'])[0].filter(r => r[0] === 40)).toEqual([[40, 0, 6, 0]])
  })

  it('takes time in proportion to hostile texts', () => {
    const text = 'a '.repeat(50_000)
    const hostile = indexOf([text, `${text} b`], 13)
    const start = performance.now()
    expect(runsOf(hostile, ['a '.repeat(100_000)])[0].length).toBeGreaterThan(0)
    expect(performance.now() - start).toBeLessThan(5_000)
  })
})

describe('buildNgramIndex', () => {
  const weakOf = (texts: string[], group?: number[]): number[] => [...indexOf(texts, 5, group).weak]

  it('holds numbers and repetition for weak', () => {
    expect(weakOf(['1 2 3 4 5'])[0]).toBe(1)
    expect(weakOf(['he he he he he'])[0]).toBe(1)
    expect(weakOf(['add 2 and 3 now'])[0]).toBe(0)
  })

  it('holds what three items of one benchmark share for a form', () => {
    const texts = ['x', 'y', 'z'].map(end => `choose the one right answer ${end}`)
    expect(weakOf(texts)[0]).toBe(1)
    expect(weakOf(texts, [0, 0, 1])[0]).toBe(0)
  })

  it('counts the texts of one item once', () => {
    const texts = ['x', 'y', 'z'].map(end => `choose the one right answer ${end}`)
    const index = buildNgramIndex({
      texts: utf8Of(texts),
      item: Int32Array.of(7, 7, 7),
      group: new Int32Array(3),
      ngram: new Int32Array(3).fill(5),
    })
    expect(index.weak[0]).toBe(0)
  })

  it('sees where a quotation begins', () =>
    expect([...indexOf(['Who said: "to be or not", and why?'], 5).quoted]).toEqual([0, 0, 3, 0, 0, 0, 3, 0]))

  it('takes no form of three items, and no docstring, for a quotation', () => {
    const asked = ['one', 'two', 'six'].map(n => `Answer this question: how far is ${n}`)
    const index = indexOf([...asked, 'Answer this riddle: how far is it', 'def far(): """How far is it'], 5)
    const opens = index.starts.slice(0, -1).map((start, t) => index.quoted.subarray(start, index.starts[t + 1]).findIndex(q => (q & 1) > 0))
    expect([...opens]).toEqual([-1, -1, -1, 3, -1])
    const two = indexOf(asked.slice(1), 5)
    expect([...two.quoted].filter(q => (q & 1) > 0)).toHaveLength(2)
    const apart = indexOf(asked, 5, [0, 1, 2])
    expect([...apart.quoted].filter(q => (q & 1) > 0)).toHaveLength(3)
  })

  it('shows n-grams as they are written', () =>
    expect(gramsText(indexOf(['Nothing', 'One, **two**: three; four five six!'], 5), 1, 2)).toBe('One, **two**: three; four five six'))

  it('indexes nothing', () => expect(runsOf(indexOf([], 13), ['one two three'])).toEqual([[]]))
})

describe('plainWords', () => {
  const words = (text: string): string[] => {
    const column = utf8Of([text])
    const { begins, ends } = plainWords(column)
    return Array.from(begins, (begin, i) => Buffer.from(column.bytes.subarray(begin, ends[i])).toString())
  }

  it('drops the underscores around words, not those inside', () =>
    expect(words('_one_ __two__ snake_case ___ __init__')).toEqual(['one', 'two', 'snake_case', 'init']))

  it('hashes a word as if it had no underscores', () => {
    const plain = plainWords(utf8Of(['One CAFÉ x', 'init']))
    const marked = plainWords(utf8Of(['_One_ ___ __CAFÉ__ x', '__init__']))
    expect(marked.hashes).toEqual(plain.hashes)
    expect(marked.starts).toEqual(plain.starts)
  })
})
