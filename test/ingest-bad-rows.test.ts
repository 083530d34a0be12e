import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { probe } from '../pipeline/ingest.ts'
import { brief, lines, read, source } from './ingest-files.ts'

describe('bad rows', () => {
  const good = { prompt: 'Q', chosen: 'A', rejected: 'B' }
  it.each<[string, unknown, string, RegExp]>([
    ['broken JSON', '{"prompt": "Q", ', '', /expected/],
    ['NaN', '{"prompt": "Q", "chosen": "A", "rejected": "B", "x": NaN}', '', /NaN/],
    ['a list', [1, 2], '', /expected an object/],
    ['a number for text', { ...good, chosen: 3 }, 'chosen', /expected text or a list of messages, got number 3/],
    ['a missing field', { prompt: 'Q', chosen: 'A' }, 'rejected', /is missing/],
    ['a null prompt', { ...good, prompt: null }, 'prompt', /got null/],
    [
      'an unknown role',
      { ...good, prompt: [{ role: 'narrator', content: 'Q' }] },
      'prompt.0.role',
      /expected a role \(system, user, assistant, tool/,
    ],
    ['content that is no text', { ...good, chosen: [{ role: 'assistant', content: { a: 1 } }] }, 'chosen.0.content', /got an object/],
    [
      'a part that is no text',
      { ...good, chosen: [{ role: 'assistant', content: [{ type: 'image_url' }] }] },
      'chosen.0.content.0',
      /expected a text part/,
    ],
    ['a label kind that is none', { ...good, label_kind: 'alien' }, 'label_kind', /expected one of human, human_derived, ai, implicit/],
    ['an order that is none', { ...good, shown_first: 'left' }, 'shown_first', /expected chosen or rejected/],
    ['a vote that is none', { ...good, votes: [{ annotator: 'x', vote: 'left' }] }, 'votes.0', /chosen \| rejected \| tie/],
  ])('%s is a reject with its row, field and reason, and the rest is read', async (_, bad, field, error) => {
    const { refused, rows, pairs } = await read(source(lines(good, bad, good)))
    expect([rows, pairs]).toEqual([3, 2])
    expect(refused).toEqual([
      {
        row: 1,
        field,
        error: expect.stringMatching(error),
        excerpt: expect.stringContaining((typeof bad === 'string' ? bad : JSON.stringify(bad)).slice(0, 20)),
      },
    ])
  })

  it('keeps every reject of a file with thousands of them, in order', async () => {
    const bad = Array.from({ length: 40_000 }, (_, i) => `{"n":${i}}`)
    const { refused, rejected, rejects } = await read(source(`${lines({ prompt: 'p', chosen: 'c', rejected: 'r' }, ...bad)}\n`))
    expect(rejected).toBe(40_000)
    expect(refused.map(({ row }) => row)).toEqual(Array.from({ length: 40_000 }, (_, i) => i + 1))
    expect(refused.at(-1)).toMatchObject({ row: 40_000, excerpt: '{"n":39999}' })
    expect(rejects.map(({ rows }) => rows)).toEqual([16_384, 16_384, 7_232])
  })

  it('rejects a scored row of which no pair can be made', async () => {
    const { refused } = await read(
      source(lines({ prompt: 'Q', responses: ['a', 'b'], scores: [1, null] }, { prompt: 'Q', responses: ['a', 'b'], scores: [1] })),
    )
    expect(refused.map(r => r.error)).toEqual([
      'expected at least two responses with a score, got 1 of 2',
      'expected 2 numbers, one a response, got 1',
    ])
  })

  it('replaces lone surrogates and tells of them', async () => {
    const { texts, surrogates } = await read(source('{"prompt":"Q\\ud800","chosen":"A","rejected":"B"}\n'))
    expect(brief(texts[0])[0]).toBe('u:Q\ufffd')
    expect(surrogates).toBe(1)
  })

  it('keeps a text that begins with U+FEFF, drops the mark at the start of the file, takes CRLF and U+2028', async () => {
    const { texts, rejected } = await read(source(`\ufeff${lines({ ...good, chosen: '\ufeffA\u2028x' })}\r\n${lines(good)}`))
    expect([texts.length, rejected, brief(texts[0])[1]]).toEqual([2, 0, 'a:\ufeffA\u2028x'])
  })

  it('rejects a row that would become hundreds of thousands of pairs, unless only the best is paired', async () => {
    const row = { prompt: 'Q', responses: Array.from({ length: 300 }, (_, i) => `${i}`), scores: Array.from({ length: 300 }, (_, i) => i) }
    expect((await read(source(lines(row)))).refused[0].error).toBe(
      'expected at most 256 responses for `pairs: all`, got 300; set `pairs: best`',
    )
    expect((await read(source(lines(row), { pairs: 'best' }))).pairs).toBe(299)
  })

  it('takes the last of duplicate keys', async () => {
    const { texts } = await read(source('{"prompt":"Q","chosen":"first","chosen":"last","rejected":"B"}'))
    expect(brief(texts[0])[1]).toBe('a:last')
  })
})

describe('bad files', () => {
  it.each<[string, string | Uint8Array, RegExp]>([
    [
      'no known format',
      lines({ prompt: 'Q', answer: 'A' }),
      /^x\.jsonl: no known format fits its first rows: found columns prompt, answer; expected one of pair: prompt/,
    ],
    ['zero bytes', '', /x\.jsonl.*(empty|no bytes|0 bytes)/],
    ['a cut gzip', gzipSync(lines(...Array(2000).fill({ prompt: 'Q', chosen: 'A', rejected: 'B' }))).subarray(0, 90), /x\.jsonl.*damaged/],
  ])('%s is refused with its name', async (_, content, message) => {
    const file = source(content)
    await expect(read(file)).rejects.toThrow(message)
  })

  it('names what a file lacks for the format that the config gives', async () => {
    expect((await probe(source(lines({ prompt: 'Q', chosen: 'A', rejected: 'B' }), { format: 'pair' }))).format).toBe('pair')
  })
})
