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

it('the plan prints the bands and rows of near-dup, what they were chosen for, and the S-curve', () => {
  const dir = freshDir('curve')
  writeFileSync(join(dir, 'a.jsonl'), `${JSON.stringify(ROWS[0])}\n`)
  writeFileSync(join(dir, 'c.yaml'), 'name: curve\nsources: [{ path: a.jsonl }]\nsteps: [{ near-dup: {} }]\n')
  const plan = (...set: string[]): string => {
    const args = set.flatMap(value => ['--set', `steps.near-dup.${value}`])
    return goldpan(['plan', join(dir, 'c.yaml'), '--store', join(dir, 'store'), ...args]).stdout
  }
  expect(plan()).toContain(
    `near-dup: 13 bands x 6 rows, chosen for a mean recall of 0.995 from 0.8 half-way to 1; chance that two pairs of a Jaccard similarity are compared:
  J     0.50    0.60    0.70    0.75    0.80    0.85    0.90    0.95
  P   0.1851  0.4627  0.8035  0.9218  0.9808  0.9979  0.9999  1.0000
`,
  )
  // 1 - (1 - .5^4)^10
  expect(plan('bands=10', 'rows=4')).toMatch(/near-dup: 10 bands x 4 rows, as given; .*\n.*\n {2}P {3}0\.4755 /)
})
