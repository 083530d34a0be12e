/** Rows that break deduplicators: one prompt under 28,118 pairs, 20,000 copies of a pair, millions of shingles in a row, texts without a word. */
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { expect, it } from 'vitest'
import { freshDir, goldpan } from './cli.ts'

const COPIES = 20_000
const SHARING = 28_118
const WORDS = 2_000_000

const words = Array.from({ length: WORDS }, (_, i) => ((i * 2_654_435_761) % 2 ** 32).toString(36)).join(' ')
const repeated = 'word '.repeat(500_000)

function* rows(): Generator<[prompt: string, chosen: string, rejected: string]> {
  yield ['Count.', words, 'no']
  yield ['Count.', `${words} end`, 'no']
  yield ['Repeat.', repeated, 'w']
  yield ['Repeat.', `${repeated}word`, 'w']
  yield ['😀😀', '👍', '👎']
  yield ['😀😀', '👍', '👎']
  yield ['\u0301\u0302', '\u0301', '\u0300']
  yield ['\u0301\u0302', '\u0300', '\u0301']
  for (let i = 0; i < SHARING; i++)
    yield ['Shall we ban plastic bottles?', `Answer ${i} says ${(i * 7919) % 104_729}`, `Reply ${i * 3} is ${(i * 31) % 9973}`]
  for (let i = 0; i < COPIES; i++)
    yield ['The same question?', 'The same answer, long enough to count.', 'Another answer, the same each time.']
}

it('hostile rows are told apart in bounded memory', async () => {
  const dir = freshDir('hostile')
  const file = createWriteStream(join(dir, 'rows.jsonl'))
  for (const [prompt, chosen, rejected] of rows()) file.write(`${JSON.stringify({ prompt, chosen, rejected })}\n`)
  file.end()
  await finished(file)
  const [config, out] = [join(dir, 'c.yaml'), join(dir, 'out')]
  writeFileSync(
    config,
    'name: hostile\nsources: [{ path: rows.jsonl }]\nsteps: [exact-dedup, near-dup]\noutput: { publish_without_review: true }\n',
  )
  expect(goldpan(['run', config, '--out', out, '--store', join(dir, 'store'), '--progress', 'none']).code).toBe(0)
  const sql = "SELECT reason, relation, count(*) AS n FROM ledger WHERE outcome <> 'keep' GROUP BY ALL ORDER BY ALL"
  expect(JSON.parse(goldpan(['query', out, sql, '--json']).stdout)).toEqual([
    { reason: 'exact', relation: 'exact', n: COPIES },
    { reason: 'label_conflict', relation: 'swapped', n: 2 },
    { reason: 'near', relation: 'near', n: 2 },
  ])
  const { peak_rss_bytes } = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')) as { peak_rss_bytes: number }
  expect(peak_rss_bytes).toBeLessThan(1.5e9)
}, 240_000)
