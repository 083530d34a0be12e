import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hash32 } from '../pipeline/kernels/random.ts'
import { nearDup } from '../stages/near-dup.ts'
import { type DriveOptions, driveStage, type PairInput } from './drive.ts'

/** So many bands of so few rows that hardly a pair is missed. */
const GENEROUS = { bands: 300, rows: 3 }

const run = async (pairs: PairInput[], params: unknown = {}, options: DriveOptions = {}) => {
  const { verdicts, summary, pairs: batch } = await driveStage(nearDup, params, pairs, options)
  const { bytes } = batch.columns.pair_id as { bytes: Uint8Array }
  const ids = pairs.map((_, i) => Buffer.from(bytes.subarray(i * 16, i * 16 + 16)).toString('hex'))
  const facts = summary.facts as Record<string, unknown>
  return {
    reasons: verdicts.map(v => v.reason),
    relations: verdicts.map(v => v.add.relation),
    of: verdicts.map(v => ids.indexOf(v.add.duplicate_of as string)),
    verdicts,
    facts,
    ids,
  }
}

/** `count` words that no other start shares. */
const words = (start: string, count: number): string => Array.from({ length: count }, (_, i) => `${start}${i}`).join(' ')
/** The text with every n-th word changed. */
const edited = (text: string, every: number, offset = 0): string =>
  text
    .split(' ')
    .map((word, i) => (i % every === offset ? `${word}x` : word))
    .join(' ')

const PAIR: PairInput = { prompt: words('p', 40), chosen: words('c', 100), rejected: words('r', 100) }
const human: PairInput = { label_kind: 'human' }
const ai: PairInput = { label_kind: 'ai' }

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

describe('near-duplicates with the responses crossed', () => {
  const crossed = { ...PAIR, chosen: `${PAIR.rejected} x`, rejected: PAIR.chosen }

  it('lose the lesser label', async () => {
    const { reasons, relations, of } = await run([
      { ...PAIR, ...ai },
      { ...crossed, ...human },
    ])
    expect(reasons).toEqual(['near_swapped', null])
    expect(relations).toEqual(['near-swapped', null])
    expect(of).toEqual([1, -1])
  })

  it('go to review between equals, with each other named', async () => {
    const { verdicts, of } = await run([PAIR, crossed])
    expect(verdicts.map(v => [v.outcome, v.reason, v.add.relation])).toEqual(new Array(2).fill(['review', 'near_conflict', 'near-swapped']))
    expect(of).toEqual([1, 0])
  })

  it.each([
    ['drop_both', ['near_swapped', 'near_swapped']],
    ['review', ['near_conflict', 'near_conflict']],
    ['mark', [null, null]],
  ])('%s', async (near_swapped, reasons) => {
    const found = await run(
      [
        { ...PAIR, ...human },
        { ...crossed, ...ai },
      ],
      { near_swapped },
    )
    expect(found.reasons).toEqual(reasons)
    expect(found.relations[1]).toBe('near-swapped')
  })

  it('stand for their own copies where they are only marked', async () => {
    const pairs = [
      { ...PAIR, ...human },
      { ...crossed, ...ai },
      { ...crossed, label_kind: 'implicit' as const, prompt: `${PAIR.prompt} y` },
    ]
    expect((await run(pairs, { near_swapped: 'mark' })).of).toEqual([-1, 0, 1])
    expect((await run(pairs)).of).toEqual([-1, 0, 0])
  })

  it('are copies where they are ties, and ties are nothing to labels', async () => {
    expect(
      (
        await run([
          { ...PAIR, tie: true },
          { ...crossed, tie: true },
        ])
      ).relations.filter(Boolean),
    ).toEqual(['near'])
    expect((await run([{ ...PAIR, tie: true }, PAIR, { ...crossed, tie: true, prompt: words('q', 9) }])).relations).toEqual([
      null,
      null,
      null,
    ])
  })
})

describe('pairs without signal', () => {
  const nothing = { ...PAIR, rejected: `${PAIR.chosen} x` }

  it('stay, marked with the similarity of their responses, and are counted by source', async () => {
    const { reasons, verdicts, facts } = await run([
      { ...nothing, source: 'x' },
      { ...PAIR, source: 'y' },
    ])
    expect(reasons).toEqual([null, null])
    expect(facts).toMatchObject({
      relations: { 'no-signal': 1 },
      by_source: [{ relation: 'no-signal', source: 'x', within: 1, across: 0 }],
    })
    expect(verdicts[0].add).toEqual({
      duplicate_of: null,
      relation: 'no-signal',
      jaccard: Math.fround(96 / 97),
      cluster_id: null,
      cluster_size: null,
    })
  })

  it('are not looked for among ties', async () => expect((await run([{ ...nothing, tie: true }])).relations).toEqual([null]))

  it('have a threshold of their own', async () => {
    const pairs = [{ ...PAIR, rejected: edited(PAIR.chosen!.toString(), 50) }]
    expect((await run(pairs)).relations).toEqual([null])
    expect((await run(pairs, { no_signal_threshold: 0.8 })).relations).toEqual(['no-signal'])
  })

  it('stand for no other where they leave', async () => {
    const least = { ...PAIR, rejected: `${edited(PAIR.chosen!.toString(), 1000, 50)}` }
    const less = { ...least, rejected: `${edited(PAIR.chosen!.toString(), 50, 25)}` }
    expect((await run([least, less], { no_signal: 'drop', no_signal_threshold: 0.85 })).reasons).toEqual(['no_signal', null])
  })

  it.each([
    ['drop', 'drop', 'no-signal'],
    ['mark', 'stay', 'no-signal'],
    ['review', 'review', 'no-signal'],
    ['off', 'stay', null],
  ])('%s', async (no_signal, outcome, relation) => {
    const { verdicts } = await run([nothing], { no_signal })
    expect([verdicts[0].outcome, verdicts[0].add.relation]).toEqual([outcome, relation])
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

/** Word 5-grams as strings: the definition, slowly. */
function shinglesOf(text: string): Set<string> {
  const found = text.toLowerCase().match(/[a-z0-9]+/g) ?? []
  if (found.length < 5) return new Set([found.join(' ')])
  return new Set(found.slice(4).map((_, i) => found.slice(i, i + 5).join(' ')))
}

function jaccardOf(a: string, b: string): number {
  const [x, y] = [shinglesOf(a), shinglesOf(b)]
  const shared = [...x].filter(shingle => y.has(shingle)).length
  return shared / (x.size + y.size - shared)
}

interface Plain {
  readonly prompt: string
  readonly chosen: string
  readonly rejected: string
  readonly label_kind: 'human' | 'ai'
}

/** The survivor rule over all pairs of pairs. */
function expectedMatches(pairs: readonly Plain[], ids: readonly string[]): (readonly [string, number] | null)[] {
  const kind = (i: number) => (pairs[i].label_kind === 'human' ? 0 : 1)
  const order = pairs.map((_, i) => i).sort((i, j) => kind(i) - kind(j) || (ids[i] < ids[j] ? -1 : ids[i] > ids[j] ? 1 : i - j))
  const kept: number[] = []
  const matches: (readonly [string, number] | null)[] = pairs.map(() => null)
  for (const i of order) {
    const found = kept.map(k => {
      const prompt = jaccardOf(pairs[i].prompt, pairs[k].prompt)
      const straight = Math.min(prompt, jaccardOf(pairs[i].chosen, pairs[k].chosen), jaccardOf(pairs[i].rejected, pairs[k].rejected))
      const crossed = Math.min(prompt, jaccardOf(pairs[i].chosen, pairs[k].rejected), jaccardOf(pairs[i].rejected, pairs[k].chosen))
      return { k, straight, crossed }
    })
    const best = (of: 'straight' | 'crossed') =>
      found.filter(f => f[of] >= 0.6).sort((a, b) => b[of] - a[of] || order.indexOf(a.k) - order.indexOf(b.k))[0]
    if (best('straight')) matches[i] = [ids[best('straight').k], Math.fround(best('straight').straight)]
    else {
      if (best('crossed')) matches[i] = [ids[best('crossed').k], Math.fround(best('crossed').crossed)]
      kept.push(i)
    }
  }
  return matches
}

/** A text of one of few bases with few words changed, so that all degrees of similarity occur. */
function textOf(base: number, change: number, seed: number): string {
  const count = 20 + (hash32(seed, base, 1) % 40)
  return Array.from({ length: count }, (_, i) =>
    hash32(seed, change * 64 + i, 2) % 40 === 0 && change > 0 ? `v${change}` : `w${hash32(seed, base * 64 + i, 3) % 500}`,
  ).join(' ')
}

describe('against all pairs compared', () => {
  const field = fc.record({ base: fc.constantFrom(0, 0, 0, 1), change: fc.integer({ min: 0, max: 3 }) })
  const corpus = fc.record({
    seed: fc.nat(),
    pairs: fc.array(
      fc.record({
        prompt: fc.constantFrom(0, 1),
        chosen: field,
        rejected: field,
        label_kind: fc.constantFrom('human' as const, 'ai' as const),
      }),
      {
        minLength: 2,
        maxLength: 40,
        size: 'max',
      },
    ),
    batch_rows: fc.integer({ min: 1, max: 50 }),
    shuffle_seed: fc.nat(),
  })

  it('the same pairs survive, whatever the order and the cut', async () => {
    let matched = 0
    await fc.assert(
      fc.asyncProperty(corpus, async ({ seed, pairs, ...options }) => {
        const texts = pairs.map(({ prompt, chosen, rejected, label_kind }) => ({
          prompt: textOf(10 + prompt, 0, seed),
          chosen: textOf(chosen.base, chosen.change, seed),
          rejected: textOf(2 + rejected.base, rejected.change, seed),
          label_kind,
        }))
        const turned = texts.map((pair, i) =>
          hash32(seed, i, 9) % 4 === 0 ? { ...pair, chosen: pair.rejected, rejected: pair.chosen } : pair,
        )
        const { verdicts, ids } = await run(turned, { ...GENEROUS, threshold: 0.6, near_swapped: 'mark', no_signal: 'off' }, options)
        const expected = expectedMatches(turned, ids)
        matched += expected.filter(Boolean).length
        expect(verdicts.map(v => (v.add.duplicate_of ? [v.add.duplicate_of, v.add.jaccard] : null))).toEqual(expected)
      }),
      { seed: 42, numRuns: 60 },
    )
    expect(matched).toBeGreaterThan(300)
  })
})

describe('bounds', () => {
  it('hold for many copies of one pair', async () => {
    const pairs = Array.from({ length: 3000 }, (_, i) => ({ ...PAIR, prompt: i % 3 === 0 ? `${PAIR.prompt} ${i}` : PAIR.prompt }))
    const { reasons, facts } = await run(pairs)
    expect(reasons.filter(reason => reason === null)).toHaveLength(1)
    expect(facts.compared).toBeLessThanOrEqual(3000)
  })

  it('hold for one prompt shared by many pairs', async () => {
    const pairs = Array.from({ length: 2000 }, (_, i) => ({
      prompt: PAIR.prompt,
      chosen: words(`a${i}-`, 8),
      rejected: words(`b${i}-`, 8),
    }))
    const { reasons, facts } = await run(pairs)
    expect(reasons.every(reason => reason === null)).toBe(true)
    expect(facts.compared).toBe(0)
  })

  it('hold for the same short answers to many templated questions', async () => {
    const pairs = Array.from({ length: 2000 }, (_, i) => ({
      prompt: `${words('template', 30)} ${words(`q${i}-`, 20)}`,
      chosen: 'Yes',
      rejected: 'No',
    }))
    const { reasons, facts } = await run(pairs)
    expect(reasons.every(reason => reason === null)).toBe(true)
    expect(facts.compared).toBeLessThan(2000)
  })

  it('hold for a text of one repeated word', async () => {
    const chosen = 'ha '.repeat(300_000)
    const { reasons, of } = await run([
      { ...PAIR, chosen },
      { ...PAIR, chosen: `${chosen}ha` },
      { ...PAIR, chosen: 'ha ha ha ha' },
    ])
    expect(reasons.slice(0, 2).filter(Boolean)).toEqual(['near'])
    expect(of[2]).toBe(-1)
  })
})
