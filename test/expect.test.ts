import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadConfig } from '../pipeline/config.ts'
import { expectationOf, failedExpectations } from '../pipeline/expect.ts'
import type { Manifest } from '../pipeline/manifest.ts'
import { planOf } from '../pipeline/plan.ts'
import { writeReport } from '../pipeline/report/write.ts'
import { checksOf } from '../pipeline/verify/verify.ts'
import { Bench } from './built.ts'
import { freshDir, goldpan } from './cli.ts'
import { writeSmallBuild } from './small-build.ts'

const dir = freshDir('expect')
mkdirSync(join(dir, 'small'))
const manifest = await writeSmallBuild(join(dir, 'small'))
const REPORT = {
  style: { auc: 0.61, by: [{ name: 'my.model', 'p.99': 3e-7 }] },
  people: null,
  words: 'many',
  duplicates: [{ step: 'near-dup', relations: { near: 2 } }],
  '1': { x: 5 },
}
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
  'report.duplicates.near-dup.relations.near == 2',
  'report.duplicates.near-dup.relations.near-swapped == 0',
  'run.phases.ingest.rows == 7',
  'run.seconds > -1.5',
])('%s holds', text => expect(failed(text)).toEqual([]))

it.each([
  ['train.rows > 2', 'train.rows > 2: it is 2'],
  ['train.row >= 1', 'train.row >= 1: no such figure; did you mean "rows"? (known: rows)'],
  ['report.words > 1', 'report.words > 1: no such figure: it is no number'],
  ['report.people.n > 1', 'report.people.n > 1: no such figure'],
  ['report.style > 1', 'report.style > 1: no such figure: it holds auc, by'],
  [
    'report.duplicates.near-dup.relations.nera < 1',
    'report.duplicates.near-dup.relations.nera < 1: no such figure; did you mean "near"? (known: near)',
  ],
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

const PLANNED =
  'steps: [structure, exact-dedup, near-dup, score, disagreement, verification-sample, decide]\noutput: { publish_without_review: true }\n'
const NAMES = ['ann', 'bob', 'cy', 'dee', 'eve', 'fay', 'gus', 'hal']
const rows = NAMES.map(name => ({
  prompt: `Who is ${name}?`,
  chosen: `${name} is well known here.`,
  rejected: `No ${name}.`,
  scores: { 'rm.a': [1, 0] },
}))

/** Paths of the numbers of a tree, entries of lists by their number. */
const leaves = (node: unknown, path: string): string[] => {
  if (typeof node === 'number') return [path]
  return Object.entries(node !== null && typeof node === 'object' ? node : {}).flatMap(([key, child]) => leaves(child, `${path}.${key}`))
}

it('the plan refuses no figure that a build has', async () => {
  const bench = new Bench('expect-figures')
  const { out } = await bench.build({ 'a.jsonl': rows }, PLANNED)
  await writeReport(out)
  const figures = ['manifest', 'report', 'run'].flatMap(tree => leaves(JSON.parse(readFileSync(join(out, `${tree}.json`), 'utf8')), tree))
  expect(figures.length).toBeGreaterThan(200)
  const config = bench.config({ 'a.jsonl': rows }, `${PLANNED}expect: ${JSON.stringify(figures.map(path => `${path} > -1`))}\n`)
  const { open_expectations = [] } = await planOf(loadConfig(config))
  expect(open_expectations.length).toBeLessThan(figures.length)
  for (const known of ['manifest.totals.train > -1', 'report.steps.1.rows_in > -1', 'run.phases.0.seconds > -1'])
    expect(open_expectations).not.toContain(known)
})

it.each([
  ['trian.rows > 1', '; did you mean "train"? (known: train, validation, '],
  ['train.row > 1', '; did you mean "rows"? (known: rows)'],
  ['steps.near-dpu.rows_in > 1', '; did you mean "near-dup"? (known: structure, exact-dedup, near-dup, '],
  ['steps.near-dup.dropped.never == 0', '; did you mean "near"? (known: near, near_swapped, near_conflict, no_signal)'],
  ['steps.near-dup > 1', ': it holds id, version, params, '],
  ['inputs.b.jsonl.rows > 1', ' (known: a.jsonl)'],
  ['sources.t.train > 1', '; did you mean "s"? (known: s)'],
  ['report.totals.trai > 1', '; did you mean "train"? (known: pairs_in, train, '],
  ['report.duplicates.near.compared > 1', ' (known: structure, exact-dedup, near-dup, '],
  ['report.name > 1', ': it is no number'],
  ['run.secnds < 1', '; did you mean "seconds"? (known: started, seconds, '],
  ['totals.train.x > 1', ': train is a number'],
])('the plan refuses %s', async (text, said) => {
  const bench = new Bench('expect-refused')
  const config = bench.config({ 'a.jsonl': rows }, `${PLANNED}expect: ["${text}"]\n`)
  await expect(planOf(loadConfig(config))).rejects.toThrow(`config.yaml:5: expect: "${text}": no such figure${said}`)
})

it('the plan says which figures only the finished build can tell', async () => {
  const bench = new Bench('expect-open')
  const open = ['steps.near-dup.summary.clusters > 1', 'report.models.models.rm_a.margin > 0']
  const config = bench.config({ 'a.jsonl': rows }, `${PLANNED}expect: ${JSON.stringify([...open, 'train.rows > 1'])}\n`)
  const said = goldpan(['plan', config, '--store', join(bench.dir, 'store')])
  expect(said.code).toBe(0)
  expect(said.stdout.replaceAll(/\s+/g, ' ')).toContain(
    `expect: 3 checks on the finished build, exit code 4 if one fails; whether it has these figures shows only then: ${open.join('; ')}`,
  )
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
