import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { build } from '../pipeline/index.ts'
import { freshDir, goldpan, rowsOf } from './cli.ts'

const dir = freshDir('licenses')
const row = (i: number, license?: string) =>
  JSON.stringify({ prompt: `question ${i}`, chosen: `yes ${i}`, rejected: `no ${i}`, ...(license ? { license } : {}) })

it('keeps pairs of allowed licences, sets the others aside, and says whose all of them are', async () => {
  const named = ['MIT', 'cc-by-4.0', 'CC-BY-NC-4.0', undefined]
  writeFileSync(join(dir, 'a.jsonl'), Array.from({ length: 40 }, (_, i) => row(i, named[i % 4])).join('\n'))
  writeFileSync(
    join(dir, 'c.yaml'),
    'name: l\nsources: [{ path: a.jsonl, attribution: "The A team <b>, https://a.example" }]\nallow_licenses: [mit, CC-BY-4.0]\nsteps: [structure]\noutput: { format: jsonl.gz }\n',
  )
  const out = join(dir, 'out')
  const ran = goldpan(['run', join(dir, 'c.yaml'), '--out', out, '--store', join(dir, 'store'), '--threads', '0', '--progress', 'none'])
  expect([ran.code, ran.stderr]).toEqual([0, ''])
  expect(
    await rowsOf(
      out,
      "select row % 4 as licence, outcome, reason, count(*)::int n from '{dir}/ledger/*.parquet' group by all order by all",
    ),
  ).toEqual([
    { licence: '0', outcome: 'keep', reason: null, n: 10 },
    { licence: '1', outcome: 'keep', reason: null, n: 10 },
    { licence: '2', outcome: 'quarantine', reason: 'license_not_allowed', n: 10 },
    { licence: '3', outcome: 'quarantine', reason: 'license_not_stated', n: 10 },
  ])
  expect(await rowsOf(out, "select count(*)::int n from read_json('{dir}/train/*.jsonl.gz')")).toEqual([{ n: 20 }])
  const text = readFileSync(join(out, 'LICENSES.md'), 'utf8')
  expect(text).toContain(
    'Allowed are `mit`, `CC-BY-4.0`; 20 pairs under another licence, or under none, were refused and are in `quarantine`.',
  )
  expect(text).toMatch(/\| a \| \[CC-BY-NC-4\.0\]\(https:\/\/spdx.org\S+\) \| no commercial use, name the authors \| +0 \| +10 \|/)
  expect(text).not.toContain('<b>')
  expect(goldpan(['verify', out]).code).toBe(0)
})

it('tells the rule of the step, whose own list goes before that of the config', async () => {
  writeFileSync(join(dir, 'b.jsonl'), Array.from({ length: 10 }, (_, i) => row(i, i < 4 ? 'MIT' : 'CC-BY-4.0')).join('\n'))
  const config = join(dir, 'own.yaml')
  const steps = '[structure, licenses: { allow: [MIT], action: drop }]'
  writeFileSync(config, `name: l\nsources: [{ path: b.jsonl }]\nallow_licenses: [CC-BY-4.0]\nsteps: ${steps}\n`)
  const out = join(dir, 'own')
  const { totals } = await build(config, { out, store: join(dir, 'store'), threads: 0 })
  expect(totals.train).toBe(4)
  expect(readFileSync(join(out, 'LICENSES.md'), 'utf8')).toContain(
    'Allowed are `MIT`; 6 pairs under another licence, or under none, were refused and are in no folder of texts.',
  )
})
