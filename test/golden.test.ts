/** The plan and the manifest of a small build, as they were last agreed on: a changed key, checksum or column shows here. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { freshDir, goldpan } from './cli.ts'

const ROWS = [
  { id: 'a', prompt: 'What is the capital of France?', chosen: 'Paris.', rejected: 'Lyon.', license: 'MIT', label_kind: 'human' },
  { id: 'b', prompt: 'What is the capital of France?', chosen: 'Paris.', rejected: 'Lyon.', license: 'MIT', label_kind: 'ai' },
  { id: 'c', prompt: 'What is the capital of France?', chosen: 'Lyon.', rejected: 'Paris.', license: 'MIT', label_kind: 'ai' },
  { id: 'd', prompt: '水的沸点是多少？', chosen: '一百摄氏度。', rejected: '', lang: 'zh' },
  { id: 'e', prompt: [{ role: 'user', content: 'Two plus two?' }], chosen: 'Four.', rejected: 'Five.', tie: true },
  { id: 'f', prompt: 'Name a colour.', chosen: 'Blue.', rejected: 3 },
]

it('plan and manifest are those of the golden files', async () => {
  const dir = freshDir('golden')
  writeFileSync(join(dir, 'a.jsonl'), `${ROWS.map(row => JSON.stringify(row)).join('\n')}\n`)
  writeFileSync(join(dir, 'c.yaml'), 'name: golden\nsources: [{ path: a.jsonl }]\nsteps: [structure, exact-dedup, near-dup]\n')
  const [config, store] = [join(dir, 'c.yaml'), join(dir, 'store')]
  const plan = goldpan(['plan', config, '--store', store, '--json'])
  expect(plan.code).toBe(0)
  await expect(plan.stdout).toMatchFileSnapshot('golden/plan.json')
  expect(goldpan(['run', config, '--out', join(dir, 'out'), '--store', store, '--threads', '1', '--progress', 'none']).code).toBe(0)
  await expect(readFileSync(join(dir, 'out/manifest.json'), 'utf8')).toMatchFileSnapshot('golden/manifest.json')
})
