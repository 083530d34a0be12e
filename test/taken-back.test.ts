/** Pairs that people take back from review: they pass what they have missed, are told apart from their twins, and lie in the split of their prompt. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { build } from '../pipeline/index.ts'
import { freshDir, goldpan, type Row, rowsOf } from './cli.ts'

const dir = freshDir('taken-back')
const ITEM = 'A gardener plants tulips in rows of nine and has four left over; how many tulips does he have at least in all of his rows?'
const words = (start: string, count: number): string => Array.from({ length: count }, (_, i) => `${start}${i}`).join(' ')
/** Two labels of one pair in conflict, `more` pairs of the same prompt, and one of a near prompt. */
const couple = (name: string, prompt: string, more = 1) => [
  { id: `${name}-A`, prompt, chosen: words(`${name}c`, 30), rejected: words(`${name}r`, 30) },
  { id: `${name}-B`, prompt, chosen: words(`${name}r`, 30), rejected: words(`${name}c`, 30) },
  ...Array.from({ length: more }, (_, i) => ({
    id: `${name}-${i}`,
    prompt,
    chosen: words(`${name}${i}x`, 30),
    rejected: words(`${name}${i}y`, 30),
  })),
  { id: `${name}-near`, prompt: `${prompt} now`, chosen: words(`${name}v`, 30), rejected: words(`${name}w`, 30) },
]

/** The ledger of a build, by source_id. */
async function ledgerOf(name: string): Promise<Record<string, Row>> {
  const rows = await rowsOf(join(dir, name), "SELECT * FROM '{dir}/ledger/*.parquet'")
  return Object.fromEntries(rows.map(row => [row.source_id as string, row]))
}

/** Builds once before anybody has answered, then with the answers by source_id; gives the ledger of the second. */
async function answered(name: string, pairs: readonly object[], steps: string, said: Readonly<Record<string, 'left' | 'right' | 'tie'>>) {
  const file = (extension: string) => `${name}.${extension}`
  writeFileSync(join(dir, file('jsonl')), pairs.map(pair => `${JSON.stringify({ label_kind: 'human', ...pair })}\n`).join(''))
  writeFileSync(join(dir, 'items.jsonl'), `${JSON.stringify({ benchmark: 'tulips', id: '1', text: ITEM })}\n`)
  writeFileSync(
    join(dir, file('yaml')),
    `name: ${name}\nsources: [{ path: ${file('jsonl')} }]\nbenchmarks: [items.jsonl]\njudgements: [${file('log')}]\nsteps: [${steps}]\noutput: { splits: { validation: 0.3 }, publish_without_review: true }\n`,
  )
  writeFileSync(join(dir, file('log')), '')
  const run = (out: string) => build(join(dir, file('yaml')), { out: join(dir, out), store: join(dir, `${name}-store`), threads: 0 })
  await run(`${name}-before`)
  const before = await ledgerOf(`${name}-before`)
  const lines = Object.entries(said).map(([id, outcome], i) => ({
    id: `${name}-answer-${i}`,
    pair_id: before[id].pair_id,
    annotator: 'ann',
    at: '2026-01-01T00:00:00Z',
    left: 'chosen',
    outcome,
    protocol: 'p1',
  }))
  writeFileSync(join(dir, file('log')), lines.map(line => `${JSON.stringify(line)}\n`).join(''))
  await run(name)
  expect(goldpan(['verify', join(dir, name)])).toMatchObject({ code: 0 })
  return { before, after: await ledgerOf(name) }
}

const outcomes = (rows: Record<string, Row>, ...ids: string[]) => ids.map(id => rows[id].reason ?? rows[id].outcome)

const DEFAULT = 'structure, exact-dedup, near-dup, decontaminate, score, disagreement, verification-sample: { budget: 2 }, decide'

describe('a pair that people take back from review', () => {
  it('leaves where it holds a benchmark item, answered or not', async () => {
    const pairs = [...couple('clean', words('p', 20)), ...couple('dirty', ITEM)]
    const { before, after } = await answered('tulips', pairs, DEFAULT, { 'clean-A': 'left', 'dirty-A': 'left' })
    expect(outcomes(before, 'clean-A', 'clean-B', 'dirty-A', 'dirty-B', 'dirty-0')).toEqual([
      'label_conflict',
      'label_conflict',
      'contaminated',
      'contaminated',
      'contaminated',
    ])
    expect(outcomes(after, 'clean-A', 'clean-B', 'dirty-A', 'dirty-B')).toEqual(['keep', 'people_against', 'contaminated', 'contaminated'])
    expect(after['dirty-A'].contamination).toHaveLength(1)
    const { stdout } = goldpan(['diff', join(dir, 'tulips-before'), join(dir, 'tulips')])
    expect(stdout).toContain('judgement log')
    expect(stdout).not.toContain('no change that is known')
    const story = (id: string) => goldpan(['explain', join(dir, 'tulips'), `tulips:${id}`]).stdout
    expect(story('clean-A')).toMatch(/exact-dedup +sent to review\n +near-dup +waited in review\n.*decide +taken back by people\n/s)
    expect(story('clean-B')).toMatch(/verification-sample +waited in review\n +decide +left here: people_against\n/)
    expect(story('dirty-A')).toMatch(/near-dup +waited in review\n +decontaminate +left here: contaminated\n/)
  })

  it('lies in the split of its prompt, and of prompts near to it', async () => {
    const pairs = Array.from({ length: 24 }, (_, i) => couple(`g${i}`, words(`q${i}`, 20), i % 2)).flat()
    const said = Object.fromEntries(Array.from({ length: 24 }, (_, i) => [`g${i}-A`, 'left' as const]))
    const { after } = await answered('splits', pairs, DEFAULT, said)
    const splits = new Map<string, Set<unknown>>()
    for (const [id, { split }] of Object.entries(after)) {
      const group = id.split('-')[0]
      if (split !== null) splits.set(group, (splits.get(group) ?? new Set()).add(split))
    }
    expect(splits.size).toBe(24)
    expect([...splits].filter(([, of]) => of.size > 1)).toEqual([])
    expect(new Set([...splits.values()].flatMap(of => [...of]))).toEqual(new Set(['train', 'validation']))
  })

  it('does not repeat its twin, whatever steps lie between', async () => {
    const names = ['cr', 'rr', 'c', 'r', 'cc']
    const pairs = names.flatMap(name => couple(name, words(name, 20)))
    const said = {
      ...({ 'cr-A': 'left', 'cr-B': 'right', 'rr-A': 'right', 'rr-B': 'right', 'c-A': 'left', 'r-A': 'right' } as const),
      ...({ 'cc-A': 'left', 'cc-B': 'left' } as const),
    }
    const steps = DEFAULT.replace('near-dup,', 'near-dup, prompt-clusters: { max_per_prompt: 9 },')
    for (const [name, list] of [
      ['between', steps],
      ['plain', 'structure, exact-dedup, score, disagreement, decide'],
    ]) {
      const { after } = await answered(name, pairs, list, said)
      expect(names.map(couple => outcomes(after, `${couple}-A`, `${couple}-B`))).toEqual([
        ['keep', 'people_against'],
        ['people_against', 'people_against'],
        ['keep', 'people_against'],
        ['people_against', 'keep'],
        ['people_against', 'people_against'],
      ])
    }
  })

  it('is no more than one of its copies', async () => {
    const pair = { prompt: words('p', 20), chosen: words('c', 30), rejected: words('r', 30) }
    const pairs = [...['1', '2', '3'].map(id => ({ id, ...pair })), ...couple('other', words('o', 20))]
    const { after } = await answered('copies', pairs, DEFAULT.replace('exact-dedup', 'exact-dedup: { exact: review }'), { 1: 'left' })
    expect(outcomes(after, '1', '2', '3').toSorted()).toEqual(['keep', 'people_against', 'people_against'])
  })

  it('counts for the cap on the pairs of a prompt', async () => {
    const pairs = couple('g', words('p', 20), 3)
    const steps = DEFAULT.replace('near-dup,', 'near-dup, prompt-clusters: { max_per_prompt: 3 },')
    const { before, after } = await answered('cap', pairs, steps, { 'g-A': 'left' })
    for (const rows of [before, after])
      expect(outcomes(rows, 'g-A', 'g-B', 'g-0', 'g-1', 'g-2')).toEqual(['same_prompt', 'same_prompt', 'keep', 'keep', 'keep'])
  })
})
