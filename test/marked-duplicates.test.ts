/** What exact-dedup marks stays marked as such, although near-dup finds the same pairs. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { build } from '../pipeline/index.ts'
import { freshDir, goldpan, rowsOf } from './cli.ts'

const dir = freshDir('marked')
const words = (seed: string, count: number): string => Array.from({ length: count }, (_, i) => `${seed}${i}`).join(' ')
const [prompt, chosen, rejected] = [words('p', 30), words('c', 40), words('r', 40)]
const pairs = {
  first: { prompt, chosen, rejected },
  copy: { prompt, chosen, rejected },
  swapped: { prompt, chosen: rejected, rejected: chosen },
  near: { prompt, chosen: `${chosen} more`, rejected },
  other: { prompt: words('q', 30), chosen: words('d', 40), rejected: words('s', 40) },
  again: { prompt: words('q', 30), chosen: words('d', 40), rejected: words('s', 40) },
}

it('near-dup keeps relation and duplicate_of of pairs that exact-dedup marked', async () => {
  const rows = Object.entries(pairs).map(([id, pair]) => JSON.stringify({ id, ...pair }))
  writeFileSync(join(dir, 'a.jsonl'), `${rows.join('\n')}\n`)
  const steps = '[structure, exact-dedup: { exact: mark, swapped: mark }, near-dup: { near: mark, near_swapped: mark }]'
  writeFileSync(join(dir, 'c.yaml'), `name: marked\nsources: [{ path: a.jsonl }]\nsteps: ${steps}\n`)
  const out = join(dir, 'out')
  await build(join(dir, 'c.yaml'), { out, store: join(dir, 'store'), threads: 0 })
  const found = await rowsOf(out, "select source_id as id, pair_id, relation, duplicate_of from read_parquet('{dir}/ledger/*.parquet')")
  const relations = Object.fromEntries(found.map(({ id, relation }) => [id, relation]))
  expect([relations.first, relations.copy, relations.swapped].filter(relation => relation === 'swapped')).toHaveLength(2)
  expect([relations.other, relations.again].toSorted()).toEqual(['exact', null])
  expect(relations.near).toBe('near')
  const idOf = (id: string) => found.find(row => row.id === id)!.pair_id
  const swapped = found.filter(({ relation }) => relation === 'swapped')
  const survivor = ['first', 'swapped'].map(idOf).filter(id => !swapped.some(row => row.pair_id === id))
  expect(swapped.map(({ duplicate_of }) => duplicate_of)).toEqual([...survivor, ...survivor])
  const { stdout } = goldpan(['report', out, '--no-write'])
  const [, sql] = /query \S+ "(SELECT .*relation IN \('swapped'\))"/.exec(stdout)!
  expect(JSON.parse(goldpan(['query', out, sql, '--json']).stdout)).toHaveLength(2)
})

it('a pair without signal stays one behind semantic-dup and the cap of prompt-clusters', async () => {
  const rows = Array.from({ length: 4 }, (_, i) => ({ id: `${i}`, prompt, chosen: `${chosen} a${i}`, rejected: `${chosen} a${i} !` }))
  writeFileSync(join(dir, 'b.jsonl'), rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  const steps = '[near-dup: { threshold: 1 }, semantic-dup, prompt-clusters: { max_per_prompt: 1, same_prompt: mark }]'
  writeFileSync(join(dir, 'd.yaml'), `name: kept\nsources: [{ path: b.jsonl }]\nsteps: ${steps}\n`)
  const out = join(dir, 'kept')
  await build(join(dir, 'd.yaml'), { out, store: join(dir, 'store'), threads: 0 })
  const counts = await rowsOf(out, "select relation, count(*) as n from read_parquet('{dir}/ledger/*.parquet') group by all")
  expect(counts).toEqual([{ relation: 'no-signal', n: '4' }])
})
