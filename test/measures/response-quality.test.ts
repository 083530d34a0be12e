import { describe, expect, it } from 'vitest'
import { type Batch, type Columns, slice } from '../../pipeline/batch.ts'
import { qualityFeatures } from '../../pipeline/kernels/quality-features.ts'
import { type qualityColumns, responseQuality } from '../../pipeline/measures/response-quality.ts'
import { type PairInput, pairsOf } from '../drive.ts'

type Features = Record<(typeof qualityFeatures)[number], number>

async function qualityOf(pairs: readonly PairInput[], cut?: [number, number]): Promise<Features[]> {
  const run = await responseQuality.open({}, { seed: 0, file: async () => new Uint8Array(0) })
  const batch = pairsOf(pairs) as unknown as Batch
  const { quality } = run(cut ? slice(batch, ...cut) : batch) as unknown as Columns<typeof qualityColumns>
  const width = qualityFeatures.length
  return Array.from(
    { length: quality.values.length / width },
    (_, i) => Object.fromEntries(qualityFeatures.map((name, k) => [name, quality.values[i * width + k]])) as Features,
  )
}

/** A response against one without any feature: two sides differ by what the first has. */
const of = async (response: string, prompt: PairInput['prompt'] = 'Why?', rejected = ''): Promise<Features> =>
  (await qualityOf([{ prompt, chosen: response, rejected }]))[0]

describe('response-quality', () => {
  it('measures how a response meets its prompt', async () => {
    const prompt = [
      { role: 'user', content: 'I own 12 cats' },
      { role: 'assistant', content: 'Fine.' },
      { role: 'user', content: 'feed 30 cats' },
    ] as const
    const features = await of('You feed 30 cats and 5 dogs', prompt)
    expect(features.last_turn_words_met).toBe(1)
    expect(features.prompt_words_met).toBeCloseTo(3 / 7)
    expect(features.words_from_prompt).toBeCloseTo(3 / 7)
    expect(features.word_pairs_from_prompt).toBeCloseTo(2 / 6)
    expect(features.numbers_from_prompt).toBe(0.5)
    expect(features.prompt_numbers_met).toBe(0.5)
    expect(features.new_numbers).toBeCloseTo(1 / 7)
  })

  it('knows an echo, and names that the prompt gave', async () => {
    const prompt = 'Tell me of Ada Lovelace and Alan Turing'
    expect((await of('Tell me of Ada Lovelace and Alan Turing', prompt)).echo).toBe(1)
    expect((await of('We owe to Ada Lovelace, Grace Hopper the loop', prompt)).names_from_prompt).toBe(0.5)
  })

  it('sees repetition in words, lines and characters', async () => {
    const again = await of('no end no end no end no end\nno end no end no end no end')
    expect(again.word_pairs_repeated).toBeGreaterThan(0.8)
    expect(again.word_triples_repeated).toBeGreaterThan(0.8)
    expect(again.lines_repeated).toBe(0.5)
    expect(again.windows_distinct).toBeLessThan(0.3)
    expect(await of('each word is another one here')).toMatchObject({ word_pairs_repeated: 0, word_triples_repeated: 0, lines_repeated: 0 })
  })

  it('sees how a text ends and begins', async () => {
    expect(await of('It stops in the')).toMatchObject({ cut_off: 1, asks_back: 0, starts_small: 0 })
    expect(await of('done.')).toMatchObject({ cut_off: 0, starts_small: 1 })
    expect(await of('是吗？')).toMatchObject({ cut_off: 0, asks_back: 1 })
    expect(await of('f(x')).toMatchObject({ unbalanced_brackets: 1 })
    expect(await of('```\nx = 1')).toMatchObject({ open_fence: 1 })
    expect(await of('Yes.\nHuman: what?')).toMatchObject({ speaks_for_others: 1 })
    expect(await of('Yes.<|im_end|>')).toMatchObject({ speaks_for_others: 1 })
    expect((await of('a\ufffdb')).broken_characters).toBeCloseTo(1 / 5)
  })

  it('knows refusals in several languages, at the start and anywhere', async () => {
    expect(await of("I'm sorry, but no.")).toMatchObject({ refusal_opens: 1 })
    expect((await of('抱歉，我无法回答。')).refusals).toBeGreaterThan(0)
    const late = await of(`${'word '.repeat(50)}I cannot say.`)
    expect(late.refusal_opens).toBe(0)
    expect(late.refusals).toBeCloseTo(1 / 53)
  })

  it('sees an answer in another script than the question', async () => {
    expect((await of('水就是水。', 'What is water?')).other_script).toBe(1)
    expect((await of('Water.', 'What is water?')).other_script).toBe(0)
    expect((await of('42', 'What is water?')).other_script).toBe(0)
  })

  it('is the difference of the sides, and turns with the pair', async () => {
    const pair = { prompt: 'Why is the sky blue?', chosen: 'Because of Rayleigh scattering.', rejected: 'i cannot say (' }
    const [features, turned, same] = await qualityOf([
      pair,
      { ...pair, chosen: pair.rejected, rejected: pair.chosen },
      { ...pair, rejected: pair.chosen },
    ])
    for (const name of qualityFeatures) expect(turned[name]).toBeCloseTo(-features[name], 12)
    for (const name of qualityFeatures) expect(same[name]).toBe(0)
    expect(features.refusal_opens).toBe(-1)
  })

  it('does not read on into the next row', async () => {
    const pairs = [
      { chosen: 'I', rejected: 'x' },
      { chosen: 'cannot Say So', rejected: 'y' },
      { prompt: [], chosen: '', rejected: '' },
    ]
    const whole = await qualityOf(pairs)
    for (let i = 0; i < pairs.length; i++) expect(await qualityOf(pairs, [i, i + 1])).toEqual([whole[i]])
    expect(whole[0].refusals).toBe(0)
  })
})
