import { describe, expect, it } from 'vitest'
import { type Batch, batchOf, beside, type Columns, hexAt, type Schema } from '../pipeline/batch.ts'
import type { Judged as JudgedByPeople } from '../pipeline/judgement.ts'
import { relations } from '../pipeline/pair.ts'
import { decide } from '../stages/decide.ts'
import { type DriveOptions, driveStage, type PairInput, pairsOf } from './drive.ts'

interface Judged extends PairInput {
  /** Of two models; null = unscored. */
  readonly p: readonly (number | null)[]
  readonly p_mean?: number
  readonly disagreement?: number
}

/** What people said by pair_id, and rows that earlier steps sent to review, with the twins that some of them have. */
interface People extends Pick<DriveOptions, 'judged' | 'recalled'> {
  readonly twins?: Batch
}

/** The outcome of each pair: `flip`, `keep`, or why it left. Models turn labels unasked, unless `params` say otherwise. */
async function decided(pairs: readonly Judged[], params = {}, people: People = {}): Promise<string[]> {
  const mean = (pair: Judged): number | null => {
    const known = pair.p.filter(p => p !== null)
    return pair.p_mean ?? (known.length > 0 ? known.reduce((a, b) => a + b, 0) / known.length : null)
  }
  const f32 = (of: (pair: Judged) => number | null) => ({
    values: Float32Array.from(pairs, p => of(p) ?? 0),
    valid: Uint8Array.from(pairs, p => (of(p) === null ? 0 : 1)),
  })
  const schema: Schema = { p_a: 'f32', p_b: 'f32', p_mean: 'f32', disagreement: 'f32', against: 'u8' }
  const columns = {
    p_a: f32(p => p.p[0]),
    p_b: f32(p => p.p[1]),
    p_mean: f32(mean),
    disagreement: f32(p => p.disagreement ?? 0),
    against: { values: Uint8Array.from(pairs, pair => pair.p.filter(p => p !== null && p < 0.5).length) },
  }
  const upstream = batchOf(schema, pairs.length, columns as Columns<Schema>) as unknown as Batch
  const { verdicts } = await driveStage(decide, { min_flip_precision: 0, ...params }, pairs, {
    upstream: people.twins ? beside(upstream, people.twins) : upstream,
    ...people,
  })
  return verdicts.map(v => (v.add.flip === 2 ? 'flip by people' : v.add.flip === 1 ? 'flip' : (v.reason ?? 'keep')))
}

const voted = (...votes: ('chosen' | 'rejected' | 'tie')[]) => votes.map((vote, i) => ({ annotator: `a${i}`, vote }))

describe('decide', () => {
  it('keeps what models support, and what nobody judges', async () => {
    expect(await decided([{ p: [0.9, 0.8] }, { p: [0.5, 0.4] }, { p: [null, null] }])).toEqual(['keep', 'keep', 'keep'])
  })

  it('turns a label only where at least two models judge, and all are surely against it', async () => {
    expect(
      await decided([{ p: [0.1, 0.15] }, { p: [0.05, 0.6], p_mean: 0.1 }, { p: [0.1, null] }, { p: [0.1, 0.5], p_mean: 0.1 }]),
    ).toEqual(['flip', 'escalated', 'escalated', 'escalated'])
    expect(await decided([{ p: [0.1, null] }], { flip_models: 1 })).toEqual(['flip'])
    expect(await decided([{ p: [0.1, 0.1] }], { flip_below: 0 })).toEqual(['escalated'])
  })

  it('asks people about doubtful labels, or drops them', async () => {
    const pairs = [{ p: [0.22, 0.24] }, { p: [0.36, 0.34] }]
    expect(await decided(pairs)).toEqual(['escalated', 'keep'])
    expect(await decided(pairs, { drop_below: 0.25 })).toEqual(['doubtful', 'keep'])
    expect(await decided(pairs, { review_below: 0.4 })).toEqual(['escalated', 'escalated'])
    expect(await decided(pairs, { review_below: 0, flip_below: 0 })).toEqual(['keep', 'keep'])
  })

  it('asks people where models differ, on request', async () => {
    const pairs = [{ p: [0.9, 0.3], disagreement: 0.3 }]
    expect([await decided(pairs), await decided(pairs, { review_spread: 0.25 })]).toEqual([['keep'], ['escalated']])
  })

  it('never lets models alone turn what most voters support', async () => {
    const pairs = [
      { p: [0.1, 0.1], votes: voted('chosen', 'chosen', 'rejected') },
      { p: [0.1, 0.1], votes: voted('chosen') },
      { p: [0.1, 0.1], votes: voted('chosen', 'rejected') },
    ]
    expect(await decided(pairs)).toEqual(['escalated', 'flip', 'flip'])
    expect(await decided(pairs, { protect: 'none' })).toEqual(['flip', 'flip', 'flip'])
  })

  it('protects every label that a person gave, on request', async () => {
    const pairs = (['human', 'human_derived', 'ai', 'implicit'] as const).map(label_kind => ({ p: [0.1, 0.1], label_kind }))
    expect(await decided(pairs)).toEqual(Array(4).fill('flip'))
    expect(await decided(pairs, { protect: 'human' })).toEqual(['escalated', 'escalated', 'flip', 'flip'])
  })

  it('turns a label that most votes contradict where models agree with the votes, and asks otherwise', async () => {
    const votes = voted('rejected', 'rejected', 'tie')
    const pairs = [0.4, 0.6, null].map(p => ({ p: [p, p], votes }))
    expect(await decided(pairs)).toEqual(['flip', 'escalated', 'escalated'])
    expect(await decided([{ p: [0.4, 0.4], votes: voted('rejected', 'tie') }])).toEqual(['keep'])
  })

  it('refuses a threshold that is no probability', () => expect(decide.params.safeParse({ flip_below: 1.2 }).success).toBe(false))
})

describe('decide with people', () => {
  const pairs = ['a', 'b', 'c', 'd', 'e'].map((prompt): Judged => ({ prompt, p: [0.05, 0.05] }))
  const ids = Array.from({ length: pairs.length }, (_, i) => hexAt(pairsOf(pairs).columns.pair_id, i))
  const said = (verdict: JudgedByPeople['verdict'], more: Partial<JudgedByPeople> = {}): JudgedByPeople => ({
    n: 1,
    counts: [1, 0, 0, 0, 0],
    verdict,
    adjudicated: false,
    posterior: [0.9, 0.1, 0, 0],
    ...more,
  })
  const judgedAs = (...verdicts: (JudgedByPeople | undefined)[]) =>
    Object.fromEntries(verdicts.flatMap((of, i) => (of ? [[ids[i], of]] : [])))

  it('takes their verdict, whatever the models say', async () => {
    const judged = judgedAs(said('chosen'), said('rejected'), said('tie'), said('both_bad'), said('cannot_tell'))
    expect(await decided(pairs, {}, { judged })).toEqual(['keep', 'flip by people', 'people_tie', 'people_both_bad', 'people_cannot_tell'])
    expect(await decided(pairs, { people: 'ignore' }, { judged })).toEqual(Array(5).fill('flip'))
  })

  it('goes on as before where they differ, or where nobody was asked', async () => {
    expect(await decided(pairs, {}, { judged: judgedAs(said(null)) })).toEqual(Array(5).fill('flip'))
  })

  it('takes what Dawid and Skene are sure of, or what was adjudicated', async () => {
    const sure = said('rejected', { posterior: [0.96, 0.04, 0, 0] })
    const judged = judgedAs(sure, said('chosen'), said('tie', { adjudicated: true }), said('rejected', { posterior: [0, 0, 0.99, 0.01] }))
    expect(await decided(pairs, { people: 'dawid-skene' }, { judged })).toEqual(['keep', 'flip', 'people_tie', 'people_tie', 'flip'])
    expect((await decided(pairs, { people: 'dawid-skene', accept: 0.9 }, { judged }))[1]).toBe('keep')
  })

  it('takes back from review what was judged, itself or as its twin the other way round, and leaves the rest there', async () => {
    const relation = { values: new Uint8Array(5).fill(relations.indexOf('swapped')), valid: Uint8Array.of(1, 1, 1, 0, 0) }
    const duplicate_of = {
      bytes: new Uint8Array(Buffer.from([ids[1], ids[0], ids[3], ids[0], ids[0]].join(''), 'hex')),
      valid: relation.valid,
    }
    const twins = batchOf({ relation: { labels: relations }, duplicate_of: 'id' }, 5, { relation, duplicate_of }) as unknown as Batch
    const people = { judged: judgedAs(said('chosen'), undefined, undefined, said('rejected')), recalled: [0, 1, 2, 3, 4], twins }
    expect(await decided(pairs, {}, people)).toEqual(['keep', 'people_against', 'keep', 'flip by people', 'away'])
    const of = async (own: JudgedByPeople, twin: JudgedByPeople) =>
      (await decided(pairs, {}, { ...people, judged: judgedAs(own, twin) })).slice(0, 2)
    expect(await of(said('chosen'), said('chosen'))).toEqual(['people_against', 'people_against'])
    // who cannot tell contradicts nobody
    expect(await of(said('cannot_tell'), said('rejected'))).toEqual(['keep', 'people_against'])
    expect(await of(said('cannot_tell'), said('cannot_tell'))).toEqual(['people_cannot_tell', 'people_cannot_tell'])
  })
})

describe('decide before people are heard', () => {
  const said = (verdict: JudgedByPeople['verdict']): JudgedByPeople => ({
    n: 1,
    counts: [1, 0, 0, 0, 0],
    verdict,
    adjudicated: false,
    posterior: [1, 0, 0, 0],
  })
  /** Twenty pairs that models turn and four that they keep; people say of the first twelve and the last two. */
  const pairs = Array.from({ length: 24 }, (_, i): Judged => ({ prompt: `${i}`, p: i < 20 ? [0.05, 0.05] : [0.9, 0.9] }))
  const ids = Array.from({ length: 24 }, (_, i) => hexAt(pairsOf(pairs).columns.pair_id, i))
  const judgedAs = (rightFlips: number) =>
    Object.fromEntries([
      ...ids.slice(0, 12).map((id, i) => [id, said(i < rightFlips ? 'rejected' : 'chosen')]),
      [ids[22], said('chosen')],
      [ids[23], said('tie')],
    ])

  it('turns labels once people support more than half of ten turns, and only then', async () => {
    const outcome = async (rightFlips: number | null, min_flip_precision = 0.5) => {
      const people = rightFlips === null ? {} : { judged: judgedAs(rightFlips) }
      return (await decided(pairs, { min_flip_precision }, people)).slice(12, 21)
    }
    const turned = [...Array(8).fill('flip'), 'keep']
    const asked = [...Array(8).fill('models_against'), 'keep']
    expect(await outcome(null)).toEqual(asked)
    expect(await outcome(7)).toEqual(turned)
    expect(await outcome(6)).toEqual(asked)
    expect(await outcome(6, 0)).toEqual(turned)
    expect(await outcome(7, 0.9)).toEqual(asked)
  })

  it('counts no turn that voters asked for as a check of models', async () => {
    const voters = pairs.map((pair, i) => (i < 12 ? { ...pair, votes: voted('rejected', 'rejected') } : pair))
    const ends = await decided(voters, { min_flip_precision: 0.5 }, { judged: judgedAs(12) })
    expect(ends.slice(12, 20)).toEqual(Array(8).fill('models_against'))
  })

  it('drops what it may not turn and must not ask about', async () => {
    const params = { min_flip_precision: 0.5, drop_below: 0.25 }
    expect(await decided([{ p: [0.1, 0.1] }, { p: [0.3, 0.3] }], params)).toEqual(['doubtful', 'escalated'])
    expect(await decided([{ p: [0.1, 0.1] }], { ...params, min_flip_precision: 0 })).toEqual(['flip'])
  })

  it('asks by default, but for what voters and a model of gold are against', async () => {
    const doubted: Judged[] = [{ p: [0.1, 0.1] }, { p: [0.1, 0.1], votes: voted('rejected', 'rejected') }, { p: [0.3, 0.4], p_mean: 0.9 }]
    expect(await decided(doubted, decide.params.parse({}))).toEqual(['models_against', 'flip', 'keep'])
    expect(await decided(doubted, decide.params.parse({ dual: { gold: 'a', best: 'b' } }))).toEqual(['flip', 'flip', 'flip'])
  })

  it('turns what the gold model and the best one are both against, on request', async () => {
    const mixed = [
      { p: [0.3, 0.4], p_mean: 0.9 },
      { p: [0.3, 0.6], p_mean: 0.9 },
      { p: [0.3, null], p_mean: 0.9 },
    ]
    expect(await decided(mixed, { dual: { gold: 'a', best: 'B' } })).toEqual(['flip', 'keep', 'keep'])
    expect(await decided(mixed, { dual: { gold: 'a', best: 'b', below: 0.35 } })).toEqual(['keep', 'keep', 'keep'])
  })

  it('tells the expected error of every outcome with an interval', async () => {
    const schema: Schema = { p_a: 'f32', p_mean: 'f32', disagreement: 'f32', against: 'u8' }
    const p = { values: Float32Array.from(pairs, pair => pair.p[0]!), valid: new Uint8Array(24).fill(1) }
    const zero = { values: new Float32Array(24), valid: p.valid }
    const columns = { p_a: p, p_mean: p, disagreement: zero, against: { values: p.values.map(v => (v < 0.5 ? 1 : 0)) } }
    const upstream = batchOf(schema, 24, {
      ...columns,
      against: { values: Uint8Array.from(columns.against.values) },
    } as Columns<Schema>) as unknown as Batch
    const { summary } = await driveStage(decide, { flip_models: 1 }, pairs, { upstream, judged: judgedAs(6) })
    expect(summary.facts).toMatchObject({
      answers: 14,
      expected_error: { flip: { n: 12, error: 0.5, low: 0.2538, high: 0.7462 }, keep: { n: 2, error: 0.5 } },
      warnings: [expect.stringContaining('models turned none')],
    })
  })
})
