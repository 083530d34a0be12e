import { describe, expect, it } from 'vitest'
import { ai, edited, human, PAIR, run, words } from './near-dup-pairs.ts'

describe('near-duplicates with the responses crossed', () => {
  const crossed = { ...PAIR, chosen: `${PAIR.rejected} x`, rejected: PAIR.chosen }

  it('count a pair that is near another as near alone, as the ledger does', async () => {
    const alike = { prompt: words('p', 40), chosen: words('c', 100), rejected: `${words('c', 100)} x` }
    const { relations, facts } = await run([{ ...alike }, { ...alike, chosen: `${alike.chosen} y` }, { ...alike, prompt: words('q', 40) }])
    expect(relations.toSorted()).toEqual(['near', 'no-signal', 'no-signal'])
    expect(facts).toMatchObject({ relations: { near: 1, 'no-signal': 2 } })
  })

  it('lose the lesser label', async () => {
    const { reasons, relations, of } = await run([
      { ...PAIR, ...ai },
      { ...crossed, ...human },
    ])
    expect(reasons).toEqual(['near_swapped', null])
    expect(relations).toEqual(['near-swapped', null])
    expect(of).toEqual([1, -1])
  })

  it('go to review between equals, with each other named', async () => {
    const { verdicts, of } = await run([PAIR, crossed])
    expect(verdicts.map(v => [v.outcome, v.reason, v.add.relation])).toEqual(new Array(2).fill(['review', 'near_conflict', 'near-swapped']))
    expect(of).toEqual([1, 0])
  })

  it.each([
    ['drop_both', ['near_swapped', 'near_swapped']],
    ['review', ['near_conflict', 'near_conflict']],
    ['mark', [null, null]],
  ])('%s', async (near_swapped, reasons) => {
    const found = await run(
      [
        { ...PAIR, ...human },
        { ...crossed, ...ai },
      ],
      { near_swapped },
    )
    expect(found.reasons).toEqual(reasons)
    expect(found.relations[1]).toBe('near-swapped')
  })

  it('stand for their own copies where they are only marked', async () => {
    const pairs = [
      { ...PAIR, ...human },
      { ...crossed, ...ai },
      { ...crossed, label_kind: 'implicit' as const, prompt: `${PAIR.prompt} y` },
    ]
    expect((await run(pairs, { near_swapped: 'mark' })).of).toEqual([-1, 0, 1])
    expect((await run(pairs)).of).toEqual([-1, 0, 0])
  })

  it('are copies where they are ties, and ties are nothing to labels', async () => {
    expect(
      (
        await run([
          { ...PAIR, tie: true },
          { ...crossed, tie: true },
        ])
      ).relations.filter(Boolean),
    ).toEqual(['near'])
    expect((await run([{ ...PAIR, tie: true }, PAIR, { ...crossed, tie: true, prompt: words('q', 9) }])).relations).toEqual([
      null,
      null,
      null,
    ])
  })
})

describe('pairs without signal', () => {
  const nothing = { ...PAIR, rejected: `${PAIR.chosen} x` }

  it('stay, marked with the similarity of their responses, and are counted by source', async () => {
    const { reasons, verdicts, facts } = await run([
      { ...nothing, source: 'x' },
      { ...PAIR, source: 'y' },
    ])
    expect(reasons).toEqual([null, null])
    expect(facts).toMatchObject({
      relations: { 'no-signal': 1 },
      by_source: [{ relation: 'no-signal', source: 'x', within: 1, across: 0 }],
    })
    expect(verdicts[0].add).toEqual({
      duplicate_of: null,
      relation: 'no-signal',
      jaccard: Math.fround(96 / 97),
      cluster_id: null,
      cluster_size: null,
    })
  })

  it('are not looked for among ties', async () => expect((await run([{ ...nothing, tie: true }])).relations).toEqual([null]))

  it('have a threshold of their own', async () => {
    const pairs = [{ ...PAIR, rejected: edited(PAIR.chosen!.toString(), 50) }]
    expect((await run(pairs)).relations).toEqual([null])
    expect((await run(pairs, { no_signal_threshold: 0.8 })).relations).toEqual(['no-signal'])
  })

  it('stand for no other where they leave', async () => {
    const least = { ...PAIR, rejected: `${edited(PAIR.chosen!.toString(), 1000, 50)}` }
    const less = { ...least, rejected: `${edited(PAIR.chosen!.toString(), 50, 25)}` }
    expect((await run([least, less], { no_signal: 'drop', no_signal_threshold: 0.85 })).reasons).toEqual(['no_signal', null])
  })

  it.each([
    ['drop', 'drop', 'no-signal'],
    ['mark', 'stay', 'no-signal'],
    ['review', 'review', 'no-signal'],
    ['off', 'stay', null],
  ])('%s', async (no_signal, outcome, relation) => {
    const { verdicts } = await run([nothing], { no_signal })
    expect([verdicts[0].outcome, verdicts[0].add.relation]).toEqual([outcome, relation])
  })
})
