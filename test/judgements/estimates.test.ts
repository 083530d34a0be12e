import { describe, expect, it } from 'vitest'
import type { Judged } from '../../pipeline/judgement.ts'
import { type DrawnPair, estimatesOf } from '../../pipeline/judgements/estimates.ts'
import { Draws } from '../../pipeline/kernels/random.ts'
import { allocate } from '../../pipeline/kernels/sampling.ts'

const said = (verdict: Judged['verdict']): Judged => ({ n: 1, counts: [], verdict, adjudicated: false, posterior: [] })
const OPTIONS = { wanted_width: 0.1, seed: 1 }

interface World {
  readonly drawn: readonly DrawnPair[]
  readonly judged: ReadonlyMap<string, Judged>
  /** Over all pairs, drawn or not: how often labels are right, and decisions, by decision. */
  readonly labels: number
  readonly decisions: Readonly<Record<(typeof DECISIONS)[number], number>>
  /** Kept pairs of the largest stratum. */
  readonly largest: number
}

const DECISIONS = ['keep', 'flip', 'drop', 'quarantine'] as const
/** How often models decide so, of right labels and of wrong ones. */
const OF_RIGHT = [0.8, 0.04, 0.1, 0.06]
const OF_WRONG = [0.3, 0.35, 0.25, 0.1]

/** Three sources of other quality; models keep most pairs, turn, drop and set aside some; of the audit `answered` is judged. */
function world(seed: number, budget: number, answered: number): World {
  const draws = new Draws().start(seed, budget, 0)
  const sizes = [1500, 400, 100]
  const pairs = sizes.flatMap((n, source) =>
    Array.from({ length: n }, (_, i) => {
      const right = draws.chance([0.85, 0.7, 0.95][source])
      return { id: `${source} ${i}`, source, right, decision: decided(right ? OF_RIGHT : OF_WRONG, draws.unit()) }
    }),
  )
  const places = allocate(sizes, budget)
  const drawn: DrawnPair[] = []
  const judged = new Map<string, Judged>()
  for (const [source, n] of places.entries()) {
    const members = pairs.filter(pair => pair.source === source)
    for (let k = 0; k < n; k++) {
      const other = k + draws.below(members.length - k)
      ;[members[k], members[other]] = [members[other], members[k]]
      const { id, right, decision } = members[k]
      drawn.push({
        pair_id: id,
        prompt_id: id,
        draw: 'audit',
        inclusion_probability: n / sizes[source],
        stratum: `${source}`,
        ...(decision === 'quarantine' ? { models_outcome: null, outcome: decision } : { models_outcome: decision }),
      })
      if (k < Math.max(1, Math.round(n * answered))) judged.set(id, said(right ? 'chosen' : 'rejected'))
    }
  }
  const share = (of: readonly { right: boolean }[], is = true): number => of.filter(({ right }) => right === is).length / of.length
  const [keep, flip, drop, quarantine] = DECISIONS.map(name => pairs.filter(({ decision }) => decision === name))
  return {
    drawn,
    judged,
    labels: share(pairs),
    decisions: { keep: share(keep), flip: share(flip, false), drop: share(drop, false), quarantine: share(quarantine, false) },
    largest: share(keep.filter(({ source }) => source === 0)),
  }
}

function decided(shares: readonly number[], unit: number): (typeof DECISIONS)[number] {
  let sum = 0
  return DECISIONS[shares.findIndex(share => unit < (sum += share))] ?? 'quarantine'
}

describe('the interval of 95 %', () => {
  it.each([
    [120, 1, ['labels', 'keep', 'largest']],
    [120, 0.6, ['labels', 'keep', 'largest']],
    [400, 1, ['labels', 'largest', ...DECISIONS]],
    [400, 0.6, ['labels', 'largest', ...DECISIONS]],
  ])('holds the truth in 93 to 97 of 100 builds, %d audited, a share of %d of them answered: %s', (budget, answered, names) => {
    const builds = 500
    const held: Record<string, number> = {}
    for (let seed = 0; seed < builds; seed++) {
      const of = world(seed, budget, answered)
      const { labels, decisions, decisions_by_stratum } = estimatesOf(of.drawn, of.judged, OPTIONS)
      const told = { labels, largest: decisions_by_stratum['0'].keep, ...decisions }
      const truth = { labels: of.labels, largest: of.largest, ...of.decisions }
      for (const name of names as (keyof typeof truth)[])
        held[name] = (held[name] ?? 0) + (told[name]!.low <= truth[name] && truth[name] <= told[name]!.high ? 1 / builds : 0)
    }
    for (const name of names) {
      expect(held[name], name).toBeGreaterThanOrEqual(0.93)
      expect(held[name], name).toBeLessThanOrEqual(0.97)
    }
  })
})

const pair = (i: number, of: Partial<DrawnPair>): DrawnPair => ({
  pair_id: `${i}`,
  prompt_id: `${i}`,
  draw: 'audit',
  inclusion_probability: 0.5,
  stratum: 's',
  models_outcome: 'keep',
  ...of,
})

describe('estimates', () => {
  it('weigh pairs by how likely they were drawn', () => {
    const drawn = [pair(0, { stratum: 'a', inclusion_probability: 0.1 }), pair(1, { stratum: 'b', inclusion_probability: 1 })]
    const { labels, labels_by_stratum } = estimatesOf(
      drawn,
      new Map([
        ['0', said('chosen')],
        ['1', said('rejected')],
      ]),
      OPTIONS,
    )
    expect(labels).toMatchObject({ n: 2, pairs: 11, share: 10 / 11 })
    expect(labels_by_stratum.b.share).toBe(0)
  })

  it('speak of what models decided, and of how much more targeted draws find', () => {
    const drawn = Array.from({ length: 40 }, (_, i) =>
      pair(i, {
        draw: i < 20 ? 'audit' : 'targeted',
        inclusion_probability: i < 20 ? 0.5 : null,
        models_outcome: i % 2 === 0 ? 'keep' : 'flip',
      }),
    )
    const judged = new Map(drawn.map(({ pair_id }, i) => [pair_id, said(i % 10 === 1 || (i >= 20 && i % 2 === 1) ? 'rejected' : 'chosen')]))
    const { decisions, found, stop } = estimatesOf(drawn, judged, OPTIONS)
    expect(decisions.keep!.share).toBe(1)
    expect(decisions.flip!.share).toBeCloseTo(0.2, 9)
    expect(found).toMatchObject({ targeted: { n: 20, per_100: 50 }, audit: { n: 20, per_100: 10 }, lift: { value: 5 } })
    expect(stop).toMatchObject({ enough: false, wanted: 0.1 })
    expect(stop.pairs_needed).toBeGreaterThan(50)
  })

  it('are told of every decision and stratum, quarantine and pairs that no model saw among them', () => {
    const of = (
      stratum: string,
      models_outcome: DrawnPair['models_outcome'],
      outcome: DrawnPair['outcome'],
      verdict: Judged['verdict'],
    ) => ({
      stratum,
      models_outcome,
      outcome,
      verdict,
    })
    const rows = [
      ...Array.from({ length: 6 }, () => of('a', 'keep', 'keep', 'chosen')),
      ...Array.from({ length: 2 }, () => of('a', 'keep', 'keep', 'rejected')),
      of('a', 'drop', 'drop', 'both_bad'),
      of('b', 'flip', 'flip', 'rejected'),
      of('b', null, 'quarantine', 'chosen'),
      of('b', null, 'keep', 'chosen'),
      of('b', null, 'drop', 'chosen'),
    ]
    const drawn = rows.map((row, i) => pair(i, row))
    const { decisions, decisions_by_stratum } = estimatesOf(drawn, new Map(rows.map(({ verdict }, i) => [`${i}`, said(verdict)])), OPTIONS)
    expect(decisions).toMatchObject({
      keep: { n: 9, share: 7 / 9 },
      flip: { n: 1, share: 1 },
      drop: { n: 1, share: 1 },
      quarantine: { n: 1, share: 0 },
    })
    expect(decisions_by_stratum).toMatchObject({
      a: { keep: { n: 8, share: 0.75 }, drop: { n: 1 } },
      b: { keep: { n: 1, share: 1 }, flip: { n: 1 }, quarantine: { n: 1, share: 0 } },
    })
    expect(decisions_by_stratum.b.quarantine!.high).toBeGreaterThan(0.5)
    expect(Object.keys(decisions_by_stratum.b)).toEqual(['keep', 'flip', 'quarantine'])
  })

  it('say nothing without answers, and bear strata of one pair, ties and what nobody can tell', () => {
    expect(estimatesOf([pair(0, {})], new Map(), OPTIONS)).toMatchObject({ audited: 0, audit: 1, decisions: {}, stop: { width: null } })
    const drawn = [0, 1, 2].map(i => pair(i, { stratum: `${i}`, inclusion_probability: 1 }))
    const judged = new Map([
      ['0', said('tie')],
      ['1', said('cannot_tell')],
      ['2', said('chosen')],
    ])
    expect(estimatesOf(drawn, judged, OPTIONS).labels).toMatchObject({ n: 2, share: 0.5 })
  })

  it('tell what pairs without a verdict may hide', () => {
    const drawn = [0, 1, 2, 3].map(i => pair(i, { stratum: i < 3 ? 'a' : 'b', inclusion_probability: i < 3 ? 0.1 : 0.5 }))
    const judged = new Map([
      ['0', said('chosen')],
      ['1', said(null)],
      ['2', said('cannot_tell')],
      ['3', said('chosen')],
    ])
    const { labels, undecided, labels_if_undecided } = estimatesOf(drawn, judged, OPTIONS)
    expect([labels?.n, labels?.share, undecided]).toEqual([2, 1, 2])
    // two of three pairs that stand for 10 each are wrong, the one that stands for 2 is right
    expect(labels_if_undecided).toEqual({ wrong: 12 / 32, right: 1 })
    expect(estimatesOf(drawn.slice(3), judged, OPTIONS)).toMatchObject({ undecided: 0 })
    expect(estimatesOf(drawn.slice(3), judged, OPTIONS)).not.toHaveProperty('labels_if_undecided')
  })
})
