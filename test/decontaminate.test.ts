import { describe, expect, it } from 'vitest'
import { decontaminate } from '../stages/decontaminate.ts'
import { BENCHMARK, contaminationOf, items, line, missed, negatives, TWENTY } from './contaminated-pairs.ts'
import { bare, variants, wraps } from './contamination/variants.mjs'
import type { PairInput, Text } from './drive.ts'

describe('recall', () => {
  it.each(Object.keys(variants))('finds every item %s', async name => {
    const prompts = items.map(({ text }) => variants[name](text))
    const { found } = await contaminationOf(prompts)
    expect(missed(found, items, prompts)).toEqual([])
  })

  const longer = items.filter(({ text }) => !bare.includes(text))
  it.each(Object.entries(wraps))('finds items inside a longer prompt, %s', async (_, wrap) => {
    const prompts = longer.map(({ text }) => wrap(text))
    const { found } = await contaminationOf(prompts)
    expect(missed(found, longer, prompts)).toEqual([])
  })
})

describe('hard negatives', () => {
  it('are left alone: at most 1 % are flagged, templates included', async () => {
    const { found } = await contaminationOf(negatives.map(({ prompt }) => prompt))
    const flagged = negatives.filter((_, i) => found[i] !== null)
    expect(negatives.length).toBeGreaterThan(140)
    expect(flagged.length / negatives.length).toBeLessThanOrEqual(0.01)
  })

  it('would be flagged by the rule of any shared 13-gram', async () => {
    const { found } = await contaminationOf(
      negatives.map(({ prompt }) => prompt),
      { strict: true },
    )
    const flagged = new Set(negatives.filter((_, i) => found[i] !== null).map(({ kind }) => kind))
    expect([...flagged].sort()).toEqual(['code', 'famous', 'licence', 'series', 'template'])
  })
})

describe('evidence', () => {
  it('names the item, the span and its place, and both shares', async () => {
    const { found } = await contaminationOf([`Hi! ${TWENTY}. Draw them.`], {}, BENCHMARK)
    expect(found[0]).toEqual([
      {
        benchmark: 'b',
        item: 'tall',
        span: TWENTY,
        coverage: 1,
        kind: 'ngram',
        field: 'prompt',
        turn: 0,
        begin: 4,
        end: 4 + TWENTY.length,
        turn_coverage: expect.closeTo(20 / 23, 5),
      },
    ])
  })

  it.each([
    ['exact', 'why is GRASS green'],
    ['whole', 'Tell me: why is grass green? I must know.'],
    ['ngram', `${TWENTY} today`],
  ])('calls it %s', async (kind, prompt) => expect((await contaminationOf([prompt], {}, BENCHMARK)).found[0]![0].kind).toBe(kind))

  it('joins the pieces of an edited item', async () => {
    const twice = `${TWENTY} ${TWENTY.split(' ').reverse().join(' ')}`
    const { found } = await contaminationOf([twice.replace('river river', 'river, yes the river')], {}, line('long', twice))
    expect(found[0]!.map(f => [f.coverage, f.span])).toEqual([[1, `${TWENTY},`.slice(0, -1)]])
  })

  it('finds an item in an earlier turn and in any turn of the user', async () => {
    const prompt: Text = [
      { role: 'user', content: 'Say hello to the Queen of Sheba!' },
      { role: 'assistant', content: 'Why is grass green?' },
      { role: 'user', content: 'now in latin' },
      { role: 'assistant', content: 'Salve!' },
      { role: 'user', content: 'Thanks' },
    ]
    const { found } = await contaminationOf([prompt], {}, BENCHMARK)
    expect(found[0]!.map(f => [f.item, f.turn])).toEqual([['turns', 0]])
  })

  it('cuts a long span between two characters', async () => {
    const long = Array.from({ length: 200 }, (_, i) => `größe${i}x`).join(' ')
    const { found } = await contaminationOf([long], {}, line('l', long))
    expect(found[0]![0].span).toMatch(/^größe0x .*…$/)
    expect(Buffer.byteLength(found[0]![0].span)).toBeLessThan(310)
    expect(found[0]![0].end).toBe(Buffer.byteLength(long))
  })
})

describe('what counts', () => {
  const flagged = async (prompt: string, params: object = {}, benchmark = BENCHMARK): Promise<boolean> =>
    (await contaminationOf([prompt], params, benchmark)).found[0] !== null

  it('is a piece of the item of min_coverage', async () => {
    const piece = TWENTY.split(' ').slice(0, 13).join(' ')
    expect(await flagged(`${piece} by lakes`)).toBe(true)
    expect(await flagged(`${piece} by lakes`, { min_coverage: 0.7 })).toBe(false)
    expect(await flagged(TWENTY.split(' ').slice(0, 12).join(' '))).toBe(false)
    expect(await flagged(TWENTY.split(' ').slice(0, 8).join(' '), { ngram: 7, min_coverage: 0.4 })).toBe(true)
  })

  it('is no short item among other words of its sentence, unless it is long enough', async () => {
    const items = line('1', 'What is it?') + line('2', 'Prove Fermats little theorem') + line('3', 'Write a riddle for children')
    expect(await flagged('What is it?', {}, items)).toBe(true)
    expect(await flagged('I see a bird. What is it? It sings.', {}, items)).toBe(false)
    expect(await flagged('First of all: prove Fermats little theorem. Then rest.', {}, items)).toBe(true)
    expect(await flagged('who can prove fermats little theorem by heart', {}, items)).toBe(false)
    expect(await flagged('please write a riddle for children and their aunts', {}, items)).toBe(true)
  })

  it('is not the quotation in an item without its task', async () => {
    const items = line('q', `Who painted the scene of the following lines? "${TWENTY}"`)
    expect(await flagged(`Translate this: ${TWENTY}`, {}, items)).toBe(false)
    expect(await flagged(`Translate this: ${TWENTY}`, { min_coverage: 0 }, items)).toBe(true)
    expect(await flagged(`who painted the scene of the following lines ${TWENTY}`, {}, items)).toBe(true)
  })

  it('is an item without the words that ask it, where others are asked in them or they are few', async () => {
    const asked = [TWENTY, 'How far is it?', 'How long does it take?']
      .map((text, i) => line(`${i}`, `Solve the following problem step by step: ${text}`))
      .join('')
    expect(await flagged(`Translate this: ${TWENTY}`, {}, asked)).toBe(true)
    expect(await flagged(`Translate this: ${TWENTY}`, {}, line('a', `Solve the following problem step by step: ${TWENTY}`))).toBe(false)
    expect(await flagged(`Translate this: ${TWENTY} ${TWENTY}`, {}, line('a', `Read and answer: ${TWENTY} ${TWENTY}`))).toBe(true)
  })

  it('is nothing for items without words', async () => {
    const { found, summary } = await contaminationOf(['?!', '', 'x'], {}, line('1', '?!') + line('2', ''))
    expect(found).toEqual([null, null, null])
    expect(summary.facts).toMatchObject({ items: 2, texts: 0, wordless: 2 })
  })

  it('is searched for where fields says, by benchmark', async () => {
    const pair = {
      prompt: [
        { role: 'system', content: 'Why is grass green?' },
        { role: 'user', content: 'Hi' },
      ],
      chosen: TWENTY,
      rejected: 'r',
    } as const
    const where = async (params: object) => (await contaminationOf([pair], params, BENCHMARK)).found[0]?.map(f => [f.item, f.field])
    expect(await where({})).toBeUndefined()
    expect(await where({ fields: 'system' })).toEqual([['short', 'prompt']])
    expect(await where({ fields: 'responses' })).toEqual([['tall', 'chosen']])
    expect(await where({ fields: 'all' })).toEqual([
      ['tall', 'chosen'],
      ['short', 'prompt'],
    ])
    expect(await where({ overrides: { b: { fields: 'system' } } })).toEqual([['short', 'prompt']])
  })
})

describe('boilerplate', () => {
  const FORM = 'You are a careful assistant who answers every question of the user with one short sentence of plain English'
  const benchmark = line('form', `${FORM}: Why do rivers bend so much on flat land, and where?`)
  const forms = Array.from({ length: 40 }, (_, i) => `${FORM}: Why ${i}?`)

  it('is what many prompts of one source share, and does not count', async () => {
    const { found, summary } = await contaminationOf(forms, { min_coverage: 0.1 }, benchmark)
    expect(found.every(f => f === null)).toBe(true)
    expect(summary.facts).toMatchObject({
      stopped: { passages: 1, most: [{ text: expect.stringContaining('You are a careful assistant'), source: 'test', prompts: 40 }] },
      found: [{ benchmark: 'b', source: 'test', exact: 0, whole: 0, ngram: 0, low_coverage: 0, below: 40 }],
    })
  })

  it('is not what few prompts share', async () =>
    expect((await contaminationOf(forms.slice(0, 19), { min_coverage: 0.1 }, benchmark)).found.every(f => f !== null)).toBe(true))

  it('is not an item that one prompt repeats', async () => {
    const pairs = Array.from(
      { length: 120 },
      (_, i): PairInput => ({ prompt: `Please: ${TWENTY.replace('river', 'lake')}`, chosen: `c${i}` }),
    )
    const { verdicts } = await contaminationOf(pairs, {}, BENCHMARK)
    expect(verdicts.map(v => v.outcome)).toEqual(Array(120).fill('quarantine'))
  })

  it('does not hide a whole item of an n-gram or more, nor a turn that says nothing else', async () => {
    const prompts = [
      ...Array.from({ length: 30 }, (_, i) => `${i}: ${TWENTY}`),
      ...Array.from({ length: 30 }, (_, i) => `Why is grass green? ${i}`),
    ]
    const { found } = await contaminationOf([...prompts, 'Why is grass green'], {}, BENCHMARK)
    expect(found.slice(0, 30).every(f => f?.[0].item === 'tall')).toBe(true)
    expect(found.slice(30, 60).every(f => f === null)).toBe(true)
    expect(found[60]?.[0].kind).toBe('exact')
  })
})

it('refuses to look for nothing', () => {
  expect(() => decontaminate.files!(decontaminate.params.parse({}))).toThrow('decontaminate: no benchmarks to look for')
})

it('takes n by benchmark', async () => {
  const benchmark = line('a', TWENTY, 'near') + line('b', TWENTY, 'far')
  const prompt = `${TWENTY.split(' ').slice(0, 9).join(' ')} of mine`
  const { found } = await contaminationOf([prompt], { min_coverage: 0.3, overrides: { near: { ngram: 8 } } }, benchmark)
  expect(found[0]?.map(f => f.benchmark)).toEqual(['near'])
})

it('leaves no gold that shares an n-gram, boilerplate included, where it is strict', async () => {
  const shared = TWENTY.split(' ').slice(0, 13).join(' ')
  const pairs = Array.from({ length: 60 }, (_, i): PairInput => ({ prompt: `${shared} ${i}?`, label_kind: i % 2 === 0 ? 'human' : 'ai' }))
  const outcomes = async (params: object) => (await contaminationOf(pairs, params, BENCHMARK)).verdicts.map(v => v.outcome)
  expect(new Set(await outcomes({}))).toEqual(new Set(['stay']))
  expect(await outcomes({ strict: true })).toEqual(pairs.map(({ label_kind }) => (label_kind === 'human' ? 'quarantine' : 'stay')))
})
