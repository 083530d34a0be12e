/** What people's answers come to where they are odd, through the built command line. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Answer } from '../pipeline/judgement.ts'
import type { People } from '../pipeline/judgements/people.ts'
import { freshDir, goldpan, rowsOf } from './cli.ts'

const dir = freshDir('people-bad-input')
const out = join(dir, 'out')
const PAIRS = 12
const LOG = join(dir, 'log.jsonl')
let ids: string[]

beforeAll(async () => {
  const rows = Array.from({ length: PAIRS }, (_, i) => ({
    source: i < PAIRS - 1 ? 'most' : 'lone',
    prompt: `Question ${i}: what of ${i * 7}?`,
    chosen: `A good answer ${i}.`,
    rejected: `Something else, ${i}.`,
  }))
  writeFileSync(join(dir, 'a.jsonl'), rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  writeFileSync(
    join(dir, 'c.yaml'),
    'name: odd\nsources: [{ path: a.jsonl }]\nsteps: [structure, verification-sample: { budget: 500, audit_share: 1 }]\n',
  )
  expect(goldpan(['run', join(dir, 'c.yaml'), '--out', out, '--store', join(dir, 'store'), '--threads', '1']).code).toBe(0)
  ids = (await rowsOf(out, `select pair_id from '{dir}/review/*.parquet' order by pair_id`)).map(row => String(row.pair_id))
})

let made = 0
const answer = (pair: number, annotator: string, outcome: Answer['outcome'], of: Partial<Answer> = {}): object => ({
  id: `answer-${made++}`,
  pair_id: ids[pair],
  annotator,
  at: '2026-01-01T10:00:00Z',
  left: 'chosen',
  outcome,
  protocol: 'one',
  ...of,
})
const byAll = (said: (pair: number, annotator: string) => Answer['outcome']): object[] =>
  ids.flatMap((_, pair) => ['ann', 'bob', 'cyd'].map(name => answer(pair, name, said(pair, name))))

function statusOf(lines: readonly object[]): People {
  writeFileSync(LOG, lines.map(line => `${JSON.stringify(line)}\n`).join(''))
  const { code, stdout, stderr } = goldpan(['review', 'status', out, '--log', LOG, '--json'])
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout) as People
}

describe('a budget larger than the corpus, and a stratum of one pair', () => {
  it('draw every pair for sure, and say what one pair tells', async () => {
    const drawn = await rowsOf(out, `select draw, inclusion_probability, stratum from '{dir}/review/*.parquet'`)
    expect(drawn.map(row => [row.draw, row.inclusion_probability])).toEqual(ids.map(() => ['audit', 1]))
    expect(drawn.filter(row => row.stratum === 'lone')).toHaveLength(1)
    const { labels, labels_by_stratum } = statusOf(ids.map((_, pair) => answer(pair, 'ann', 'left'))).estimates
    expect(labels).toMatchObject({ n: PAIRS, pairs: PAIRS, share: 1 })
    expect(labels_by_stratum.lone).toMatchObject({ n: 1, share: 1, high: 1 })
    expect(labels_by_stratum.lone.low).toBeLessThan(labels_by_stratum.most.low)
  })
})

describe('a log', () => {
  it('with pairs that the build does not have counts the others', () => {
    const lines = [answer(0, 'ann', 'left'), answer(0, 'ann', 'left', { pair_id: 'f'.repeat(32) })]
    expect(statusOf(lines).pairs).toMatchObject({ asked: PAIRS, settled: 1, unknown: 1 })
    expect(goldpan(['review', 'status', out, '--log', LOG]).stdout).toContain('1 judged pair is not in this build\n')
  })

  it('in which somebody answers twice, clocks jump and protocols mix has the last answer, and is told', () => {
    const lines = [
      answer(0, 'ann', 'left', { id: 'first-answer' }),
      answer(0, 'ann', 'right', { replaces: 'first-answer', at: '2020-01-01T10:00:00Z' }),
      answer(1, 'ann', 'left', { at: '2040-01-01T10:00:00Z', protocol: 'two' }),
    ]
    const { answers, pairs, estimates, notes } = statusOf(lines)
    expect([answers, pairs.settled, estimates.labels!.share]).toEqual([2, 2, 0.5])
    expect(notes).toEqual([
      expect.stringContaining('log.jsonl: the clock ran back once between answers of ann'),
      expect.stringMatching(/^answers under 2 protocols are mixed: one \(2\), two \(1\)/),
    ])
  })

  it('in which all say the same, or no two do, has figures that are numbers', () => {
    const same = statusOf(byAll(() => 'left'))
    expect(same.agreement).toMatchObject({ percent: { value: 1 }, alpha_nominal: { value: 1 }, fleiss: { value: 1 } })
    for (const { accuracy, e_value } of same.annotators) {
      expect(accuracy).toBeGreaterThan(0.95)
      expect(e_value).toBeLessThan(1)
    }
    const none = statusOf(byAll((pair, name) => (['left', 'right', 'tie'] as const)[(pair + 'abc'.indexOf(name[0])) % 3]))
    expect(none.pairs).toMatchObject({ settled: 0, differing: PAIRS })
    expect(none.agreement!.percent.value).toBe(0)
    expect(none.agreement!.alpha_nominal.value).toBeLessThan(0)
    expect(none.estimates).toMatchObject({ audited: 0, decisions: {} })
    for (const { accuracy, with_others } of none.annotators) {
      expect(accuracy).toBeLessThan(0.5)
      expect(with_others).toBeNull()
    }
  })
})
