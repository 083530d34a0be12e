import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Batch, batchOf, type Columns, type Schema } from '../pipeline/batch.ts'
import { unit } from '../pipeline/kernels/random.ts'
import { verificationSample } from '../stages/verification-sample.ts'
import { type DriveOptions, driveStage, type PairInput, pairsOf } from './drive.ts'

interface Drawn {
  readonly draw: 'audit' | 'targeted' | null
  readonly inclusion_probability: number | null
  readonly stratum: string | null
}

async function drawn(
  input: readonly PairInput[],
  p_mean: readonly (number | null)[],
  params: object,
  options: DriveOptions = {},
): Promise<Drawn[]> {
  const pairs = pairsOf(input) as unknown as Batch
  const schema: Schema = { prompt_cluster: 'id', p_mean: 'f32' }
  const columns = {
    prompt_cluster: pairs.columns.prompt_id,
    p_mean: { values: Float32Array.from(p_mean, p => p ?? 0), valid: Uint8Array.from(p_mean, p => (p === null ? 0 : 1)) },
  } as Columns<Schema>
  const { verdicts } = await driveStage(verificationSample, params, pairs, { ...options, upstream: batchOf(schema, pairs.rows, columns) })
  return verdicts.map(v => v.add as unknown as Drawn)
}

const corpus = (sizes: Readonly<Record<string, number>>): PairInput[] =>
  Object.entries(sizes).flatMap(([source, n]) => Array.from({ length: n }, (_, i) => ({ source, prompt: `${source} ${i}` })))
const placesOf = (draws: readonly Drawn[], draw: Drawn['draw']): number[] => [...draws.keys()].filter(i => draws[i].draw === draw)

describe('verification-sample', () => {
  const pairs = corpus({ large: 300, small: 30, tiny: 1 })
  const p_mean = pairs.map((_, i) => unit(3, i, 0))

  it('audits at random within strata, with the probability of each stratum', async () => {
    const draws = await drawn(pairs, p_mean, { budget: 40 })
    const audit = placesOf(draws, 'audit')
    expect(audit.length).toBe(20)
    const count = (source: string): number => audit.filter(i => pairs[i].source === source).length
    expect([count('large'), count('small'), count('tiny')]).toEqual([17, 2, 1])
    for (const i of audit) {
      const source = pairs[i].source as 'large'
      expect(draws[i]).toMatchObject({ stratum: source, inclusion_probability: count(source) / { large: 300, small: 30, tiny: 1 }[source] })
    }
    const mean = audit.reduce((sum, i) => sum + p_mean[i], 0) / 20
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.2)
  })

  it('gives the rest of the budget to the labels least believed, with no probability', async () => {
    const draws = await drawn(pairs, p_mean, { budget: 40 })
    const targeted = placesOf(draws, 'targeted')
    const audit = new Set(placesOf(draws, 'audit'))
    const doubtful = [...p_mean.keys()].filter(i => !audit.has(i)).sort((a, b) => p_mean[a] - p_mean[b])
    expect(targeted).toEqual(doubtful.slice(0, 20).sort((a, b) => a - b))
    for (const i of targeted) expect(draws[i].inclusion_probability).toBeNull()
    expect(draws.filter(d => d.draw === null).every(d => d.inclusion_probability === null && d.stratum === null)).toBe(true)
  })

  it('knows every pair where there are more strata than places: the small ones are one stratum', async () => {
    const many = corpus(Object.fromEntries(Array.from({ length: 60 }, (_, s) => [`s${s}`, s < 20 ? 12 : 10])))
    const draws = await drawn(
      many,
      many.map(() => 0.5),
      { budget: 40 },
    )
    const audit = placesOf(draws, 'audit').map(i => draws[i])
    expect(audit).toHaveLength(20)
    expect(new Set(audit.map(({ stratum }) => stratum)).size).toBe(11)
    // what each drawn pair stands for is the whole corpus
    expect(audit.reduce((sum, { inclusion_probability }) => sum + 1 / inclusion_probability!, 0)).toBeCloseTo(many.length, 9)
    expect(audit.filter(({ stratum }) => stratum === '50 small strata').length).toBeGreaterThan(5)
  })

  it('only adds pairs when the budget grows, whatever the clusters and partitions', async () => {
    const pair = fc.record({
      source: fc.constantFrom('a', 'b', 'c'),
      prompt: fc.constantFrom('p', 'q', 'r', 's'),
      chosen: fc.integer({ max: 50 }).map(n => `c ${n}`),
    })
    const arbitrary = fc.array(fc.tuple(pair, fc.option(fc.float({ min: 0, max: 1, noNaN: true }))), { minLength: 1, maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(arbitrary, fc.nat(30), fc.integer({ min: 1, max: 10 }), async (rows, budget, more) => {
        const [input, p] = [rows.map(([pair]) => pair), rows.map(([, p]) => p)]
        const [before, after] = [await drawn(input, p, { budget }), await drawn(input, p, { budget: budget + more })]
        for (const i of placesOf(before, 'audit')) expect(after[i].draw).toBe('audit')
        for (const i of placesOf(before, 'targeted')) expect(after[i].draw).not.toBeNull()
        expect(before.filter(d => d.draw !== null).length).toBeLessThanOrEqual(budget)
      }),
      { seed: 42, numRuns: 100 },
    )
  })

  it('draws as many pairs as the money pays for', async () => {
    const count = async (budget: object): Promise<number> =>
      (await drawn(pairs, p_mean, { budget })).filter(({ draw }) => draw !== null).length
    expect(await count({ money: 52, per_answer: 2, answers_per_pair: 1 })).toBe(26)
    expect(await count({ money: 26, per_answer: 0.5 })).toBe(40)
    expect(await count({ money: 1e12, per_answer: 0.01 })).toBe(pairs.length)
    expect(await count({ money: 0, per_answer: 1 })).toBe(0)
    expect(await drawn(pairs, p_mean, { budget: { money: 26, per_answer: 0.5 } })).toEqual(await drawn(pairs, p_mean, { budget: 40 }))
    await expect(drawn(pairs, p_mean, { budget: { money: 5 } })).rejects.toThrow()
  })

  it('draws other pairs for another seed, the same for the same', async () => {
    const audit = async (seed: number) => placesOf(await drawn(pairs, p_mean, { budget: 40 }, { seed }), 'audit')
    expect(await audit(1)).toEqual(await audit(1))
    expect(await audit(1)).not.toEqual(await audit(2))
  })

  it('includes each pair as often as its probability says, over many seeds', async () => {
    const few = corpus({ a: 20, b: 5 })
    const hits = new Array(25).fill(0)
    for (let seed = 0; seed < 300; seed++)
      for (const i of placesOf(
        await drawn(
          few,
          few.map(() => 0.5),
          { budget: 5, audit_share: 1 },
          { seed },
        ),
        'audit',
      ))
        hits[i]++
    for (const [i, n] of hits.entries()) expect(Math.abs(n / 300 - (i < 20 ? 4 / 20 : 1 / 5))).toBeLessThan(0.09)
  })

  it('spreads targeted pairs over prompts while others are left, and then meets the budget all the same', async () => {
    const prompts = [...Array(6).fill('same'), 'x', 'y']
    const input = prompts.map((prompt, i) => ({ prompt, chosen: `c ${i}` }))
    const p = prompts.map(prompt => (prompt === 'same' ? 0.1 : 0.4))
    const at = async (budget: number): Promise<string[]> =>
      placesOf(await drawn(input, p, { budget, audit_share: 0 }), 'targeted').map(i => prompts[i])
    expect(await at(4)).toEqual(['same', 'same', 'x', 'y'])
    expect(await at(6)).toEqual(['same', 'same', 'same', 'same', 'x', 'y'])
    expect((await at(100)).length).toBe(8)
  })

  it('prefers a label that models doubt to one that no model could judge, and this to one they believe', async () => {
    const input = [0, 1, 2].map(i => ({ prompt: `${i}` }))
    expect(placesOf(await drawn(input, [0.9, null, 0.2], { budget: 2, audit_share: 0 }), 'targeted')).toEqual([1, 2])
  })

  it('makes strata of several columns, of labels and numbers too', async () => {
    const input = [
      { source: 'a', label_kind: 'ai', lang: 'en' },
      { source: 'a', label_kind: 'human', lang: null },
    ] as const
    const draws = await drawn(input, [0.5, 0.5], { budget: 2, audit_share: 1, strata: ['source', 'label_kind', 'lang', 'priority'] })
    expect(draws.map(d => d.stratum)).toEqual(['a / ai / en / 0', 'a / human / none / 0'])
    await expect(drawn(input, [0.5, 0.5], { strata: ['votes'] })).rejects.toThrow('verification-sample: strata: column votes is list<')
  })

  it('draws all of a small corpus, nothing for nothing, and nothing targeted without signals', async () => {
    expect((await drawn(corpus({ a: 3 }), [0.5, 0.5, 0.5], { budget: 100 })).map(d => d.draw)).toEqual(['audit', 'audit', 'audit'])
    expect((await drawn(corpus({ a: 3 }), [0.5, 0.5, 0.5], { budget: 0 })).map(d => d.draw)).toEqual([null, null, null])
    const { verdicts } = await driveStage(verificationSample, { budget: 4 }, corpus({ a: 9 }))
    expect(verdicts.filter(v => v.add.draw !== null).map(v => v.add.draw)).toEqual(['audit', 'audit'])
  })
})
