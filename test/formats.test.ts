/** What rows repeat, leave open or get wrong beside the shapes that `ingest.test.ts` has. */
import { describe, expect, it } from 'vitest'
import { probe } from '../pipeline/ingest.ts'
import { assistant, brief, lines, read, source, user } from './ingest-files.ts'

const SYSTEM = { role: 'system', content: 'S' }

describe('a chat', () => {
  it.each<[string, object, string]>([
    ['system', { prompt: 'Q', chosen: [SYSTEM, user('Q'), assistant('A')], rejected: [SYSTEM, user('Q'), assistant('B')] }, 's:S | u:Q'],
    ['white space', { prompt: 'Q ', chosen: [user('Q'), assistant('A')], rejected: [user('Q'), assistant('B')] }, 'u:Q'],
    [
      'the last of several questions',
      {
        prompt: 'R',
        chosen: [user('Q'), assistant('X'), user('R'), assistant('A')],
        rejected: [user('Q'), assistant('X'), user('R'), assistant('B')],
      },
      'u:Q | a:X | u:R',
    ],
    [
      'the chosen conversation once more',
      { messages: [user('Q'), assistant('A')], chosen: [user('Q'), assistant('A')], rejected: [user('Q'), assistant('B')] },
      'u:Q',
    ],
    [
      'a system text that they begin with',
      { system: 'S', chosen: [SYSTEM, user('Q'), assistant('A')], rejected: [SYSTEM, user('Q'), assistant('B')] },
      's:S | u:Q',
    ],
    [
      'another system text',
      { system: 'T', chosen: [SYSTEM, user('Q'), assistant('A')], rejected: [SYSTEM, user('Q'), assistant('B')] },
      's:T | s:S | u:Q',
    ],
    ['a system text beside it', { system: 'S', chosen: [user('Q'), assistant('A')], rejected: [user('Q'), assistant('B')] }, 's:S | u:Q'],
    [
      'what came before it',
      { messages: [user('P'), assistant('X')], chosen: [user('Q'), assistant('A')], rejected: [user('Q'), assistant('B')] },
      'u:P | a:X | u:Q',
    ],
  ])('whose conversations hold the prompt, and %s', async (_, row, prompt) => {
    const { format, rejected, texts } = await read(source(lines(row)))
    expect([format, rejected, texts.map(brief)]).toEqual(['chat', 0, [[prompt, 'a:A', 'a:B']]])
  })

  it('is a reject whose prompt is another question than its conversations hold', async () => {
    const [chosen, rejected] = ['A', 'B'].map(said => [user('Q'), assistant(said)])
    const { refused } = await read(source(lines({ prompt: 'another', chosen, rejected }, { prompt: 'Q', chosen, rejected })))
    expect(refused.map(({ field }) => field)).toEqual(['prompt'])
    expect(refused[0].error).toContain('ends with a question that is not in what chosen and rejected share')
  })
})

it('transcripts beside the prompt that they hold are transcripts', async () => {
  const [chosen, rejected] = ['A', 'B'].map(said => `\n\nHuman: Q\n\nAssistant: ${said}`)
  const { format, texts } = await read(source(lines({ prompt: '\n\nHuman: Q\n\nAssistant:', chosen, rejected })))
  expect([format, texts.map(brief)]).toEqual(['hh', [['u:Q', 'a:A', 'a:B']]])
})

it.each([
  ['pair', { prompt: 'Q', chosen: 'A', rejected: 'B' }],
  ['dpo', { question: 'Q', chosen: 'A', rejected: 'B' }],
  ['chat', { chosen: [user('Q'), assistant('A')], rejected: [user('Q'), assistant('B')] }],
  ['hh', { chosen: '\n\nHuman: Q\n\nAssistant: A', rejected: '\n\nHuman: Q\n\nAssistant: B' }],
])('%s: ties and votes count, a tie of another kind is refused', async (format, row) => {
  const votes = [{ annotator: 'x', vote: 'rejected' }]
  const result = await read(source(lines({ ...row, tie: true, votes }, { ...row, tie: 'true' }, { ...row, tie: 1 }, row)))
  expect([result.format, result.rows, result.rejected]).toEqual([format, 4, 2])
  expect(result.facts.map(({ tie, votes: cast }) => [tie, cast])).toEqual([
    [1, votes],
    [0, []],
  ])
})

describe('what a row says beside its texts', () => {
  const transcript = (answer: string) => `\n\nHuman: Q\n\nAssistant: ${answer}`
  const arena = { conversation_a: [user('Q'), assistant('A')], conversation_b: [user('Q'), assistant('B')], winner: 'model_b' }

  it.each<[string, object]>([
    ['pair', { prompt: 'Q', chosen: 'B', rejected: 'A' }],
    ['hh', { chosen: transcript('B'), rejected: transcript('A') }],
    ['arena', arena],
    ['arena', { prompt: 'Q', ...arena }],
  ])('a system text is part of the prompt of %s rows, and a question that is there twice is one', async (format, row) => {
    const { texts } = await read(source(lines({ ...row, system: 'S' }, row), { format: format as 'pair' }))
    expect(texts.map(brief)).toEqual([
      ['s:S | u:Q', 'a:B', 'a:A'],
      ['u:Q', 'a:B', 'a:A'],
    ])
  })

  it('a licence of another shape than a name is a reject, not the licence of the source', async () => {
    const row = { prompt: 'Q', chosen: 'A', rejected: 'B' }
    const shapes = [['CC-BY-NC-4.0'], 'CC-BY-NC-4.0', null, '', [], { name: 'CC-BY-NC-4.0' }, ['MIT', 'CC-BY-NC-4.0'], 5]
    const { facts, refused } = await read(source(lines(...shapes.map(license => ({ ...row, license }))), { license: 'MIT' }))
    expect(facts.map(({ license }) => license)).toEqual(['CC-BY-NC-4.0', 'CC-BY-NC-4.0', 'MIT', 'MIT', 'MIT'])
    expect(refused.map(({ row: at, field }) => [at, field])).toEqual([5, 6, 7].map(at => [at, 'license']))
  })

  it('scores of an arena row are of its sides, whichever won', async () => {
    const { facts } = await read(
      source(lines({ ...arena, scores: { rm: [0.1, 0.9] } }, { ...arena, winner: 'model_a', scores: { rm: [0.1, 0.9] } })),
    )
    expect(facts.map(({ scores }) => scores)).toEqual([
      [{ model: 'rm', chosen: 0.9, rejected: 0.1 }],
      [{ model: 'rm', chosen: 0.1, rejected: 0.9 }],
    ])
  })

  it('gaps of scores are what they are in decimals', async () => {
    const rows = [
      [0.3, 0.2],
      [0.8, 0.7],
      [0.4, 0.3],
      [0.31, 0.2],
    ].map(scores => ({ prompt: 'Q', responses: ['a', 'b'], scores }))
    const { facts } = await read(source(lines(...rows), { min_gap: 0.1 }))
    expect(facts.map(({ tie }) => tie)).toEqual([1, 1, 1, 0])
    expect((await read(source(lines({ ...rows[0], scores: [0.1 + 0.2, 0.3] })))).facts[0].tie).toBe(0)
  })
})

describe('a format that the config names', () => {
  const hh = (rows: readonly unknown[]) => probe(source(lines(...rows), { format: 'hh' }))
  const pair = { prompt: 'Q', chosen: 'A', rejected: 'B' }
  const transcript = { chosen: '\n\nHuman: Q\n\nAssistant: A', rejected: '\n\nHuman: Q\n\nAssistant: B' }

  it('is refused where none of the first twenty rows fits it', async () => {
    const none =
      'x.jsonl: none of its first 20 rows is a row of format hh (the first: chosen expected a transcript that begins with "Human:" or "Assistant:")'
    await expect(hh(Array.from({ length: 30 }, () => pair))).rejects.toThrow(none)
  })

  it('stays where one fits, or rows are too few to tell', async () => {
    expect(await hh([transcript, ...Array.from({ length: 30 }, () => pair)])).toMatchObject({ format: 'hh' })
    expect(await hh(Array.from({ length: 19 }, () => pair))).toMatchObject({ format: 'hh' })
  })
})
