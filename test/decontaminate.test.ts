import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decontaminate } from '../stages/decontaminate.ts'
import { bare, variants, wraps } from './contamination/variants.mjs'
import { driveStage, type PairInput, type Text } from './drive.ts'

const read = (name: string): string => readFileSync(new URL(`contamination/${name}.jsonl`, import.meta.url), 'utf8')
const rows = <T>(name: string): T[] =>
  read(name)
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as T)

const items = rows<{ benchmark: string; id: string; text: string | string[] }>('benchmark').flatMap(({ id, text }) =>
  [text].flat().map(t => ({ id, text: t })),
)
const negatives = rows<{ kind: string; prompt: string }>('hard-negatives')
const files = { 'b.jsonl': read('benchmark') }

interface Found {
  readonly benchmark: string
  readonly item: string
  readonly span: string
  readonly coverage: number
  readonly kind: string
  readonly field: string
  readonly turn: number
  readonly begin: number
  readonly end: number
  readonly turn_coverage: number
}

/** Evidence of each prompt, under the repository's own benchmark unless told otherwise. */
async function contaminationOf(prompts: readonly (Text | PairInput)[], params: object = {}, benchmark = files['b.jsonl']) {
  const pairs = prompts.map(
    (p, i): PairInput => (typeof p === 'string' || Array.isArray(p) ? { prompt: p as Text, chosen: `c${i}` } : (p as PairInput)),
  )
  const driven = await driveStage(decontaminate, { benchmarks: ['b.jsonl'], ...params }, pairs, { files: { 'b.jsonl': benchmark } })
  const found = driven.verdicts.map(v => v.add.contamination as Found[] | null)
  return { ...driven, found }
}

const missed = (found: readonly (Found[] | null)[], wanted: readonly { id: string }[], prompts: readonly Text[]): Text[] =>
  prompts.filter((_, i) => !found[i]?.some(f => f.item === wanted[i].id))

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

const TWENTY = 'Twenty tall trees stand along the quiet road that leads from our village to the old mill by the river'
const line = (id: string, text: string | string[], benchmark = 'b'): string => `${JSON.stringify({ benchmark, id, text })}\n`
const BENCHMARK =
  line('tall', TWENTY) + line('short', 'Why is grass green?') + line('turns', ['Say hello to the queen of Sheba', 'Now in Latin'])

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

describe('outcome', () => {
  it.each([
    ['quarantine', 'quarantine', 'contaminated'],
    ['drop', 'drop', 'contaminated'],
    ['flag', 'stay', null],
  ])('of action %s', async (action, outcome, reason) => {
    const { verdicts } = await contaminationOf([TWENTY, 'Hello'], { action }, BENCHMARK)
    expect(verdicts.map(v => [v.outcome, v.reason])).toEqual([
      [outcome, reason],
      ['stay', null],
    ])
    expect(verdicts[0].add.contamination).toHaveLength(1)
  })

  it('is stricter for labels of people on request', async () => {
    const piece = `${TWENTY.split(' ').slice(0, 13).join(' ')}, they say`
    const pairs = (['human', 'ai'] as const).map((label_kind): PairInput => ({ prompt: piece, label_kind }))
    const outcomes = async (params: object) =>
      (await contaminationOf(pairs, { min_coverage: 0.9, ...params }, BENCHMARK)).verdicts.map(v => v.outcome)
    expect(await outcomes({})).toEqual(['stay', 'stay'])
    expect(await outcomes({ strict: true })).toEqual(['quarantine', 'stay'])
  })

  it('is counted by benchmark, source and kind', async () => {
    const pairs = [
      { prompt: TWENTY, source: 'a' },
      { prompt: 'Why is grass green?', source: 'b' },
      { prompt: `x ${TWENTY}`, source: 'b' },
    ]
    const { summary } = await contaminationOf(pairs, {}, BENCHMARK)
    expect((summary.facts as { found: unknown }).found).toEqual([
      { benchmark: 'b', source: 'a', exact: 1, whole: 0, ngram: 0, low_coverage: 0, below: 0 },
      { benchmark: 'b', source: 'b', exact: 1, whole: 0, ngram: 1, low_coverage: 0, below: 0 },
    ])
  })

  it('counts flags with little of an item apart', async () => {
    const piece = TWENTY.split(' ').slice(0, 14).join(' ')
    const { summary } = await contaminationOf([`${piece} by lakes`, TWENTY, `${piece} by lakes, and ${TWENTY}`], {}, BENCHMARK)
    expect(summary.facts).toMatchObject({ found: [{ exact: 1, ngram: 2, low_coverage: 1 }], flags: { pairs: 3, drawn: 0 } })
  })

  it('draws flags for people, with the item as the benchmark has it', async () => {
    const prompts = Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? `Number ${i} is a calm day` : `${i}: ${TWENTY}`))
    const run = async (review_flags: number, options: object = {}) =>
      driveStage(
        decontaminate,
        { benchmarks: ['b.jsonl'], review_flags },
        prompts.map((prompt): PairInput => ({ prompt })),
        {
          files: { 'b.jsonl': BENCHMARK },
          ...options,
        },
      )
    const { verdicts, summary } = await run(10)
    const drawn = verdicts.flatMap((v, i) => (v.add.flag_probability === null ? [] : [i]))
    expect(drawn).toHaveLength(10)
    for (const i of drawn)
      expect(verdicts[i]).toMatchObject({ reason: 'contaminated', add: { flag_probability: 10 / 40, flag_item: TWENTY } })
    expect(summary.facts).toMatchObject({ flags: { pairs: 40, drawn: 10 } })
    const again = await run(10, { batch_rows: 7, shuffle_seed: 2 })
    expect(again.verdicts).toEqual(verdicts)
    const more = await run(15)
    for (const i of drawn) expect(more.verdicts[i].add.flag_probability).toBe(15 / 40)
    expect((await run(100)).verdicts.filter(v => v.add.flag_probability === 1)).toHaveLength(40)
    expect((await run(10, { seed: 7 })).verdicts.map(v => v.add.flag_probability)).not.toEqual(verdicts.map(v => v.add.flag_probability))
  })

  it('is the same for any cut into batches and any order of the exchange', async () => {
    const prompts = [...items.map(({ text }) => text), ...negatives.map(({ prompt }) => prompt)].map((prompt): PairInput => ({ prompt }))
    const run = async (options: object) => {
      const { verdicts, summary } = await driveStage(decontaminate, { benchmarks: ['b.jsonl'] }, prompts, { files, ...options })
      return { verdicts, summary }
    }
    const whole = await run({})
    for (const options of [{ batch_rows: 1 }, { batch_rows: 17, shuffle_seed: 3 }]) expect(await run(options)).toEqual(whole)
  })
})

describe('bad benchmarks', () => {
  it('that are empty are refused in one line', async () => {
    await expect(contaminationOf(['a'], {}, '')).rejects.toThrow(
      'b.jsonl: no benchmark items, expected rows like {"benchmark", "id", "text"}',
    )
    await expect(contaminationOf(['a'], {}, '\n\n')).rejects.toThrow('b.jsonl: no benchmark items')
  })

  it('that hold items twice, or are named twice, say an item once', async () => {
    const twice = BENCHMARK + BENCHMARK + line('again', TWENTY)
    const { found } = await contaminationOf([TWENTY, 'Why is grass green?'], {}, twice)
    expect(found.map(f => f?.map(({ item }) => item))).toEqual([['tall'], ['short']])
    const { verdicts } = await driveStage(decontaminate, { benchmarks: ['b.jsonl', 'c.jsonl'] }, [{ prompt: TWENTY }], {
      files: { 'b.jsonl': BENCHMARK, 'c.jsonl': BENCHMARK },
    })
    expect(verdicts[0].add.contamination).toHaveLength(1)
  })

  it('of one word are found where a turn says nothing else', async () => {
    const { found } = await contaminationOf(['Yes', 'yes!', 'Yes, I think so.', 'No'], {}, line('1', 'Yes'))
    expect(found.map(f => f?.[0].kind ?? null)).toEqual(['exact', 'exact', null, null])
  })

  it('with an item of a megabyte are searched in little time, and the item is found', async () => {
    const words = Array.from({ length: 120_000 }, (_, i) => `word${(i * 7919) % 100_003}`)
    const piece = words.slice(50_000, 50_400).join(' ')
    const before = process.cpuUsage()
    const { found } = await contaminationOf([words.join(' '), piece, 'Nothing of it.'], { min_coverage: 0 }, line('huge', words.join(' ')))
    expect(found.map(f => f?.[0].item ?? null)).toEqual(['huge', 'huge', null])
    expect(found[0]![0].coverage).toBe(1)
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(5)
  })
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
