import { describe, expect, it } from 'vitest'
import { lines, read, source } from './ingest-files.ts'

const good = { prompt: 'Q', chosen: 'A', rejected: 'B' }

describe('ingest', () => {
  it('tells by which column of an unusual name responses were ranked, and how', async () => {
    const ranked = async (columns: object) => (await read(source(lines({ prompt: 'Q', responses: ['a', 'b'], ...columns })))).ranked_by
    expect(await ranked({ scores: [1, 2], other: [1, 2] })).toEqual([])
    expect(await ranked({ judge_vs_base: [1, 2] })).toEqual(['judge_vs_base, where higher is better'])
    expect(await ranked({ gpt4_rank: [1, 2] })).toEqual(['gpt4_rank, where lower is better'])
    expect(await ranked({ replacement: [1, 2] })).toEqual(['replacement, where higher is better'])
    expect(await ranked({ turn_2_rating: [1, 2] })).toEqual(['turn_2_rating, where higher is better'])
    const many = Array.from({ length: 9 }, (_, i) => ({ prompt: 'Q', responses: ['a', 'b'], [`judge_${i}`]: [1, 2] }))
    expect((await read(source(lines(...many)))).ranked_by).toHaveLength(5)
  })

  it('does not take lengths and counts for scores', async () => {
    for (const name of ['token_counts', 'n_words', 'response_lengths', 'ids'])
      expect(await read(source(lines({ prompt: 'Q', responses: ['a', 'b'], [name]: [1, 2] })))).toMatchObject({ pairs: 0, rejected: 1 })
  })

  it('counts rows with scores too far apart for a margin of 32 bits', async () => {
    const scores = [{ m: [1e39, -1e39] }, { m: [3e38, -3e38] }, { m: [3e38, 1] }]
    const { odd_scores, pairs } = await read(source(lines(...scores.map(scores => ({ ...good, scores })))))
    expect([odd_scores, pairs]).toEqual([2, 3])
  })

  it('counts rows with scores of another shape, which are left out', async () => {
    const scores = [{ m: [1, 2], gone: null }, { m: ['1.5', '0.5'] }, { m: [1.5] }, { m: { chosen: 1, rejected: 0 } }, 'oops', null]
    const { odd_scores, pairs } = await read(source(lines(good, ...scores.map(scores => ({ ...good, scores })))))
    expect([odd_scores, pairs]).toEqual([4, 7])
  })

  it('keeps every digit of an id', async () => {
    const rest = '"prompt": "\\"id\\": 7", "chosen": "A", "rejected": "B"}'
    const text = [
      `{"id": 1790000000000000001, ${rest}`,
      `{"id":1790000000000000002, ${rest}`,
      `{${rest.slice(0, -1)}, "meta": {"id": 5}, "source_id" : -9007199254740995}`,
      `{"id": 1.5, ${rest}`,
    ].join('\n')
    const { facts } = await read(source(text))
    expect(facts.map(fact => fact.source_id)).toEqual(['1790000000000000001', '1790000000000000002', '-9007199254740995', '1.5'])
  })
})
