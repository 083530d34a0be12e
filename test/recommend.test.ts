/** Thresholds of `decide` by what people answered, against a corpus of which it is known where models are right. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { build } from '../pipeline/index.ts'
import type { Recommendation } from '../pipeline/recommend.ts'
import { freshDir, goldpan, rowsOf } from './cli.ts'

/** Margins of both models: `strong` labels are all wrong, of `mild` ones a quarter, of `sure` ones none. */
const KINDS = { strong: { n: 40, margin: -4 }, mild: { n: 40, margin: -1 }, sure: { n: 300, margin: 3 } }
const isWrong = (kind: string, i: number): boolean => kind === 'strong' || (kind === 'mild' && i % 4 === 0)

const dir = freshDir('recommend')
const out = join(dir, 'out')
const log = join(dir, 'answers.jsonl')

beforeAll(async () => {
  const rows = Object.entries(KINDS).flatMap(([kind, { n, margin }]) =>
    Array.from({ length: n }, (_, i) => ({
      id: `${kind}-${i}`,
      prompt: `Question ${kind} ${i}?`,
      chosen: `Answer ${i} of ${kind}.`,
      rejected: `Nothing known of ${i}.`,
      scores: { a: [margin, 0], b: [margin * 0.9, 0] },
    })),
  )
  writeFileSync(join(dir, 'a.jsonl'), `${rows.map(row => JSON.stringify(row)).join('\n')}\n`)
  writeFileSync(
    join(dir, 'c.yaml'),
    'name: r\nsources: [{ path: a.jsonl }]\nsteps: [score: { builtin: [] }, disagreement, verification-sample: { budget: 380, audit_share: 1 }, decide: { flip_below: 0 }]\noutput: { publish_without_review: true }\n',
  )
  await build(join(dir, 'c.yaml'), { out, store: join(dir, 'store'), threads: 0 })
})

async function answerAll(): Promise<void> {
  const ids = await rowsOf(out, `SELECT source_id, pair_id FROM '{dir}/ledger/*.parquet'`)
  const lines = ids.map(({ source_id, pair_id }) => {
    const [kind, i] = String(source_id).split('-')
    const outcome = isWrong(kind, Number(i)) ? 'right' : 'left'
    return JSON.stringify({
      id: `answer-${source_id}`,
      pair_id,
      annotator: 'ann',
      at: '2026-01-01T10:00:00Z',
      left: 'chosen',
      outcome,
      protocol: 'p1',
    })
  })
  writeFileSync(log, `${lines.join('\n')}\n`)
}

describe('goldpan recommend', () => {
  it('says what to do where nobody answered', () => {
    expect(goldpan(['recommend', out, '--log', log]).stdout).toContain(`was answered by people yet: goldpan review ${out}`)
  })

  it('turns the labels that are surely wrong and asks about those that may be', async () => {
    await answerAll()
    const { code, stdout, stderr } = goldpan(['recommend', out, '--log', log, '--precision', '0.9', '--json'])
    expect([code, stderr]).toEqual([0, ''])
    const { answers, flips, kept, flip_below, review_below } = JSON.parse(stdout) as Recommendation
    expect(answers).toBe(380)
    const at = (below: number | null) => flips.find(one => one.below === below)
    expect(at(flip_below.surely)).toMatchObject({ pairs: 40, n: 40, right: 40 })
    expect(flips.at(-1)).toMatchObject({ pairs: 80, n: 80, right: 50 })
    expect(kept.find(({ below }) => below === review_below.surely)!.share).toBeGreaterThanOrEqual(0.9)
    expect(kept.at(-1)).toMatchObject({ n: 300, share: 1 })
    expect(goldpan(['recommend', out, '--log', log, '--precision', '0.9']).stdout).toContain(`decide: { flip_below: ${flip_below.surely} }`)
  })

  it('is followed by a build that tells how often its decisions are wrong', () => {
    const set = ['--set', `judgements=[${log}]`, '--set', 'steps.decide.flip_below=0.2']
    const { stdout } = goldpan([
      'run',
      join(dir, 'c.yaml'),
      '--out',
      join(dir, 'after'),
      '--store',
      join(dir, 'store'),
      '--threads',
      '0',
      ...set,
    ])
    expect(stdout).toMatch(/decide: keep +340 +2\.9 +1\.6 to 5\.3\ndecide: flip +40 +0\.0 +0\.0 to 8\.8/)
  })

  it('does not claim what few answers cannot show', () => {
    const { flip_below } = JSON.parse(goldpan(['recommend', out, '--log', log, '--precision', '0.99', '--json']).stdout) as Recommendation
    expect(flip_below.surely).toBeNull()
    expect(flip_below.estimate).not.toBeNull()
    expect(goldpan(['recommend', out, '--precision', '2']).stderr).toContain('expected a share above 0 and below 1')
  })
})
