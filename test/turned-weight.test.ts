/** Training weights of turned pairs: style speaks for the label that is published, not for the one that came in. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { build } from '../pipeline/index.ts'
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
