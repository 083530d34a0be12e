import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { expectationOf, failedExpectations } from '../pipeline/expect.ts'
import type { Manifest } from '../pipeline/manifest.ts'
import { checksOf } from '../pipeline/verify/verify.ts'
import { Bench } from './built.ts'
import { freshDir, goldpan } from './cli.ts'
import { writeSmallBuild } from './small-build.ts'

const dir = freshDir('expect')
mkdirSync(join(dir, 'small'))
const manifest = await writeSmallBuild(join(dir, 'small'))
const REPORT = { style: { auc: 0.61, by: [{ name: 'my.model', 'p.99': 3e-7 }] }, people: null, words: 'many', '1': { x: 5 } }
writeFileSync(join(dir, 'small/report.json'), JSON.stringify(REPORT))
writeFileSync(join(dir, 'small/run.json'), JSON.stringify({ seconds: 12, phases: [{ phase: 'ingest', rows: 7 }] }))

const failed = (...texts: string[]): string[] =>
  failedExpectations({ ...manifest, config: { ...(manifest.config as object), expect: texts } } as Manifest, join(dir, 'small'))

it.each([
  'train.rows == 2',
  'rejects.rows >= 1',
  'totals.pairs_in == 7',
  'manifest.totals.pairs_in == 7',
  'steps.near-dup.dropped.near == 1',
  'steps.near-dup.dropped.never == 0',
  'steps.0.rows_in == 7',
  'sources.hh.train == 1',
  'inputs.hh.jsonl.rows == 4',
  'report.style.auc < 0.62',
  'report.style.by.my.model.p.99 <= 3e-7',
  'report.style.by.0.p.99 > 1e-9',
  'report.1.x != 4',
  'run.phases.ingest.rows == 7',
  'run.seconds > -1.5',
])('%s holds', text => expect(failed(text)).toEqual([]))

it.each([
  ['train.rows > 2', 'train.rows > 2: it is 2'],
  ['train.row >= 1', 'train.row >= 1: no such figure; did you mean "rows"? (known: rows)'],
  ['report.words > 1', 'report.words > 1: no such figure: it is no number'],
  ['report.people.n > 1', 'report.people.n > 1: no such figure'],
  ['report.style > 1', 'report.style > 1: no such figure: it holds auc, by'],
  ['steps.near-dup.dropped.a.b == 0', 'steps.near-dup.dropped.a.b == 0: no such figure (known: near)'],
])('%s fails', (text, said) => expect(failed(text)).toEqual([said]))

it('lists all that fail, and says where a file is not there', () => {
  expect(failed('train.rows == 2', 'train.rows == 3', 'report.style.auc > 1')).toEqual([
    'train.rows == 3: it is 2',
    'report.style.auc > 1: it is 0.61',
  ])
  const bare = { ...manifest, config: { expect: ['report.style.auc > 1'] } } as Manifest
  expect(failedExpectations(bare, dir)).toEqual(['report.style.auc > 1: the build has no report.json'])
})

it.each(['train is big', 'train.rows', '>= 3', 'train.rows >= many', 'train.rows => 3', 'train.rows >= 3 rows'])('%s is refused', text => {
  expect(() => expectationOf(text)).toThrow('expected "path operator number"')
})

it('a build that fails is kept, marked and whole; the next one that passes is not marked', async () => {
  const bench = new Bench('expect')
  const config = bench.config(
    { 'a.jsonl': [{ prompt: 'p', chosen: 'c', rejected: 'r' }] },
    'steps: [structure]\nexpect: ["train.rows >= 2", "run.seconds < 0", "totals.train == 1"]\n',
  )
  const out = join(bench.dir, 'out')
  const run = (): ReturnType<typeof goldpan> =>
    goldpan(['run', config, '--out', out, '--store', join(bench.dir, 'store'), '--threads', '0', '--progress', 'none'])
  const said = run()
  expect(said.code).toBe(4)
  expect(said.stderr).toMatch(
    /^goldpan: 2 of 3 expectations failed, so .* is marked UNPUBLISHED: train\.rows >= 2: it is 1; run\.seconds < 0: it is [\d.]+\n$/,
  )
  expect(readFileSync(join(out, 'UNPUBLISHED'), 'utf8').split('\n')).toHaveLength(4)
  expect(existsSync(join(out, 'train/part-00000.parquet'))).toBe(true)
  expect((await checksOf(out)).flatMap(({ wrong }) => wrong)).toEqual([])
  writeFileSync(config, readFileSync(config, 'utf8').replace(/expect: .*/, 'expect: ["train.rows >= 1"]'))
  expect(run().code).toBe(0)
  expect(existsSync(join(out, 'UNPUBLISHED'))).toBe(false)
})
