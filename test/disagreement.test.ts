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

const drive = (margins: Margins, params: object = {}, sources: readonly string[] = []) => {
  const rows = Object.values(margins)[0]?.length ?? 0
  const pairs = Array.from({ length: rows }, (_, i): PairInput => ({ prompt: `${i}`, source: sources[i] ?? 'test' }))
  return driveStage(disagreement, params, pairs, { upstream: upstreamOf(margins) })
}

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
    expect(verdicts[1500].add).toEqual({ p_rm: 0.5, p_mean: null, disagreement: null, against: null })
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
    for (const i of [3, 4]) expect(verdicts[i].add).toEqual({ p_rm: null, p_mean: null, disagreement: null, against: null })
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
    })
    const none = await driveStage(disagreement, {}, [{}, {}])
    expect(none.verdicts[0].add).toEqual({ p_mean: null, disagreement: null, against: null })
    expect((await drive({ a: [] })).verdicts).toEqual([])
  })

  it('fits on a sample where there are many pairs', async () => {
    const { summary } = await drive({ rm: honest(1, 2000, 1) }, { max_calibration_pairs: 500 })
    const { pairs } = summary.facts as { pairs: number }
    expect(pairs).toBeGreaterThan(400)
    expect(pairs).toBeLessThan(600)
  })
})
