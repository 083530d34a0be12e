import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hexAt } from '../pipeline/batch.ts'
import { probe, type SourceFile } from '../pipeline/ingest.ts'
import { pairsOf } from './drive.ts'
import { assistant, brief, lines, read, source, user } from './ingest-files.ts'

describe('formats', () => {
  it.each<[string, string, unknown[], unknown[][]]>([
    ['pair', 'a prompt as text', [{ prompt: 'Q', chosen: 'A', rejected: 'B' }], [['u:Q', 'a:A', 'a:B']]],
    [
      'pair',
      'turns, text parts and a system turn',
      [
        {
          prompt: [{ role: 'system', content: 'S' }, user('Q')],
          chosen: [assistant('A')],
          rejected: [
            {
              role: 'assistant',
              content: [
                { type: 'text', text: 'B' },
                { type: 'text', text: 'C' },
              ],
            },
          ],
        },
      ],
      [['s:S | u:Q', 'a:A', 'a:BC']],
    ],
    ['pair', 'null and empty sides, an empty prompt', [{ prompt: '', chosen: null, rejected: [] }], [['', 'a:', 'a:']]],
    [
      'hh',
      'transcripts with a common beginning',
      [
        {
          chosen: '\n\nHuman: Q1\n\nAssistant: A1\n\nHuman: Q2\n\nAssistant: good',
          rejected: '\n\nHuman: Q1\n\nAssistant: A1\n\nHuman: Q2\n\nAssistant: bad',
        },
      ],
      [['u:Q1 | a:A1 | u:Q2', 'a:good', 'a:bad']],
    ],
    [
      'hh',
      'line ends of Windows',
      [{ chosen: '\r\n\r\nHuman: Q\r\n\r\nAssistant: A\r\nb', rejected: '\r\n\r\nHuman: Q\r\n\r\nAssistant: B' }],
      [['u:Q', 'a:A\r\nb', 'a:B']],
    ],
    [
      'hh',
      'transcripts that part before the last turn',
      [{ chosen: '\n\nHuman: Q\n\nAssistant: a\n\nHuman: R\n\nAssistant: good', rejected: '\n\nHuman: Q\n\nAssistant: b' }],
      [['u:Q', 'a:a | u:R | a:good', 'a:b']],
    ],
    [
      'scored',
      'Nectar: the prompt is a transcript that ends where the assistant is to answer',
      [
        {
          prompt: '\n\nHuman: Q1\n\nAssistant: A1\n\nHuman: Q2\n\nAssistant: ',
          answers: [
            { answer: 'A', rank: 1 },
            { answer: 'B', rank: 2 },
          ],
        },
      ],
      [['u:Q1 | a:A1 | u:Q2', 'a:A', 'a:B']],
    ],
    [
      'pair',
      'a prompt that only begins like a transcript is a text',
      [{ prompt: 'Human: who wrote\n\nAssistant: as a word?', chosen: 'A', rejected: 'B' }],
      [['u:Human: who wrote\n\nAssistant: as a word?', 'a:A', 'a:B']],
    ],
    [
      'scored',
      'distilabel: generations and ratings',
      [{ instruction: 'Q', generations: ['A', 'B'], ratings: [1, 5] }],
      [['u:Q', 'a:B', 'a:A']],
    ],
    ['dpo', 'question', [{ question: 'Q', system: 'S', chosen: 'A', rejected: 'B' }], [['s:S | u:Q', 'a:A', 'a:B']]],
    ['dpo', 'instruction with input', [{ instruction: 'I', input: 'X', chosen: 'A', rejected: 'B' }], [['u:I\n\nX', 'a:A', 'a:B']]],
    ['chat', 'messages', [{ chosen: [user('Q'), assistant('A')], rejected: [user('Q'), assistant('B')] }], [['u:Q', 'a:A', 'a:B']]],
    [
      'chat',
      'ShareGPT turns',
      [
        {
          chosen: [
            { from: 'human', value: 'Q' },
            { from: 'gpt', value: 'A' },
          ],
          rejected: [
            { from: 'human', value: 'Q' },
            { from: 'gpt', value: 'B' },
          ],
        },
      ],
      [['u:Q', 'a:A', 'a:B']],
    ],
    [
      'chat',
      'one message a side after a conversation',
      [{ conversations: [{ from: 'human', value: 'Q' }], chosen: { from: 'gpt', value: 'A' }, rejected: { from: 'gpt', value: 'B' } }],
      [['u:Q', 'a:A', 'a:B']],
    ],
    ['pair', 'one message a side', [{ prompt: [user('Q')], chosen: assistant('A'), rejected: assistant('B') }], [['u:Q', 'a:A', 'a:B']]],
    [
      'chat',
      'a prompt that the conversations repeat',
      [{ prompt: 'Q', chosen: [user('Q'), assistant('A')], rejected: [user('Q'), assistant('B')] }],
      [['u:Q', 'a:A', 'a:B']],
    ],
    [
      'scored',
      'every two of three, one without a score left out',
      [{ prompt: 'Q', responses: ['a', 'b', 'c', 'd'], scores: [1, 3, null, 2] }],
      [
        ['u:Q', 'a:b', 'a:a'],
        ['u:Q', 'a:d', 'a:a'],
        ['u:Q', 'a:b', 'a:d'],
      ],
    ],
    ['scored', 'ranks: lower is better', [{ prompt: 'Q', responses: ['a', 'b'], ranks: [2, 1] }], [['u:Q', 'a:b', 'a:a']]],
    ...['rankings', 'gpt4_rank', 'overall_position'].map((name): [string, string, object[], string[][]] => [
      'scored',
      `${name}: lower is better`,
      [{ prompt: 'Q', responses: ['a', 'b'], [name]: [2, 1] }],
      [['u:Q', 'a:b', 'a:a']],
    ]),
    [
      'scored',
      'a column of another name, beside one of lengths',
      [{ prompt: 'Q', responses: ['a', 'b'], num_tokens: [9, 1], judge_vs_base: [1, 2] }],
      [['u:Q', 'a:b', 'a:a']],
    ],
    [
      'scored',
      'objects',
      [
        {
          prompt: 'Q',
          completions: [
            { text: 'a', rating: 1 },
            { text: 'b', rating: 5 },
          ],
        },
      ],
      [['u:Q', 'a:b', 'a:a']],
    ],
    [
      'arena',
      'conversations',
      [{ conversation_a: [user('Q'), assistant('A')], conversation_b: [user('Q'), assistant('B')], winner: 'model_b' }],
      [['u:Q', 'a:B', 'a:A']],
    ],
    [
      'arena',
      'two responses and three annotators',
      [{ instruction: 'I', input: '', response1: 'A', response2: 'B', annotator1: 2, annotator2: 2, annotator3: 1 }],
      [['u:I', 'a:B', 'a:A']],
    ],
  ])('%s: %s', async (format, _, rows, pairs) => {
    const result = await read(source(lines(...rows)))
    expect([result.format, result.rejected]).toEqual([format, 0])
    expect(result.texts.map(brief)).toEqual(pairs)
  })

  it('keeps what a row says of itself, and the config where it says nothing', async () => {
    const rows = [
      {
        id: 7,
        prompt: 'Q',
        chosen: 'A',
        rejected: 'B',
        license: 'MIT',
        label_kind: 'human',
        lang: 'en',
        votes: [{ annotator: 'x', vote: 'tie' }],
        scores: { rm: [2, 1], other: [1], text: 'x' },
      },
      { prompt: 'Q', chosen: 'A', rejected: 'B', tie: true, source: 'own' },
    ]
    const { facts, recorded } = await read(source(lines(...rows), { source: undefined, license: 'CC0', label_kind: 'ai', priority: 3 }))
    expect(facts[0]).toMatchObject({ source_id: '7', license: 'MIT', label_kind: 'human', lang: 'en', tie: 0, row: 0, priority: 3 })
    expect(facts[0].votes).toEqual([{ annotator: 'x', vote: 'tie' }])
    expect(facts[0].scores).toEqual([{ model: 'rm', chosen: 2, rejected: 1 }])
    expect(facts[1]).toMatchObject({ source: 'own', source_id: null, license: 'CC0', label_kind: 'ai', tie: 1, row: 1 })
    expect(recorded).toEqual(['rm'])
  })

  it('tells which response was shown first, by the field that the source names or by the order of an arena row', async () => {
    const duel = { prompt: 'Q', response_a: 'a', response_b: 'b' }
    const said = async (rows: object[], options = {}) => (await read(source(lines(...rows), options))).facts.map(f => f.shown_first)
    const good = { prompt: 'Q', chosen: 'A', rejected: 'B' }
    const named = [good, { ...good, left: 'rejected' }, { ...good, shown_first: 'chosen' }]
    expect(await said(named)).toEqual(['unknown', 'unknown', 'chosen'])
    expect(await said(named, { shown_first: 'left' })).toEqual(['unknown', 'rejected', 'unknown'])
    expect(await said(['model_a', 'model_b'].map(winner => ({ ...duel, winner })))).toEqual(['chosen', 'rejected'])
  })

  it('marks ties of scored and arena rows and keeps their order', async () => {
    const scored = await read(source(lines({ prompt: 'Q', responses: ['a', 'b'], scores: [1, 1.5] }), { min_gap: 0.5 }))
    expect([scored.facts[0].tie, ...brief(scored.texts[0])]).toEqual([1, 'u:Q', 'a:a', 'a:b'])
    const arena = await read(source(lines({ prompt: 'Q', response_a: 'a', response_b: 'b', winner: 'both_bad' })))
    expect([arena.facts[0].tie, ...brief(arena.texts[0])]).toEqual([1, 'u:Q', 'a:a', 'a:b'])
  })

  it('pairs the best with each other one on request', async () => {
    const row = { id: 'r', prompt: 'Q', responses: ['a', 'b', 'c'], scores: [1, 3, 2] }
    const { texts, facts } = await read(source(lines(row), { pairs: 'best' }))
    expect(texts.map(t => brief(t).slice(1))).toEqual([
      ['a:b', 'a:a'],
      ['a:b', 'a:c'],
    ])
    expect(facts.map(f => f.source_id)).toEqual(['r#1-0', 'r#1-2'])
  })
})

describe('shards', () => {
  it('are cut by rows and by bytes, and hold the same pairs however they are cut', async () => {
    const rows = Array.from({ length: 50 }, (_, i) => ({ prompt: `Q${i}`, chosen: 'A'.repeat(i), rejected: 'B' }))
    const whole = await read(source(lines(...rows)))
    const cut = await read(source(lines(...rows)), { shard_bytes: 100, shard_rows: 7 })
    expect([whole.shards, cut.shards > 7]).toEqual([1, true])
    expect(cut.texts).toEqual(whole.texts)
    expect(cut.facts).toEqual(whole.facts)
  })

  it('give back any text, and equal ids for equal content only', async () => {
    const text = fc.string({ unit: 'grapheme' })
    const property = fc.asyncProperty(
      fc.array(fc.record({ prompt: text.filter(t => t !== ''), chosen: text, rejected: text }), { minLength: 1, maxLength: 20 }),
      async rows => {
        const { texts, facts } = await read(source(lines(...rows)))
        expect(texts.map(brief)).toEqual(rows.map(r => [`u:${r.prompt}`, `a:${r.chosen}`, `a:${r.rejected}`]))
        const contents = rows.map(r => JSON.stringify([r.prompt, r.chosen, r.rejected]))
        expect(new Set(facts.map(f => f.pair_id)).size).toBe(new Set(contents).size)
      },
    )
    await fc.assert(property, { seed: 42, numRuns: 40 })
  })

  it('have ids that do not change', async () => {
    const { facts } = await read(source(lines({ prompt: 'Q', chosen: 'A', rejected: 'B' })))
    expect(facts[0].pair_id).toBe('9fac34c8791df9c68605c40d3d9d3f69')
    expect(hexAt(pairsOf([{}]).columns.pair_id, 0)).toHaveLength(32)
  })
})

const shared = resolve(process.env.GOLDPAN_DATA ?? join(import.meta.dirname, '../../shared/data'))
describe.skipIf(!existsSync(shared))('real files (GOLDPAN_DATA)', () => {
  const real = (name: string, options: Partial<SourceFile> = {}): SourceFile => ({
    path: join(shared, name),
    shown: name,
    format: 'auto',
    priority: 0,
    scores: true,
    pairs: 'all',
    min_gap: 0,
    shown_first: 'shown_first',
    ...options,
  })

  it('reads published hh transcripts as the prepared rows have them', async () => {
    const raw = await read(real('raw/hh-rlhf-harmless-base-test.jsonl.gz'))
    const prepared = await read(real('hh-rlhf.jsonl.gz'))
    const ids = new Set(prepared.facts.map(f => f.pair_id))
    const same = raw.facts.filter(f => ids.has(f.pair_id)).length
    expect([raw.rows, raw.rejected, prepared.rows]).toEqual([2312, 0, 2312])
    expect(same).toBeGreaterThanOrEqual(2300)
  })

  it('reads the published pandalm list, and rejects booleans among its responses', async () => {
    const { rows, refused } = await read(real('raw/pandalm-testset-v1.json'))
    expect([rows, refused.length, refused[0].error]).toEqual([999, 6, 'expected text or a list of text parts, got boolean true'])
  })

  it('refuses a Parquet file of prompts alone, naming what is there', async () => {
    await expect(read(real('raw/helpsteer3-prompts-val.parquet'))).rejects.toThrow(/no known format fits.*found columns domain, language/)
    await expect(probe(real('raw/helpsteer3-prompts-val.parquet', { format: 'pair' }))).rejects.toThrow(
      /format pair needs the column chosen and rejected/,
    )
  })
})
if (!existsSync(shared)) console.log(`skipped: real files are not at ${shared} (set GOLDPAN_DATA)`)
