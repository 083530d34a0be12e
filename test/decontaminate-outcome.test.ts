import { describe, expect, it } from 'vitest'
import { decontaminate } from '../stages/decontaminate.ts'
import { BENCHMARK, contaminationOf, files, items, line, negatives, TWENTY } from './contaminated-pairs.ts'
import { driveStage, type PairInput } from './drive.ts'

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
