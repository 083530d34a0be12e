import { describe, expect, it } from 'vitest'
import { nearDup } from '../stages/near-dup.ts'
import type { PairInput } from './drive.ts'
import { ai, edited, GENEROUS, human, PAIR, run, words } from './near-dup-pairs.ts'

describe('near-duplicates', () => {
  it('are found field by field, and tell which pair they are near to', async () => {
    const { reasons, of, verdicts } = await run([
      { ...PAIR, ...ai },
      { ...PAIR, ...human, chosen: `${PAIR.chosen} and more`, rejected: `so ${PAIR.rejected}` },
      { prompt: 'other' },
    ])
    expect(reasons).toEqual(['near', null, null])
    expect(of).toEqual([1, -1, -1])
    expect(verdicts[0].add.jaccard).toBeCloseTo(96 / 98, 6)
    expect(verdicts.map(v => v.add.cluster_size)).toEqual([2, 2, null])
    expect(verdicts[0].add.cluster_id).toBe(verdicts[0].add.duplicate_of)
    expect(verdicts[1].add).toMatchObject({ duplicate_of: null, relation: null, jaccard: null, cluster_id: verdicts[0].add.cluster_id })
  })

  it('keep two different answers to one long prompt', async () => {
    const prompt = words('p', 3000)
    const { reasons } = await run([
      { prompt, chosen: words('a', 20), rejected: words('b', 20) },
      { prompt, chosen: words('c', 20), rejected: words('d', 20) },
    ])
    expect(reasons).toEqual([null, null])
  })

  it('are copies whose accents are characters of their own, as some systems write them', async () => {
    const pair = { prompt: 'Où est née la fée ?', chosen: 'À Sète, près de la forêt.', rejected: 'Việt Nam ở đâu, tôi không biết.' }
    const apart = Object.fromEntries(Object.entries(pair).map(([side, text]) => [side, text.normalize('NFD')])) as typeof pair
    expect(apart.chosen).not.toBe(pair.chosen)
    const { reasons, verdicts } = await run([pair, apart])
    expect(reasons.filter(Boolean)).toEqual(['near'])
    expect(verdicts[reasons.indexOf('near')].add.jaccard).toBe(1)
  })

  it('keep one answer to two different prompts', async () => {
    expect((await run([PAIR, { ...PAIR, prompt: words('q', 40) }])).reasons).toEqual([null, null])
  })

  it('take `compare: text` at its word: there one long prompt makes two pairs near-duplicates', async () => {
    const prompt = words('p', 3000)
    const pairs = [
      { prompt, chosen: 'yes it is', rejected: 'no' },
      { prompt, chosen: 'maybe', rejected: 'never at all' },
    ]
    expect((await run(pairs, { compare: 'text' })).reasons.filter(Boolean)).toEqual(['near'])
  })

  it('never chain: of a ~ b ~ c with a far from c two stay', async () => {
    const text = words('c', 200)
    const b = edited(text, 50)
    const c = edited(b, 50, 25)
    const pairs = [text, b, c].map((chosen, i) => ({ ...PAIR, chosen, priority: 3 - i }))
    const { reasons, of } = await run(pairs, GENEROUS)
    expect(reasons).toEqual([null, 'near', null])
    expect(of).toEqual([-1, 0, -1])
  })

  it('always leave one of a cluster', async () => {
    const pairs = Array.from({ length: 60 }, (_, i) => ({ ...PAIR, chosen: `${PAIR.chosen} ${i}` }))
    const { reasons, facts, ids, of } = await run(pairs)
    expect(reasons.filter(reason => reason === null)).toHaveLength(1)
    const survivor = reasons.indexOf(null)
    expect(of.filter((_, i) => i !== survivor)).toEqual(new Array(59).fill(survivor))
    expect(facts).toMatchObject({
      clusters: 1,
      relations: { near: 59 },
      largest: [
        {
          survivor: ids[survivor],
          source: 'test',
          pairs: 60,
          sources: [{ source: 'test', pairs: 60 }],
          excerpt: `${(PAIR.prompt as string).slice(0, 120)}…`,
        },
      ],
    })
  })

  it('of several sources are counted within and across them', async () => {
    const near = (i: number, source: string, priority = 0) => ({ ...PAIR, chosen: `${PAIR.chosen} ${i}`, source, priority })
    const { facts } = await run([near(0, 'x', 1), near(1, 'x'), near(2, 'y'), near(3, 'y')])
    expect(facts).toMatchObject({
      relations: { near: 3 },
      by_source: [
        { relation: 'near', source: 'y', within: 0, across: 2 },
        { relation: 'near', source: 'x', within: 1, across: 0 },
      ],
      between: [
        { relation: 'near', source: 'y', survivor_source: 'x', pairs: 2 },
        { relation: 'near', source: 'x', survivor_source: 'x', pairs: 1 },
      ],
      largest: [
        {
          sources: [
            { source: 'x', pairs: 2 },
            { source: 'y', pairs: 2 },
          ],
        },
      ],
    })
  })

  it.each([
    ['prepended word', (text: string) => `x ${text}`],
    ['appended word', (text: string) => `${text} x`],
    ['case', (text: string) => text.toUpperCase()],
    ['punctuation', (text: string) => text.replaceAll(' ', ', ')],
    ['white space', (text: string) => text.replaceAll(' ', '\n\n ')],
    ['one word changed', (text: string) => edited(text, 1000, 500)],
  ])('of a long text are found after an edit: %s', async (_, edit) => {
    const long = { prompt: words('p', 1000), chosen: words('c', 1000), rejected: words('r', 1000) }
    const { reasons } = await run([long, { ...long, chosen: edit(long.chosen), prompt: edit(long.prompt) }])
    expect(reasons.filter(Boolean)).toEqual(['near'])
  })

  it('compare what `on` names', async () => {
    const pairs = [PAIR, { ...PAIR, prompt: words('q', 40) }]
    expect((await run(pairs, { on: ['chosen', 'rejected'] })).reasons.filter(Boolean)).toEqual(['near'])
    const answers = [PAIR, { ...PAIR, chosen: words('d', 100) }]
    expect((await run(answers, { on: ['prompt'] })).reasons.filter(Boolean)).toEqual(['near'])
    expect((await run(answers, { on: ['rejected', 'prompt'] })).reasons.filter(Boolean)).toEqual(['near'])
    expect((await run(answers, { on: ['prompt', 'chosen'] })).reasons.filter(Boolean)).toEqual([])
  })

  it('take the pair they are near to along on request', async () => {
    const { reasons, relations, of } = await run([PAIR, { ...PAIR, chosen: `${PAIR.chosen} 1` }, { ...PAIR, prompt: words('q', 60) }], {
      near: 'drop_both',
    })
    expect(reasons).toEqual(['near', 'near', null])
    expect(relations).toEqual(['near', 'near', null])
    expect(of).toEqual([1, 0, -1])
  })

  it('may be marked or reviewed', async () => {
    const marked = await run([PAIR, PAIR], { near: 'mark' })
    expect([marked.reasons, marked.relations.filter(Boolean)]).toEqual([[null, null], ['near']])
    expect((await run([PAIR, PAIR], { near: 'review' })).verdicts.map(v => v.outcome).toSorted()).toEqual(['review', 'stay'])
  })
})

describe('short fields', () => {
  const short = (chosen: string, rejected: string, prompt = 'Is it?'): PairInput => ({ prompt, chosen, rejected })

  it('are near only what they equal after folding', async () => {
    const { of } = await run([
      short('Yes.', '42'),
      short('yes', '42', 'is it'),
      short('Yes it', '42'),
      short('Yes.', '43'),
      short('', '42'),
      short('', '42'),
    ])
    expect([of[0], of[1]].toSorted()).toEqual([-1, of[0] < 0 ? 0 : 1])
    expect(of.slice(2, 4)).toEqual([-1, -1])
    expect([of[4], of[5]].toSorted()).toEqual([-1, of[4] < 0 ? 4 : 5])
  })

  it.each([
    ['7 + 3', '7 - 3'],
    ['-2', '2'],
    ['.5', '5'],
    ['x = 1.5', 'x = 1, 5'],
    ['C++', 'C#'],
    ['a < b', 'a > b'],
    ['(a + b) c', 'a + (b c)'],
    ['2*3', '2, 3'],
    ['print("x")', 'print(x)'],
    ['/\\_/\\ ( o.o )', '/_/ ( ^o^ )'],
    ['💆‍♂️', '🤷‍♂️'],
    ['5!', '5'],
    ['good 👍', 'good 👎'],
  ])('tell %s from %s', async (one, other) => {
    const { reasons, relations } = await run([short(one, 'no'), short(other, 'no'), short(one, other, 'sides'), short('yes', one)])
    expect([reasons, relations]).toEqual([new Array(4).fill(null), new Array(4).fill(null)])
    const swapped = await run([short(one, other), short(other, one)])
    expect(swapped.relations).toContain('near-swapped')
  })

  it.each([
    ['Is it so?', 'is it so'],
    ['Well, yes.', 'well yes'],
    ['x−1', 'x - 1'],
    ['“Yes”', 'yes'],
    ["'Yes'.", '"Yes."'],
    ['**Category:** arts', 'Category: *arts*'],
    ['- this\n- that', 'this, that'],
    ['## Yes', 'yes'],
    ['```\nx = 1\n```', '`x = 1`'],
    ['1＋1', '1 + 1'],
    ['Yes…', 'yes'],
    ['你好。', '你好'],
  ])('are the same in other spelling: %s and %s', async (one, other) => {
    expect((await run([short(one, 'no'), short(other, 'no')])).relations).toContain('near')
  })

  it.each(['"', '.', '- ', ' "', '."', '\r', '\n ', '\u2028'])('of nothing but %j before a word take time by their length', async signs => {
    const { relations } = await run([short(`${signs.repeat(200_000)}a`, 'no'), short(`${signs.repeat(200_000)}a`, 'no')])
    expect(relations).toContain('near')
  })

  it('without words are near only the same text', async () => {
    const { reasons } = await run([
      short('👍', '!'),
      short('👎', '!'),
      short('', '!'),
      short(' ', '!'),
      short('👍', '?'),
      short('\u200d', '…'),
    ])
    expect(reasons).toEqual([null, null, null, null, null, null])
    expect((await run([short('👍', '!'), short('👍', '!')])).reasons.filter(Boolean)).toEqual(['near'])
  })

  it('in Chinese are words by character', async () => {
    const long = '今天天气很好我们一起去公园散步然后回家吃饭晚上看电影明天再去学校上课'
    const { reasons } = await run([
      short(long, '不好'),
      short(`啊${long}`, '不好'),
      short('今天天气不好', '不好'),
      short('今天', '不好'),
      short('明天', '不好'),
    ])
    expect(reasons.slice(0, 2).filter(Boolean)).toEqual(['near'])
    expect(reasons.slice(2)).toEqual([null, null, null])
  })
})

describe('params', () => {
  const message = (given: unknown) =>
    nearDup.params.safeParse(given).error?.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`)
  it.each([
    [{ threshold: 0 }, 'threshold: '],
    [{ threshold: 1.5 }, 'threshold: '],
    [{ threshold: Number.NaN }, 'threshold: '],
    [{ threshold: 0.1 }, 'recall: no bands x rows up to 1024 find 0.995 at threshold 0.1; lower the recall or raise the threshold'],
    [{ bands: 20 }, 'bands: bands and rows are given together or not at all'],
    [{ bands: 20, rows: 2 }, 'rows: expected at least 1 for each of the 3 fields compared, got 2'],
    [{ bands: 200, rows: 8 }, 'bands: expected bands x rows up to 1024, got 200 x 8'],
    [{ on: ['prompt', 'prompt'] }, 'on: names a field twice'],
    [{ on: [] }, 'on: '],
  ])('%j', (given, start) => expect(message(given)?.[0]).toContain(start))

  it('with a threshold of 1 finds what is equal after folding', async () => {
    const { reasons } = await run(
      [PAIR, { ...PAIR, chosen: PAIR.chosen!.toString().toUpperCase() }, { ...PAIR, chosen: `${PAIR.chosen} x` }],
      { threshold: 1 },
    )
    expect(reasons.slice(0, 2).filter(Boolean)).toEqual(['near'])
    expect(reasons[2]).toBeNull()
  })
})
