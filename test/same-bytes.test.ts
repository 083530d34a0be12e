/** What is written depends on the rows and their order, not on how they were cut into files or how many threads worked. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { manifestOf } from '../pipeline/accounts.ts'
import { Build } from '../pipeline/build.ts'
import { loadConfig } from '../pipeline/config.ts'
import { Opened } from '../pipeline/context.ts'
import { hash32 } from '../pipeline/kernels/random.ts'
import { canonicalJson } from '../pipeline/manifest.ts'
import { phases } from '../pipeline/phases.ts'
import { planOf } from '../pipeline/plan.ts'
import { Store } from '../pipeline/store.ts'
import { runTask } from '../pipeline/task.ts'
import { freshDir, goldpan } from './cli.ts'

const PAIRS = 900
const dir = freshDir('same-bytes')
const synth = join(dir, 'synth')

/** Checksums of the training shards, by name. */
function shards(name: string, files: readonly (readonly string[])[], threads: number): Record<string, string> {
  const home = join(dir, name)
  mkdirSync(home)
  for (const [i, lines] of files.entries()) writeFileSync(join(home, `part-${i}.jsonl`), `${lines.join('\n')}\n`)
  writeFileSync(
    join(home, 'c.yaml'),
    `name: same\nsources: [{ path: "part-*.jsonl", source: all }]\nbenchmarks: [${join(synth, 'benchmarks/*.jsonl')}]
steps: [structure, exact-dedup, near-dup, decontaminate, { style-bias: { action: reweight } }, score, disagreement, verification-sample, decide]
output: { splits: { validation: 0.1 }, publish_without_review: true }\n`,
  )
  const out = join(home, 'out')
  const ran = goldpan([
    'run',
    join(home, 'c.yaml'),
    '--out',
    out,
    '--store',
    join(home, 'store'),
    '--threads',
    `${threads}`,
    '--progress',
    'none',
  ])
  expect(ran.stderr).toBe('')
  const { outputs } = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')) as { outputs: { path: string; sha256: string }[] }
  return Object.fromEntries(outputs.filter(({ path }) => /^(train|validation)\//.test(path)).map(({ path, sha256 }) => [path, sha256]))
}

let lines: readonly string[] = []
beforeAll(() => {
  const made = goldpan(['synth', '--pairs', `${PAIRS}`, '--seed', '5', '--out', synth, '--malformed', '0', '--mean-bytes', '900'])
  expect(made.code).toBe(0)
  lines = readFileSync(join(synth, 'pairs-00000.jsonl'), 'utf8').trimEnd().split('\n')
})

const shuffled = (tasks: readonly string[], seed: number): string[] =>
  tasks
    .map((task, i) => ({ task, at: hash32(seed, i, 0) }))
    .sort((a, b) => a.at - b.at)
    .map(({ task }) => task)

it('tasks in any order: the same manifest', async () => {
  const home = join(dir, 'shuffled')
  mkdirSync(home)
  for (let i = 0; i < 5; i++) writeFileSync(join(home, `part-${i}.jsonl`), `${lines.slice(i * 60, (i + 1) * 60).join('\n')}\n`)
  writeFileSync(
    join(home, 'c.yaml'),
    'name: shuffled\nsources: [{ path: "part-*.jsonl" }]\nsteps: [exact-dedup, near-dup, prompt-clusters, style-bias, score, disagreement, decide]\n',
  )
  const located = await planOf(loadConfig(join(home, 'c.yaml')))
  const manifests: string[] = []
  for (const seed of [1, 2, 3]) {
    const build = new Build(located, new Store(join(home, `store-${seed}`)))
    const opened = new Opened()
    for (const phase of phases(build)) for (const task of shuffled(phase.tasks, seed)) await runTask(build, opened, task)
    manifests.push(canonicalJson(manifestOf(build)))
  }
  expect(JSON.parse(manifests[0]).totals.pairs_in).toBeGreaterThan(250)
  expect(manifests[1]).toBe(manifests[0])
  expect(manifests[2]).toBe(manifests[0])
}, 60_000)

it('one file or four, two threads or four: the same shards', () => {
  const whole = shards('whole', [lines], 2)
  expect(Object.keys(whole)).toEqual(['train/part-00000.parquet', 'validation/part-00000.parquet'])
  const cut = [lines.slice(0, 7), lines.slice(7, 500), lines.slice(500, 501), lines.slice(501)]
  expect(shards('cut', cut, 4)).toEqual(whole)
}, 120_000)
