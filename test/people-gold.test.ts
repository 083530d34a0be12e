/** Answers of people are gold: what reward models count for is fitted to them anew, through the real command line. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { unit } from '../pipeline/kernels/random.ts'
import type { Manifest } from '../pipeline/manifest.ts'
import { freshDir, goldpan, type Row, rowsOf } from './cli.ts'

const PAIRS = 240
const ANSWERED = 80
/** Three labels in ten are wrong. */
const isWrong = (i: number): boolean => unit(42, i, 0) < 0.3
const noise = (i: number, k: number): number => 2 * unit(42, i, k) - 1

/** `expert` sees the better side most of the time, `parrot` the label, whatever it says. */
const row = (i: number) => {
  const expert = (isWrong(i) ? -1 : 1) + 1.5 * noise(i, 1)
  return {
    id: `${i}`,
    prompt: `Question ${i}?`,
    chosen: `Answer ${i} of one kind.`,
    rejected: `Another ${i}, of a second kind.`,
    scores: { expert: [expert, 0], parrot: [1 + 0.5 * noise(i, 2), 0] },
  }
}

const dir = freshDir('people-gold')
const lines = (rows: readonly object[]): string => rows.map(one => `${JSON.stringify(one)}\n`).join('')
writeFileSync(join(dir, 'a.jsonl'), lines(Array.from({ length: PAIRS }, (_, i) => row(i))))
writeFileSync(
  join(dir, 'c.yaml'),
  `name: gold
sources: [{ path: a.jsonl }]
judgements: [answers.jsonl]
steps: [score: { builtin: [] }, disagreement: { gold: people, min_gold_pairs: 50, min_source_pairs: 50 }]
`,
)
const run = (out: string, store = 'store') => {
  const note = existsSync(join(dir, 'answers.jsonl')) ? '' : 'judgements: answers.jsonl: is not there yet, so it holds no answer\n'
  const folders = ['--out', join(dir, out), '--store', join(dir, store)]
  expect(goldpan(['run', join(dir, 'c.yaml'), ...folders, '--threads', '0', '--progress', 'none'])).toMatchObject({ code: 0, stderr: note })
}
const manifest = (out: string): Manifest => JSON.parse(readFileSync(join(dir, out, 'manifest.json'), 'utf8')) as Manifest
interface Facts {
  readonly calibrated_on: string
  readonly gold_pairs: number
  readonly stacked: readonly string[]
  readonly models: Record<string, { weight: number; accuracy: number; temperature: number | null; stack_weight?: number }>
}
const facts = (out: string): Facts => manifest(out).steps.find(step => step.stage === 'disagreement')!.summary as unknown as Facts
const ledger = (out: string): Promise<Row[]> => rowsOf(join(dir, out), `SELECT source_id, pair_id, p_mean FROM '{dir}/ledger/*.parquet'`)

/** Log odds that the labels nobody answered to are right: the mean over right ones less that over wrong ones. */
async function toldApart(out: string): Promise<number> {
  const unanswered = (await ledger(out)).filter(({ source_id }) => Number(source_id) >= ANSWERED)
  const mean = (wrong: boolean): number => {
    const odds = unanswered
      .filter(one => isWrong(Number(one.source_id)) === wrong)
      .map(({ p_mean }) => Math.log((p_mean as number) / (1 - (p_mean as number))))
    return odds.reduce((a, b) => a + b, 0) / odds.length
  }
  return mean(false) - mean(true)
}

describe('gold: people', () => {
  it('fits the models to the answers, and says how many they are', async () => {
    run('before')
    expect(facts('before')).toMatchObject({ gold_pairs: 0, stacked: [], calibrated_on: expect.stringContaining('no gold') })
    expect(facts('before').models.parrot.accuracy).toBe(1)

    const answers = (await ledger('before'))
      .filter(({ source_id }) => Number(source_id) < ANSWERED)
      .map(({ source_id, pair_id }) => ({
        id: `answer-${source_id}`,
        pair_id,
        annotator: 'ann',
        at: '2026-01-01T10:00:00Z',
        left: 'chosen',
        outcome: isWrong(Number(source_id)) ? 'right' : 'left',
        protocol: 'p1',
      }))
    writeFileSync(join(dir, 'answers.jsonl'), lines(answers))
    run('after')
    expect(manifest('after').judgements).toMatchObject({ answers: ANSWERED, pairs: ANSWERED })
    const { calibrated_on, gold_pairs, stacked, models } = facts('after')
    expect({ calibrated_on, gold_pairs, stacked }).toEqual({
      calibrated_on: `gold in a (${ANSWERED} pairs)`,
      gold_pairs: ANSWERED,
      stacked: ['a'],
    })
    const wrong = answers.filter(({ outcome }) => outcome === 'right').length
    expect(models.parrot.accuracy).toBeCloseTo(1 - wrong / ANSWERED, 4)
    expect(models.expert.accuracy).toBeGreaterThan(facts('before').models.expert.accuracy)
    expect(models.expert.temperature).not.toBe(facts('before').models.expert.temperature)
    expect(models.expert.stack_weight!).toBeGreaterThan(models.parrot.stack_weight!)
    expect(await toldApart('after')).toBeGreaterThan(2 * (await toldApart('before')))
  }, 60_000)

  it('gives the same bytes for the same log', () => {
    run('again', 'another-store')
    expect(readFileSync(join(dir, 'again/manifest.json')).equals(readFileSync(join(dir, 'after/manifest.json')))).toBe(true)
  }, 30_000)
})
