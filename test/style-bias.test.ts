import { describe, expect, it } from 'vitest'
import { type Batch, beside } from '../pipeline/batch.ts'
import { unit } from '../pipeline/kernels/random.ts'
import { fitWarnings } from '../pipeline/measures/style-facts.ts'
import { styleBias } from '../stages/style-bias.ts'
import { type Driven, type DriveOptions, driveStage, type PairInput, pairsOf } from './drive.ts'

/** Every prompt is a cluster of its own. */
function drive(inputs: readonly PairInput[], params: object = {}, options: DriveOptions = {}): Promise<Driven> {
  const pairs = pairsOf(inputs) as unknown as Batch
  const upstream = { schema: { prompt_cluster: 'id' }, rows: pairs.rows, columns: { prompt_cluster: pairs.columns.prompt_id } } as Batch
  return driveStage(styleBias, params, pairs, { ...options, upstream: options.upstream ? beside(upstream, options.upstream) : upstream })
}

interface Bias {
  readonly effective_share: number
  readonly linear_auc: number
  readonly tree_auc: number
  readonly longer: number
  readonly first?: number
  readonly intervals: Record<string, [number, number]>
}
interface SourceFacts {
  readonly source?: string
  readonly pairs: number
  readonly sampled: number
  readonly before: Bias
  readonly after: Bias
  readonly betas: Record<string, readonly number[]>
  readonly supported?: { pairs: number; before: number; after: number; lost: number | null; difference: number[] | null }
  readonly style_left?: number
  readonly warnings?: string[]
}
const factsOf = ({ summary }: Driven) => summary.facts as unknown as { corpus: SourceFacts; sources: SourceFacts[] }

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
const words = (count: number, seed: number): string =>
  Array.from({ length: count }, (_, i) => LETTERS[Math.floor(unit(7, seed, i) * 26)] + LETTERS[Math.floor(unit(8, seed, i) * 26)]).join(' ')

/** Pairs of prompts with five pairs each, of which the longer response wins as often as told. */
const pairs = (count: number, longerWins: number, more: (i: number) => PairInput = () => ({})): PairInput[] =>
  Array.from({ length: count }, (_, i) => {
    const less = 5 + Math.floor(unit(1, i, 0) * 40)
    const [long, short] = [words(less + 2 + Math.floor(unit(1, i, 1) * 40), 2 * i), words(less, 2 * i + 1)]
    const [chosen, rejected] = unit(1, i, 2) < longerWins ? [long, short] : [short, long]
    return { prompt: `prompt ${Math.floor(i / 5)}`, chosen, rejected, ...more(i) }
  })

describe('audit', () => {
  it('says how far length alone predicts the label, and by which coefficient', async () => {
    const shown = (i: number): PairInput => (i % 3 === 0 ? {} : { shown_first: i % 3 === 1 && unit(3, i, 0) < 0.4 ? 'rejected' : 'chosen' })
    const [biased] = factsOf(await drive(pairs(600, 0.85, shown), { action: 'flag' })).sources
    expect(biased).toMatchObject({ source: 'test', pairs: 600, sampled: 600 })
    expect(biased.before.longer).toBeCloseTo(0.85, 1)
    expect(biased.before.linear_auc).toBeGreaterThan(0.75)
    expect(biased.after).toBeUndefined()
    // 400 pairs tell which response came first: of half of them it is the chosen one in 60 %, of the others always.
    expect(biased.before.first).toBeCloseTo(0.8, 1)
    const { intervals, ...figures } = biased.before
    expect(Object.keys(intervals)).toEqual(Object.keys(figures).filter(name => !['effective_share', 'more_markdown'].includes(name)))
    for (const [name, [low, high]] of Object.entries(intervals)) {
      const value = figures[name as keyof typeof figures]!
      expect([name, low <= value && value <= high]).toEqual([name, true])
    }
    expect(intervals.longer[1] - intervals.longer[0]).toBeCloseTo(2 * 1.96 * Math.sqrt((0.85 * 0.15) / 600), 2)
    const { words, characters, type_token_ratio, bold_spans } = biased.betas
    expect(words[0] + characters[0] - type_token_ratio[0]).toBeGreaterThan(0.5)
    expect(bold_spans).toEqual([0, 0, 0])
    for (const [beta, low, high] of [words, characters, type_token_ratio]) {
      expect(low).toBeLessThan(beta)
      expect(high).toBeGreaterThan(beta)
    }
  })

  it('finds nothing where style says nothing', async () => {
    const [fair] = factsOf(await drive(pairs(600, 0.5))).sources
    expect(fair.before.first).toBeUndefined()
    expect(fair.before.linear_auc).toBeGreaterThan(0.42)
    expect(fair.before.linear_auc).toBeLessThan(0.58)
    expect(fair.after.effective_share).toBeGreaterThan(0.95)
  })

  it('is made by source, and of the corpus', async () => {
    const both = [...pairs(400, 0.9, () => ({ source: 'long' })), ...pairs(400, 0.1, i => ({ source: 'short', prompt: `other ${i >> 2}` }))]
    const { corpus, sources } = factsOf(await drive(both))
    expect(sources.map(s => [s.source, s.before.longer > 0.5])).toEqual([
      ['long', true],
      ['short', false],
    ])
    for (const { before, after } of sources) expect(after.linear_auc).toBeLessThan(before.linear_auc - 0.2)
    expect(corpus).toMatchObject({ pairs: 800, sampled: 800 })
    expect(Math.abs(corpus.before.longer - 0.5)).toBeLessThan(0.05)
  })
})

describe('control', () => {
  it('reweights until style says little, at little cost', async () => {
    const driven = await drive(pairs(800, 0.85))
    const [{ before, after }] = factsOf(driven).sources
    expect(before.tree_auc).toBeGreaterThan(0.75)
    expect(Math.abs(after.longer - 0.5)).toBeLessThan(0.1)
    expect(Math.abs(after.linear_auc - 0.5)).toBeLessThan(0.08)
    expect(Math.abs(after.tree_auc - 0.5)).toBeLessThan(0.1)
    expect(after.effective_share).toBeGreaterThan(0.4)
    const weights = driven.verdicts.map(v => v.add.weight as number)
    expect(Math.min(...weights)).toBeGreaterThan(0)
    // style that speaks for a label speaks against it once it is turned
    for (const { add } of driven.verdicts)
      expect(Math.sign(2 * (add.style_p as number) - 1)).toBe(Math.sign((add.weight_turned as number) - (add.weight as number)))
    expect(weights.reduce((a, b) => a + b, 0) / weights.length).toBeCloseTo(1, 3)
    expect(driven.verdicts.every(v => v.outcome === 'stay')).toBe(true)
  })

  it('is blind to a style that a pair shares with its label by itself: the pair is not in its own fit', async () => {
    const driven = await drive(pairs(400, 0.5))
    const p = driven.verdicts.map(v => v.add.style_p as number)
    expect(Math.abs(p.filter(x => x > 0.5).length / p.filter(x => x !== 0.5).length - 0.5)).toBeLessThan(0.1)
  })

  it('subsamples to the same end', async () => {
    const driven = await drive(pairs(800, 0.85), { action: 'subsample' })
    const stay = driven.verdicts.filter(v => v.outcome === 'stay').length
    const [{ after }] = factsOf(driven).sources
    expect(after.effective_share).toBeCloseTo(stay / 800, 4)
    expect(Math.abs(after.longer - 0.5)).toBeLessThan(0.1)
    expect(driven.verdicts.find(v => v.outcome === 'drop')!.reason).toBe('not_drawn')
    expect(factsOf(driven).sources[0].warnings!.some(text => /no draw with most_weight 1 .* much above 0\.[23]/.test(text))).toBe(true)
    expect(driven.adds.schema).toEqual({ style_p: 'f32' })
  })

  it('keeps more of the sample where drawn pairs may weigh twice as much as others', async () => {
    const kept = {
      one: await drive(pairs(800, 0.85), { action: 'subsample' }),
      two: await drive(pairs(800, 0.85), { action: 'subsample', most_weight: 2 }),
    }
    const [{ after, warnings = [] }] = factsOf(kept.two).sources
    const stay = kept.two.verdicts.filter(v => v.outcome === 'stay')
    const weights = stay.map(v => v.add.weight as number)
    expect(after.effective_share).toBeGreaterThan(factsOf(kept.one).sources[0].after.effective_share * 1.2)
    expect(stay.length).toBeGreaterThan(after.effective_share * 800)
    expect(stay.length).toBeLessThan(700)
    expect(Math.max(...weights) / Math.min(...weights)).toBeCloseTo(2, 5)
    expect(Math.abs(weights.reduce((a, b) => a + b, 0) / weights.length - 1)).toBeLessThan(0.05)
    for (const auc of [after.linear_auc, after.longer]) expect(Math.abs(auc - 0.5)).toBeLessThan(0.1)
    expect(warnings.filter(text => text.includes('most_weight'))).toEqual([])
  })

  it('drops what style explains, but not what votes or models support', async () => {
    const voted = { votes: ['x', 'y', 'z'].map(annotator => ({ annotator, vote: 'chosen' as const })) }
    const alone = { votes: [{ annotator: 'x', vote: 'chosen' as const }] }
    const scored = { scores: { rm: [1, 0] as const } }
    const driven = await drive(
      pairs(600, 0.9, i => [voted, alone, scored, {}][i % 4]),
      { action: 'drop' },
    )
    for (const [i, v] of driven.verdicts.entries()) {
      const explained = (v.add.style_p as number) > 0.8
      expect(v.reason).toBe(explained && (i % 4 === 1 || i % 4 === 3) ? 'style_explained' : null)
    }
    expect(driven.verdicts.filter(v => v.reason !== null).length).toBeGreaterThan(50)
  })

  it('asks reward models of an earlier step before it drops', async () => {
    const inputs = pairs(400, 0.9)
    const p_mean = {
      schema: { p_mean: 'f32' },
      rows: 800,
      columns: { p_mean: { values: new Float32Array(800).fill(0.9) } },
    } as unknown as Batch
    const asked = await drive(inputs, { action: 'drop' }, { upstream: p_mean })
    expect(asked.verdicts.every(v => v.outcome === 'stay')).toBe(true)
    expect((await drive(inputs, { action: 'drop' })).verdicts.some(v => v.outcome === 'drop')).toBe(true)
  })

  it('gives labels that votes contradict no more weight', async () => {
    const voted = pairs(1000, 0.85, i => ({
      votes: ['x', 'y'].map(annotator => ({ annotator, vote: unit(3, i, 0) < 0.95 ? ('chosen' as const) : ('rejected' as const) })),
    }))
    const [{ supported }] = factsOf(await drive(voted)).sources
    expect(supported!.pairs).toBe(1000)
    expect(supported!.after).toBeGreaterThanOrEqual(supported!.before)
  })

  it('tells how right the labels are that it keeps and that it takes away, with an interval', async () => {
    const scored = (i: number): PairInput => ({ scores: { rm: i % 4 === 0 ? [0, 1] : [1, 0] } })
    const one = factsOf(await drive(pairs(600, 0.9, scored), { action: 'drop' })).corpus.supported!
    expect(one).toMatchObject({ pairs: 600, before: 0.75, lost: 0 })
    expect(one.after).toBeGreaterThan(0.9)
    const [value, low, high] = one.difference!
    expect(value).toBeCloseTo(one.after, 3)
    expect([low < value, high > value]).toEqual([true, true])
    expect(factsOf(await drive(pairs(600, 0.9, scored), { action: 'flag' })).corpus.supported).toMatchObject({
      lost: null,
      difference: null,
    })
    expect(factsOf(await drive(pairs(600, 0.9))).corpus.supported).toBeUndefined()
  })

  it('adds features of both sides on request, ties included', async () => {
    const inputs = [
      { chosen: '# One two\n\n**three**', rejected: 'One.' },
      { chosen: 'a b', rejected: 'a', tie: true },
    ]
    const { adds, verdicts } = await drive(inputs, { action: 'flag', columns: ['words', 'headers'] })
    expect(Object.keys(adds.schema)).toEqual([
      'style_p',
      ...['words', 'headers'].flatMap(name => [`style_chosen_${name}`, `style_rejected_${name}`]),
    ])
    expect(verdicts.map(v => Object.values(v.add).slice(1))).toEqual([
      [3, 1, 1, 0],
      [2, 1, 0, 0],
    ])
  })

  it('leaves ties without a word', async () => {
    const { verdicts } = await drive(pairs(400, 0.9, i => ({ tie: i % 100 === 0 })))
    expect(verdicts[0].add).toEqual({ style_p: null, weight: null, weight_turned: null })
    expect(verdicts[1].add.style_p).not.toBeNull()
  })
})

describe('bad input', () => {
  const RESPONSES = { chosen: 'Because of the rain.', rejected: 'No.' }

  it('one pair, or no pair at all', async () => {
    const driven = await drive([RESPONSES])
    expect(driven.verdicts[0].add).toEqual({ style_p: 0.5, weight: 1, weight_turned: 1 })
    expect(factsOf(driven).corpus).toEqual({ pairs: 1, sampled: 1, warnings: ['too few labels to audit style: 1, at least 40'] })
    expect((await drive([])).verdicts).toEqual([])
  })

  it('a single prompt: its pairs are dealt to the folds, with a warning', async () => {
    const driven = await drive(pairs(500, 0.9, () => ({ prompt: 'Tell a joke.' })))
    const [{ before, after, betas, warnings }] = factsOf(driven).sources
    expect(warnings).toContain('the pairs are worth 1.0 prompts, too few for intervals (at least 20): none are given')
    expect([before.intervals, after.intervals, Object.values(betas).filter(of => of.length !== 1)]).toEqual([{}, {}, []])
    expect(warnings).toContain('prompts with too many pairs for one fold: 1; their pairs were dealt to folds one by one')
    expect(Math.abs(after.linear_auc - 0.5)).toBeLessThan(0.12)
  })

  it('labels that style separates: converges, with a warning', async () => {
    const driven = await drive(pairs(400, 1))
    const [{ betas, warnings }] = factsOf(driven).sources
    expect(warnings!.some(w => w.startsWith('style alone separates'))).toBe(true)
    expect(Object.values(betas).flat().every(Number.isFinite)).toBe(true)
    expect(driven.verdicts.every(v => Number.isFinite(v.add.weight) && (v.add.weight as number) > 0)).toBe(true)
  })

  it('texts without a word, and sides that do not differ', async () => {
    const silent = Array.from({ length: 100 }, (_, i) => ({ prompt: `p${i >> 1}`, chosen: '?!', rejected: '?!' }))
    const { verdicts } = await drive(silent)
    expect(verdicts.every(v => v.add.style_p === 0.5 && v.add.weight === 1)).toBe(true)
  })

  it('only ties: nothing is fitted, nothing is said', async () => {
    const driven = await drive(pairs(200, 0.9, () => ({ tie: true })))
    expect(driven.verdicts.every(v => v.add.style_p === null && v.add.weight === null && v.outcome === 'stay')).toBe(true)
    expect(factsOf(driven).corpus).toEqual({ pairs: 0, sampled: 0, warnings: ['no labels to audit style by'] })
  })

  it('features that never differ: coefficients of 0, and everything finite', async () => {
    const same = Array.from({ length: 200 }, (_, i) => ({
      prompt: `p${i}`,
      chosen: `Yes, ${'ab'[i % 2]}.`,
      rejected: `No, ${'cd'[i % 2]}.`,
    }))
    const driven = await drive(same)
    const { betas, after } = factsOf(driven).corpus
    expect([betas.words, betas.headers, betas.commas]).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ])
    const { intervals, ...figures } = after
    const all = [betas, intervals, figures].flatMap(of => Object.values(of).flat())
    expect(all.every(value => Number.isFinite(value))).toBe(true)
  })

  it('odds without end: weights are cut at e^6 : 1 and that is told', async () => {
    const driven = await drive(pairs(600, 1, i => ({ chosen: words(400, i), rejected: '# No\n\n**No!**' })))
    const weights = driven.verdicts.map(v => v.add.weight as number)
    expect(Math.max(...weights) / Math.min(...weights)).toBeLessThanOrEqual(Math.exp(6) * 1.01)
    expect(factsOf(driven).corpus.warnings!.some(w => w.startsWith('style alone separates'))).toBe(true)
    const fit = { of: 0, left: 0, held_out_auc: 0.5, clipped: 0.2 }
    expect(fitWarnings(fit, { sampled: 600 })).toEqual(['0.2 of the pairs have odds beyond what weights follow (e^6 : 1)'])
  })

  it('a source too small for a model of its own takes that of the corpus', async () => {
    const mixed = [...pairs(600, 0.9, () => ({ source: 'large' })), ...pairs(60, 0.9, i => ({ source: 'small', prompt: `s${i}` }))]
    const driven = await drive(mixed)
    const p = driven.verdicts.slice(600).map(v => v.add.style_p as number)
    expect(p.filter(x => x > 0.6).length).toBeGreaterThan(20)
  })
})

it('comes to the same bit for any cut into batches and any order of the exchange', async () => {
  const inputs = [...pairs(400, 0.85), ...pairs(50, 0.3, () => ({ source: 'b' }))]
  const bits = ({ verdicts, summary }: Driven) => ({ verdicts, facts: summary.facts })
  const whole = bits(await drive(inputs))
  for (const options of [{ batch_rows: 7 }, { batch_rows: 64, shuffle_seed: 5 }])
    expect(bits(await drive(inputs, {}, options))).toEqual(whole)
})

it('samples by pair_id what is more than enough', async () => {
  const [facts] = factsOf(await drive(pairs(600, 0.8), { sample: 300 })).sources
  expect(facts.sampled).toBeGreaterThan(240)
  expect(facts.sampled).toBeLessThan(360)
})
