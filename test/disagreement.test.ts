import { describe, expect, it } from 'vitest'
import { type Batch, batchOf, type Columns, type Schema } from '../pipeline/batch.ts'
import { sigmoid } from '../pipeline/kernels/logistic.ts'
import { unit } from '../pipeline/kernels/random.ts'
import { disagreement } from '../stages/disagreement.ts'
import { driveStage, type PairInput } from './drive.ts'

type Margins = Readonly<Record<string, readonly (number | null)[]>>

function upstreamOf(margins: Margins): Batch {
  const rows = Object.values(margins)[0]?.length ?? 0
  const schema: Schema = Object.fromEntries(Object.keys(margins).map(model => [`margin_${model}`, 'f32' as const]))
  const columns = Object.entries(margins).map(([model, values]) => [
    `margin_${model}`,
    { values: Float32Array.from(values, m => m ?? 0), valid: Uint8Array.from(values, m => (m === null ? 0 : 1)) },
  ])
  return batchOf(schema, rows, Object.fromEntries(columns) as Columns<Schema>)
}

/** What else is said of the pairs, in their order. */
interface More {
  readonly sources?: readonly string[]
  readonly pairs?: readonly PairInput[]
  readonly files?: Readonly<Record<string, string>>
}

const driven = (margins: Margins, params: object, { sources, pairs, files }: More) => {
  const rows = Object.values(margins)[0]?.length ?? 0
  const input = Array.from({ length: rows }, (_, i): PairInput => ({ prompt: `${i}`, source: sources?.[i] ?? 'test', ...pairs?.[i] }))
  return driveStage(disagreement, params, input, { upstream: upstreamOf(margins), files })
}
const drive = (margins: Margins, params: object = {}, sources: readonly string[] = []) => driven(margins, params, { sources })

/** Margins of a model of this temperature whose labels are as probable as it says. */
const honest = (seed: number, rows: number, temperature: number): number[] =>
  Array.from({ length: rows }, (_, i) => {
    const size = 4 * unit(seed, i, 0)
    return temperature * (unit(seed, i, 1) < sigmoid(size) ? size : -size)
  })
const chance = (seed: number, rows: number): number[] => Array.from({ length: rows }, (_, i) => unit(seed, i, 0) - 0.5)
const of = (verdict: { add: Readonly<Record<string, unknown>> }, name: string): number => verdict.add[name] as number

describe('disagreement', () => {
  it('puts models of any unit on one scale', async () => {
    const margins = honest(1, 3000, 1)
    const { verdicts, summary } = await drive({ small: margins.map(m => m * 0.05), large: margins.map(m => m * 355) })
    for (const i of [0, 1, 2]) {
      expect(of(verdicts[i], 'p_small')).toBeCloseTo(sigmoid(margins[i]), 1)
      expect(of(verdicts[i], 'p_large')).toBeCloseTo(of(verdicts[i], 'p_small'), 4)
      expect(of(verdicts[i], 'disagreement')).toBeLessThan(1e-3)
      expect(of(verdicts[i], 'against')).toBe(margins[i] < 0 ? 2 : 0)
    }
    const { models } = summary.facts as unknown as { models: Record<string, Record<'before' | 'after', { ece: number; brier: number }>> }
    expect(models.large.after.ece).toBeLessThan(models.large.before.ece / 5)
    expect(models.large.after.brier).toBeLessThan(models.large.before.brier)
  })

  it('counts a better model more, and one that is no better than chance not at all', async () => {
    const good = honest(1, 2000, 1)
    const poor = good.map((m, i) => (unit(9, i, 0) < 0.7 ? m : -m))
    const { verdicts, summary } = await drive({ good, poor, noise: chance(4, 2000) })
    const { models } = summary.facts as unknown as { models: Record<string, { weight: number; temperature: number | null }> }
    expect(models.good.weight).toBeGreaterThan(1.5 * models.poor.weight)
    expect(models.noise).toMatchObject({ weight: 0, temperature: null })
    for (const [i, verdict] of verdicts.slice(0, 50).entries()) {
      expect(of(verdict, 'p_noise')).toBe(0.5)
      const [w, v] = [models.good.weight, models.poor.weight]
      const [p, q] = [of(verdict, 'p_good'), of(verdict, 'p_poor')]
      const mean = (w * p + v * q) / (w + v)
      expect(of(verdict, 'p_mean')).toBeCloseTo(mean, 4)
      expect(of(verdict, 'disagreement')).toBeCloseTo(Math.sqrt((w * (p - mean) ** 2 + v * (q - mean) ** 2) / (w + v)), 4)
      expect(of(verdict, 'against')).toBe((good[i] < 0 ? 1 : 0) + (poor[i] < 0 ? 1 : 0))
    }
  })

  it('counts all useful models alike on request', async () => {
    const good = honest(1, 2000, 1)
    const poor = good.map((m, i) => (unit(9, i, 0) < 0.7 ? m : -m))
    const { verdicts } = await drive({ good, poor, noise: chance(4, 2000) }, { weights: 'equal' })
    expect(of(verdicts[0], 'p_mean')).toBeCloseTo((of(verdicts[0], 'p_good') + of(verdicts[0], 'p_poor')) / 2, 5)
  })

  it('knows that a model may be good for one source and useless for another', async () => {
    const margins = [...honest(1, 1000, 1), ...chance(2, 1000)]
    const sources = margins.map((_, i) => (i < 1000 ? 'known' : 'strange'))
    const { verdicts, summary } = await drive({ rm: margins }, {}, sources)
    expect(of(verdicts[0], 'p_mean')).toBeCloseTo(sigmoid(margins[0]), 1)
    expect(verdicts[1500].add).toEqual({ p_rm: 0.5, p_mean: null, disagreement: null, against: null, vote_entropy: null })
    const { models } = summary.facts as unknown as { models: { rm: { by_source: Record<string, { temperature: number | null }> } } }
    expect(Object.keys(models.rm.by_source)).toEqual(['known', 'strange'])
    expect(models.rm.by_source.strange.temperature).toBeNull()
    const shared = await drive({ rm: margins }, { min_source_pairs: 2000 }, sources)
    expect(of(shared.verdicts[1500], 'p_mean')).not.toBeNull()
  })

  it('has nulls where no model scored, and for one model no spread', async () => {
    const margins: (number | null)[] = [...honest(1, 500, 1)]
    margins[3] = null
    margins[4] = Number.NaN
    const { verdicts } = await drive({ rm: margins })
    for (const i of [3, 4])
      expect(verdicts[i].add).toEqual({ p_rm: null, p_mean: null, disagreement: null, against: null, vote_entropy: null })
    expect(of(verdicts[0], 'disagreement')).toBeCloseTo(0, 6)
    expect(of(verdicts[0], 'p_mean')).toBe(of(verdicts[0], 'p_rm'))
  })

  it('says nothing where all models are useless, and where there are none', async () => {
    expect((await drive({ a: chance(1, 300), b: honest(2, 300, 1).map(m => -m) })).verdicts[0].add).toEqual({
      p_a: 0.5,
      p_b: 0.5,
      p_mean: null,
      disagreement: null,
      against: null,
      vote_entropy: null,
    })
    const none = await driveStage(disagreement, {}, [{}, {}])
    expect(none.verdicts[0].add).toEqual({ p_mean: null, disagreement: null, against: null, vote_entropy: null })
    expect((await drive({ a: [] })).verdicts).toEqual([])
  })

  it('fits on a sample where there are many pairs', async () => {
    const { summary } = await drive({ rm: honest(1, 2000, 1) }, { max_calibration_pairs: 500 })
    const { pairs } = summary.facts as { pairs: number }
    expect(pairs).toBeGreaterThan(400)
    expect(pairs).toBeLessThan(600)
  })
})

/** A label in ten is turned: `margins` are those of the labels, `votes` know the truth. */
function turned(truth: readonly number[], salt: number): { margins: number[]; isTurned: boolean[] } {
  const isTurned = truth.map((_, i) => unit(salt, i, 5) < 0.1)
  return { margins: truth.map((m, i) => (isTurned[i] ? -m : m)), isTurned }
}
const voted = (isRight: boolean): PairInput => ({
  votes: ['x', 'y'].map(annotator => ({ annotator, vote: isRight ? 'chosen' : 'rejected' })),
})

describe('disagreement with gold', () => {
  const truth = honest(1, 1500, 1)
  const { margins, isTurned } = turned(truth, 3)
  const gold = isTurned.map(turn => voted(!turn))
  const facts = (summary: { facts?: unknown }) =>
    summary.facts as {
      calibrated_on: string
      gold_pairs: number
      stacked: string[]
      p_mean: { auc: number; ece: number }
      models: Record<string, { temperature: number; accuracy: number; bins: { p: number; n: number; right: number }[] }>
    }

  it('calibrates on what people said, not on the labels, and says so', async () => {
    const onGold = facts((await driven({ rm: margins }, {}, { pairs: gold })).summary)
    expect(onGold).toMatchObject({ calibrated_on: 'gold in test (1,500 pairs)', gold_pairs: 1500 })
    expect(onGold.models.rm.temperature).toBeCloseTo(1, 1)
    const onLabels = facts((await driven({ rm: margins }, { gold: 'ignore' }, { pairs: gold })).summary)
    expect(onLabels.calibrated_on).toContain('no gold')
    expect(onLabels.models.rm.temperature).toBeGreaterThan(1.2)
    const few = facts((await driven({ rm: margins }, { min_gold_pairs: 2000 }, { pairs: gold })).summary)
    expect([few.calibrated_on, few.models.rm.temperature]).toEqual([
      expect.stringContaining('1,500 of them corrected or confirmed by gold'),
      onGold.models.rm.temperature,
    ])
  })

  it('hears the judgement log before votes, and passes over ties', async () => {
    const pairs = gold.map((pair, i) => (i % 2 === 0 ? { ...pair, tie: true } : pair))
    expect(facts((await driven({ rm: margins }, {}, { pairs })).summary).gold_pairs).toBe(750)
  })

  it('tells how sure a model was and how often it was right', async () => {
    const { bins } = facts((await driven({ rm: margins }, {}, { pairs: gold })).summary).models.rm
    expect(bins.reduce((n, bin) => n + bin.n, 0)).toBe(1500)
    for (const { p, n, right } of bins) if (n > 100) expect(Math.abs(right / n - p)).toBeLessThan(0.1)
  })

  it('stacks models of which one only repeats another, and finds more turned labels than by weights', async () => {
    const other = honest(7, 1500, 1)
    const labelled = (of: readonly number[], scale: number): number[] => of.map((m, i) => (isTurned[i] ? -m : m) * scale)
    const models = { a: labelled(truth, 1), again: labelled(truth, 2), thrice: labelled(truth, 5), other: labelled(other, 1) }
    const stack = facts((await driven(models, {}, { pairs: gold })).summary)
    const weighed = facts((await driven(models, { weights: 'auc' }, { pairs: gold })).summary)
    expect([stack.stacked, weighed.stacked]).toEqual([['test'], []])
    expect(stack.p_mean.auc).toBeGreaterThan(weighed.p_mean.auc)
    expect(stack.p_mean.ece).toBeLessThan(0.06)
    expect(facts((await driven(models, { weights: 'stack', gold: 'ignore' }, {})).summary).stacked).toEqual(['test'])
  })

  it('fits a curve instead of a temperature on request', async () => {
    // A model that is as good at 1 as at 100: no temperature fits.
    const odd = truth.map((m, i) => Math.sign(m) * (unit(6, i, 0) < 0.5 ? 1 : 100))
    const brier = async (calibration: string): Promise<number> =>
      ((await driven({ rm: odd }, { calibration, gold: 'ignore' }, {})).summary.facts as { models: { rm: { after: { brier: number } } } })
        .models.rm.after.brier
    expect(await brier('isotonic')).toBeLessThan((await brier('temperature')) - 0.01)
  })

  it('takes temperatures and weights from an audit, and names models that it lacks', async () => {
    const audit = JSON.stringify({
      problems: 9,
      models: [
        { model: 'My RM', excess: 0.2, temperature: 4 },
        { model: 'b', excess: 0.1, temperature: 2 },
      ],
    })
    const { verdicts, summary } = await driven(
      { my_rm: truth, b: truth, c: truth },
      { audit: 'audit.json' },
      { files: { 'audit.json': audit } },
    )
    const [p, q] = [sigmoid(truth[0] / 4), sigmoid(truth[0] / 2)]
    expect(of(verdicts[0], 'p_my_rm')).toBeCloseTo(p, 5)
    expect(of(verdicts[0], 'p_mean')).toBeCloseTo((2 * p + q) / 3, 5)
    expect(summary.facts).toMatchObject({ audit: { problems: 9, not_audited: ['c'] }, calibrated_on: expect.stringMatching(/^an audit/) })
    await expect(driven({ x: truth }, { audit: 'audit.json' }, { files: { 'audit.json': audit } })).rejects.toThrow(
      'audit.json: names none of the models of this build (x); it has my_rm, b',
    )
    await expect(driven({ x: truth }, { audit: 'audit.json' }, { files: { 'audit.json': '{}' } })).rejects.toThrow(
      'audit.json: problems: expected what',
    )
  })

  it('tells where the model of gold and the best one prefer different sides', async () => {
    const { verdicts, summary } = await driven({ g: margins, best: truth, worse: chance(3, 1500) }, { gold_model: 'g' }, {})
    expect(summary.facts).toMatchObject({ gold_model: 'g', best_model: 'best' })
    expect(verdicts.slice(0, 40).map(v => v.add.gold_against_best)).toEqual(isTurned.slice(0, 40).map(Number))
    await expect(driven({ g: margins }, { gold_model: 'h' }, {})).rejects.toThrow('gold_model: no model "h"; did you mean "g"? (known: g)')
  })

  it('counts votes in bits', async () => {
    const { verdicts } = await driven({ a: truth, b: margins }, {}, {})
    for (const [i, verdict] of verdicts.slice(0, 40).entries()) expect(of(verdict, 'vote_entropy')).toBe(isTurned[i] ? 1 : 0)
  })
})
