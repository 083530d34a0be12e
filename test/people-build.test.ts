/** People's answers flow back into a build, with nothing above `decide` done again. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { build as made } from '../pipeline/index.ts'
import type { Choice } from '../pipeline/judgement.ts'
import type { Manifest } from '../pipeline/manifest.ts'
import { freshDir, goldpan, type Row, rowsOf } from './cli.ts'

/** Pairs by name: two recorded models doubt the labels of `doubted`; `twin` is `conflict` labelled the other way. */
const ROWS = [
  ...Array.from({ length: 60 }, (_, i) => ({ id: `sure${i}`, prompt: `Question ${i}?`, chosen: `Yes ${i} is so.`, rejected: `No ${i}.` })),
  ...['a', 'b', 'c', 'd', 'e'].map(n => ({
    id: `doubted-${n}`,
    prompt: `Is ${n} a letter?`,
    chosen: `Perhaps ${n} not.`,
    rejected: `Yes, ${n} is.`,
  })),
  { id: 'conflict', prompt: 'Which?', chosen: 'This one here.', rejected: 'That one there.' },
  { id: 'twin', prompt: 'Which?', chosen: 'That one there.', rejected: 'This one here.' },
].map(row => ({ ...row, scores: row.id.startsWith('doubted') ? { m: [0, 3] } : { m: [3, 0] } }))

const dir = freshDir('people')
writeFileSync(join(dir, 'a.jsonl'), `${ROWS.map(row => JSON.stringify(row)).join('\n')}\n`)
writeFileSync(
  join(dir, 'c.yaml'),
  [
    'name: people',
    'sources: [{ path: a.jsonl, label_kind: human }]',
    'judgements: [answers.jsonl]',
    'steps: [structure, exact-dedup, score: { builtin: [] }, disagreement, verification-sample: { budget: 10, strata: [source] }, decide]',
    '',
  ].join('\n'),
)
const out = join(dir, 'out')
const store = join(dir, 'store')
const run = () => goldpan(['run', join(dir, 'c.yaml'), '--out', out, '--store', store, '--threads', '0', '--progress', 'none'])
/** The same in this process: how many pairs wait for people. */
async function build(to = out, options: { store?: string; set?: string[] } = {}): Promise<number> {
  const { totals } = await made(join(dir, 'c.yaml'), { out: to, store, threads: 0, ...options })
  return totals.review
}
const manifest = (of = out): Manifest => JSON.parse(readFileSync(join(of, 'manifest.json'), 'utf8')) as Manifest
const ledger = (): Promise<Row[]> => rowsOf(out, `SELECT source_id, pair_id, outcome, step, reason, human FROM '{dir}/ledger/*.parquet'`)
const done = (): Record<string, number> => {
  const { phases } = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')) as { phases: { phase: string; tasks: number }[] }
  return Object.fromEntries(phases.map(({ phase, tasks }) => [phase, tasks]))
}

async function answer(said: Readonly<Record<string, Choice>>, annotator = 'ann'): Promise<string> {
  const ids = new Map((await ledger()).map(row => [row.source_id, row.pair_id]))
  return Object.entries(said)
    .map(([id, outcome]) =>
      JSON.stringify({
        id: `${annotator}-${id}-${outcome}`,
        pair_id: ids.get(id) ?? id,
        annotator,
        at: '2026-01-01T10:00:00Z',
        left: 'chosen',
        outcome,
        protocol: 'p1',
      }),
    )
    .map(line => `${line}\n`)
    .join('')
}

describe('a build with people', () => {
  it('waits, and goes on with their answers', async () => {
    expect(run()).toMatchObject({ code: 3, stderr: expect.stringContaining(`To judge them: goldpan review ${out}`) })
    expect(manifest().totals.review).toBe(7)
    expect(manifest().judgements).toMatchObject({ answers: 0, pairs: 0 })
    const keys = manifest().steps.map(step => step.key)

    const said = {
      'doubted-a': 'left',
      'doubted-b': 'right',
      'doubted-c': 'tie',
      'doubted-d': 'both_bad',
      conflict: 'left',
      sure3: 'right',
    } as const
    writeFileSync(join(dir, 'answers.jsonl'), (await answer(said)) + (await answer({ ['f'.repeat(32)]: 'left' })))
    const second = run()
    expect([second.code, second.stderr]).toEqual([3, expect.stringContaining('1 of 7 judged pairs are in no input')])
    const rows = Object.fromEntries((await ledger()).map(row => [row.source_id, [row.outcome, row.step, row.reason]]))
    expect(rows).toMatchObject({
      'doubted-a': ['keep', null, null],
      'doubted-b': ['flip', 'decide', 'people_against'],
      'doubted-c': ['drop', 'decide', 'people_tie'],
      'doubted-d': ['drop', 'decide', 'people_both_bad'],
      'doubted-e': ['review', 'decide', 'escalated'],
      conflict: ['keep', null, null],
      twin: ['drop', 'decide', 'people_against'],
      sure3: ['flip', 'decide', 'people_against'],
      sure4: ['keep', null, null],
    })
    expect(manifest().steps.at(-1)).toMatchObject({ recalled: { 'exact-dedup: label_conflict': 2 } })
    const above = manifest().steps.map((step, i) => step.key === keys[i])
    expect(above).toEqual([true, true, true, true, true, false])
    const { ingest, measure, settle, decide = 0 } = done()
    expect([ingest, measure, settle, decide]).toEqual([0, 0, 0, 1])
    const again = Object.entries(done()).filter(([phase, n]) => n > 0 && /reduce|combine|observe/.test(phase))
    expect(again.map(([phase]) => phase).filter(phase => !phase.includes('decide'))).toEqual([])

    const human = (await ledger()).find(row => row.source_id === 'doubted-b')!.human
    expect(human).toEqual({ outcome: 'rejected', n: 1, agreement: 1 })
  })

  it('gives the same bytes for the same log, also where an answer stands there twice or in another file', async () => {
    const before = readFileSync(join(out, 'manifest.json'), 'utf8')
    expect(await build(join(dir, 'again'), { store: join(dir, 'other-store') })).toBeGreaterThan(0)
    expect(readFileSync(join(dir, 'again/manifest.json'), 'utf8')).toBe(before)
    const lines = readFileSync(join(dir, 'answers.jsonl'), 'utf8')
    writeFileSync(join(dir, 'more.jsonl'), lines)
    expect(await build(join(dir, 'again'), { set: ['judgements=[more.jsonl, answers.jsonl]'] })).toBeGreaterThan(0)
    expect(manifest(join(dir, 'again')).steps.map(step => step.key)).toEqual(manifest().steps.map(step => step.key))
    expect(manifest(join(dir, 'again')).outputs).toEqual(manifest().outputs)
  })

  it('lets models decide where people differ or are ignored, and ends when all is answered', async () => {
    writeFileSync(
      join(dir, 'answers.jsonl'),
      (await answer({ 'doubted-e': 'left', sure3: 'right' })) + (await answer({ 'doubted-e': 'right', sure3: 'left' }, 'bob')),
    )
    expect(await build()).toBeGreaterThan(0)
    const outcomes = async () => Object.fromEntries((await ledger()).map(row => [row.source_id, row.outcome]))
    expect(await outcomes()).toMatchObject({ 'doubted-e': 'review', sure3: 'keep' })
    const all = {
      'doubted-a': 'left',
      'doubted-b': 'left',
      'doubted-c': 'left',
      'doubted-d': 'left',
      'doubted-e': 'cannot_tell',
      twin: 'left',
    } as const
    writeFileSync(join(dir, 'answers.jsonl'), await answer(all))
    expect(run().code).toBe(0)
    expect(await outcomes()).toMatchObject({ 'doubted-e': 'drop', twin: 'keep', conflict: 'drop' })
    expect(goldpan(['verify', out]).code).toBe(0)
    expect(await build(out, { set: ['steps.decide.people=ignore'] })).toBeGreaterThan(0)
    expect(manifest().totals.review).toBe(7)
  })

  it('tells what people said: in run.json, in the report, and as status', async () => {
    const lines =
      (await answer({ sure1: 'left', sure2: 'right', 'doubted-a': 'right', 'doubted-b': 'left' })) +
      (await answer({ sure1: 'left', sure2: 'left' }, 'bob'))
    writeFileSync(join(dir, 'answers.jsonl'), lines)
    expect(run().code).toBe(3)
    const { people } = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')) as { people: { answers: number; pairs: object } }
    expect(people).toMatchObject({ answers: 6, pairs: { differing: 1, unknown: 0 }, agreement: { pairs: 2, percent: { value: 0.5 } } })
    expect(goldpan(['report', out]).stdout).toContain('people: 6 answers in ')
    const status = JSON.parse(goldpan(['review', 'status', out, '--json']).stdout) as { annotators: object[]; log: string }
    expect(status.log).toBe(join(dir, 'answers.jsonl'))
    expect(status.annotators).toMatchObject([
      { annotator: 'ann', answers: 4 },
      { annotator: 'bob', answers: 2 },
    ])
  })
})
