import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { labelKinds } from '../pipeline/pair.ts'
import { exactDedup } from '../stages/exact-dedup.ts'
import { type DriveOptions, driveStage, type PairInput } from './drive.ts'

const run = async (pairs: PairInput[], params: unknown = {}, options: DriveOptions = {}) => {
  const { verdicts, summary, pairs: batch } = await driveStage(exactDedup, params, pairs, options)
  return { reasons: verdicts.map(v => v.reason), relations: verdicts.map(v => v.add.relation), verdicts, summary, batch }
}

const A: PairInput = { prompt: 'p', chosen: 'a', rejected: 'b' }
const SWAPPED_A: PairInput = { prompt: 'p', chosen: 'b', rejected: 'a' }
const human: PairInput = { label_kind: 'human' }
const ai: PairInput = { label_kind: 'ai' }

describe('copies', () => {
  it('keeps the most trusted label, then the higher priority, then the first', async () => {
    const pairs: PairInput[] = [
      { ...A, ...ai, priority: 9 },
      { ...A, ...human, priority: 1 },
      { ...A, ...human, priority: 2 },
      { ...A, ...human, priority: 2 },
    ]
    const { reasons, verdicts, batch } = await run(pairs)
    expect(reasons).toEqual(['exact', 'exact', null, 'exact'])
    const id = Buffer.from((batch.columns.pair_id as { bytes: Uint8Array }).bytes.subarray(0, 16)).toString('hex')
    expect(verdicts[0].add).toEqual({ duplicate_of: id, relation: 'exact', jaccard: 1 })
    expect(verdicts[2].add).toEqual({ duplicate_of: null, relation: null, jaccard: null })
  })

  it('is case-sensitive and minds every field', async () => {
    const { reasons } = await run([
      A,
      { ...A, chosen: 'A' },
      { ...A, prompt: 'P' },
      { ...A, rejected: 'c' },
      { ...A, prompt: [{ role: 'system', content: 'p' }] },
    ])
    expect(reasons).toEqual([null, null, null, null, null])
  })

  it('marks them on request', async () => {
    const { reasons, relations } = await run([A, A], { exact: 'mark' })
    expect(reasons).toEqual([null, null])
    expect(relations).toEqual([null, 'exact'])
  })
})

it('drops the survivor, too, on request', async () => {
  const { reasons, relations } = await run([A, A, { ...A, chosen: 'other' }], { exact: 'drop_both' })
  expect(reasons).toEqual(['exact', 'exact', null])
  expect(relations).toEqual(['exact', 'exact', null])
})

it('sends copies to review on request', async () => {
  const { verdicts } = await run([A, A, SWAPPED_A], { exact: 'review', swapped: 'mark' })
  expect(verdicts.map(v => [v.outcome, v.reason, v.add.relation]).toSorted()).toEqual([
    ['review', 'exact', 'exact'],
    ['stay', null, null],
    ['stay', null, 'swapped'],
  ])
})

describe('a pair labelled both ways', () => {
  it('loses the lesser label', async () => {
    const { verdicts, batch } = await run([
      { ...A, ...ai },
      { ...SWAPPED_A, ...human },
    ])
    expect(verdicts.map(v => [v.outcome, v.reason])).toEqual([
      ['drop', 'swapped'],
      ['stay', null],
    ])
    expect(verdicts[0].add.duplicate_of).toBe(
      Buffer.from((batch.columns.pair_id as { bytes: Uint8Array }).bytes.subarray(16, 32)).toString('hex'),
    )
    expect(verdicts[0].add.relation).toBe('swapped')
  })

  it('lets the higher priority decide between labels of one kind', async () => {
    expect((await run([{ ...A, priority: 1 }, SWAPPED_A])).reasons).toEqual([null, 'swapped'])
  })

  it('sends equals to review', async () => {
    const { verdicts } = await run([A, SWAPPED_A])
    expect(verdicts.map(v => v.outcome)).toEqual(['review', 'review'])
    expect(verdicts.map(v => v.add.relation)).toEqual(['swapped', 'swapped'])
  })

  it('sends one of each label to review, whatever the number of copies', async () => {
    expect((await run([A, A, SWAPPED_A, A])).reasons.toSorted()).toEqual(['exact', 'exact', 'label_conflict', 'label_conflict'])
  })

  it.each([
    ['drop_both', ['swapped', 'swapped'], ['swapped', 'swapped']],
    ['review', ['label_conflict', 'label_conflict'], ['swapped', 'swapped']],
    ['mark', [null, null], [null, 'swapped']],
  ])('%s', async (swapped, reasons, relations) => {
    const found = await run(
      [
        { ...A, ...human },
        { ...SWAPPED_A, ...ai },
      ],
      { swapped },
    )
    expect(found.reasons).toEqual(reasons)
    expect(found.relations).toEqual(relations)
  })

  it('takes marked copies along', async () => {
    const pairs = [
      { ...A, ...human },
      { ...SWAPPED_A, ...ai },
      { ...SWAPPED_A, ...ai },
    ]
    expect((await run(pairs, { exact: 'mark' })).reasons).toEqual([null, 'swapped', 'swapped'])
  })
})

describe('ties', () => {
  const tie = { ...A, tie: true }
  it('are copies of each other in either order', async () =>
    expect((await run([tie, { ...SWAPPED_A, tie: true }])).relations.filter(Boolean)).toEqual(['exact']))
  it('neither copy nor contradict a label', async () =>
    expect((await run([tie, A, { ...SWAPPED_A, prompt: 'q' }])).relations).toEqual([null, null, null]))
})

it('counts by relation and by sources', async () => {
  const pairs = [
    { ...A, source: 'x' },
    { ...A, source: 'y', priority: 1 },
    { ...SWAPPED_A, source: 'z', priority: 2 },
    { prompt: 'q', source: 'x' },
    { prompt: 'q', source: 'x' },
  ]
  const { summary } = await run(pairs)
  expect(summary.facts).toEqual({
    relations: { exact: 2, swapped: 1 },
    by_source: [
      { relation: 'exact', source: 'x', within: 1, across: 1 },
      { relation: 'swapped', source: 'y', within: 0, across: 1 },
    ],
    between: [
      { relation: 'exact', source: 'x', survivor_source: 'x', pairs: 1 },
      { relation: 'exact', source: 'x', survivor_source: 'y', pairs: 1 },
      { relation: 'swapped', source: 'y', survivor_source: 'z', pairs: 1 },
    ],
  })
})

/** The rules, said once more over pairs of a tiny alphabet. */
function expectedReasons(pairs: readonly PairInput[]): (string | null)[] {
  const rank = (i: number) => labelKinds.indexOf(pairs[i].label_kind!) * 100 - pairs[i].priority!
  const reasons: (string | null)[] = pairs.map(() => null)
  const same = (i: number, j: number) =>
    pairs[i].prompt === pairs[j].prompt && pairs[i].chosen === pairs[j].chosen && pairs[i].rejected === pairs[j].rejected
  const survivors = pairs
    .map((_, i) => i)
    .filter(i => !pairs.some((_, j) => same(i, j) && (rank(j) < rank(i) || (rank(j) === rank(i) && j < i))))
  pairs.forEach((pair, i) => {
    if (!survivors.includes(i)) reasons[i] = 'exact'
    const twin = survivors.find(
      j => pairs[j].prompt === pair.prompt && pairs[j].chosen === pair.rejected && pairs[j].rejected === pair.chosen,
    )
    if (!survivors.includes(i) || twin === undefined || twin === i) return
    if (rank(twin) === rank(i)) reasons[i] = 'label_conflict'
    if (rank(twin) < rank(i)) reasons[i] = 'swapped'
  })
  return reasons
}

it('agrees with the rules for any pairs, order and cut', async () => {
  const text = fc.constantFrom('a', 'b', 'c')
  const pair = fc.record({
    prompt: fc.constantFrom('p', 'q'),
    chosen: text,
    rejected: text,
    label_kind: fc.constantFrom(...labelKinds.slice(0, 2)),
    priority: fc.integer({ min: 0, max: 1 }),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(pair, { maxLength: 30 }),
      fc.integer({ min: 1, max: 7 }),
      fc.nat(),
      async (pairs, batch_rows, shuffle_seed) => {
        const { reasons } = await run(pairs, {}, { batch_rows, shuffle_seed })
        expect(reasons).toEqual(expectedReasons(pairs))
      },
    ),
    { seed: 42 },
  )
})
