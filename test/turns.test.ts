/** Labels that models would turn wait until people have checked ten such turns. */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { build } from '../pipeline/index.ts'
import { Bench } from './built.ts'
import { rowsOf } from './cli.ts'

const bench = new Bench('turns')
const pair = (name: string, i: number, scores: object) => ({
  id: `${name}${i}`,
  prompt: `What is ${name} ${i}?`,
  chosen: `${name} ${i} is this.`,
  rejected: `Nobody knows ${i}.`,
  scores,
})
const config = bench.config(
  {
    'a.jsonl': [
      ...Array.from({ length: 200 }, (_, i) => pair('sure', i, { a: [3, 0], b: [2, 0] })),
      ...Array.from({ length: 20 }, (_, i) => pair('doubted', i, { a: [0, 3], b: [0, 2] })),
    ],
  },
  'judgements: [answers.jsonl]\nsteps: [structure, { score: { builtin: [] } }, disagreement, decide]\noutput: { publish_without_review: true }\n',
)
const out = join(bench.dir, 'out')

/** How the doubted pairs end where people said this of the first ten: outcomes and reasons with their counts. */
async function ends(answers: readonly ('left' | 'right')[]): Promise<Record<string, number>> {
  const lines = answers.map((outcome, i) =>
    JSON.stringify({
      id: `answer-${i}`,
      pair_id: ids[i],
      annotator: 'ann',
      at: '2026-01-01T10:00:00Z',
      left: 'chosen',
      outcome,
      protocol: 'p1',
    }),
  )
  writeFileSync(join(dirname(config), 'answers.jsonl'), lines.map(line => `${line}\n`).join(''))
  await build(config, { out, store: join(bench.dir, 'store'), threads: 0 })
  const rows = await rowsOf(
    out,
    `SELECT source_id, pair_id, outcome || coalesce(' ' || reason, '') AS ended FROM '{dir}/ledger/*.parquet' ORDER BY row`,
  )
  const doubted = rows.filter(row => String(row.source_id).startsWith('doubted'))
  ids = doubted.map(row => String(row.pair_id))
  const counts: Record<string, number> = {}
  for (const { ended } of doubted) counts[String(ended)] = (counts[String(ended)] ?? 0) + 1
  return counts
}
let ids: string[] = []

it('asks people first, and does as they say of ten', async () => {
  expect(await ends([])).toEqual({ 'review models_against': 20 })
  expect(readFileSync(join(out, 'report.json'), 'utf8')).toContain('20 pairs wait for people; of 20 models would turn the label')
  expect(await ends(Array(9).fill('right'))).toEqual({ 'flip people_against': 9, 'review models_against': 11 })
  expect(await ends(Array(10).fill('right'))).toEqual({ 'flip people_against': 10, 'flip models_against': 10 })
  expect(await ends([...Array(5).fill('right'), ...Array(5).fill('left')])).toEqual({
    'flip people_against': 5,
    keep: 5,
    'review models_against': 10,
  })
})
