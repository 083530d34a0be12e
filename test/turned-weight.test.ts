/** Training weights of turned pairs: style speaks for the label that is published, not for the one that came in. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { build } from '../pipeline/index.ts'
import { Draws } from '../pipeline/kernels/random.ts'
import { freshDir, rowsOf } from './cli.ts'

it('weighs a turned pair by the label that it has now', async () => {
  const dir = freshDir('turned-weight')
  const rows = Array.from({ length: 600 }, (_, i) => {
    const long = `Because of the rain ${i}, which fell all night long, the river rose over its banks and the bridge was closed.`
    const [chosen, rejected] = i % 7 === 0 ? [`Rain ${i}.`, long] : [long, `Rain ${i}.`]
    return {
      id: `${i}`,
      prompt: `Why number ${i}?`,
      chosen,
      rejected,
      scores: { a: i % 5 === 0 ? [-4, 0] : [4, 0], b: i % 5 === 0 ? [-3, 0] : [3, 0] },
    }
  })
  writeFileSync(join(dir, 'a.jsonl'), `${rows.map(row => JSON.stringify(row)).join('\n')}\n`)
  const steps = 'steps: [style-bias, score: { builtin: [] }, disagreement, decide: { flip_below: 0.4, min_flip_precision: 0 }]'
  writeFileSync(join(dir, 'c.yaml'), `name: r\nsources: [{ path: a.jsonl }]\n${steps}\noutput: { publish_without_review: true }\n`)
  await build(join(dir, 'c.yaml'), { out: join(dir, 'out'), store: join(dir, 'store'), threads: 0 })
  const found = await rowsOf(
    join(dir, 'out'),
    `SELECT outcome::text AS outcome, source_id::int % 7 = 0 AS came_short, count(*)::int AS pairs, avg(weight) AS weight
     FROM '{dir}/ledger/*.parquet' WHERE outcome IN ('keep', 'flip') GROUP BY ALL ORDER BY 1 DESC, 2`,
  )
  expect(found.map(({ outcome, came_short, pairs }) => [outcome, came_short, pairs])).toEqual([
    ['keep', false, 412],
    ['keep', true, 68],
    ['flip', false, 102],
    ['flip', true, 18],
  ])
  const [keptLong, keptShort, nowShort, nowLong] = found.map(({ weight }) => weight as number)
  expect(keptShort).toBeGreaterThan(2 * keptLong)
  expect(nowShort).toBeGreaterThan(2 * nowLong)
  expect(found.reduce((sum, { pairs, weight }) => sum + (pairs as number) * (weight as number), 0) / 600).toBeCloseTo(1, 5)
})

it('a second step behind decide weighs the labels that are published, turned ones the other way round', async () => {
  const dir = freshDir('turned-again')
  const draws = new Draws().start(5, 1, 1)
  const rows = Array.from({ length: 1500 }, (_, i) => {
    const long = `Because of the rain ${i}, ${'which fell all night long, '.repeat(1 + draws.below(4))}the river rose over its banks.`
    const short = `Rain ${i}${', and wind'.repeat(draws.below(3))}.`
    const isLongBetter = draws.chance(0.8)
    const isRight = draws.chance(0.7)
    const [chosen, rejected] = isLongBetter === isRight ? [long, short] : [short, long]
    const margin = isRight ? 4 : -4
    const scores = { a: [margin, 0], b: [margin * 0.9, 0] }
    return { id: isLongBetter ? `long-${i}` : `short-${i}`, prompt: `Why number ${i}?`, chosen, rejected, scores }
  })
  writeFileSync(join(dir, 'a.jsonl'), rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  const steps = 'style-bias, score: { builtin: [] }, disagreement, decide: { flip_below: 0.45, min_flip_precision: 0 }, style-bias'
  writeFileSync(join(dir, 'c.yaml'), `name: r\nsources: [{ path: a.jsonl }]\nsteps: [${steps}]\noutput: { publish_without_review: true }\n`)
  const out = join(dir, 'out')
  await build(join(dir, 'c.yaml'), { out, store: join(dir, 'store'), threads: 0 })
  const [published] = await rowsOf(
    out,
    `SELECT count(*)::int AS pairs, sum(flipped::int)::int AS turned, avg((source_id LIKE 'long%')::int) AS longer,
     sum(weight * (source_id LIKE 'long%')::int) / sum(weight) AS weighed FROM '{dir}/train/*.parquet'`,
  )
  expect(published.turned).toBeGreaterThan(400)
  expect(published.longer).toBeGreaterThan(0.75)
  expect(Math.abs((published.weighed as number) - 0.5)).toBeLessThan(0.08)
  const { steps: told } = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')) as {
    steps: { id: string; summary: { corpus: { before: { longer: number }; after: { longer: number } } } }[]
  }
  const second = told.find(({ id }) => id === 'style-bias-2')!.summary.corpus
  expect(second.before.longer).toBeCloseTo(published.longer as number, 1)
  expect(second.after.longer).toBeCloseTo(published.weighed as number, 1)
})
