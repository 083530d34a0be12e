/** What a second run costs after one change, in CPU of a first one. Called by all.mjs; INCREMENTAL names the sizes. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CLI, fixed, measure, table } from './measure.mjs'

const FILES = 8
const STEPS = 'structure, exact-dedup, near-dup, decontaminate, { style-bias: { action: reweight } }, score, disagreement, verification-sample, decide'

const config = files => `name: incremental
seed: 42
sources:
${files.map(file => `  - { path: ${file}, source: synth }\n`).join('')}benchmarks: ["benchmarks/*.jsonl"]
steps: [${STEPS}]
output: { splits: { validation: 0.02 }, publish_without_review: true }
`

async function corpus(root, pairs) {
  const dir = join(root, `incremental-${pairs}`)
  try {
    statSync(join(dir, 'truth.jsonl'))
  } catch {
    rmSync(dir, { recursive: true, force: true })
    await measure('node', [CLI, 'synth', '--pairs', String(pairs), '--seed', '11', '--out', dir, '--format', 'parquet', '--shard-pairs', String(pairs / FILES)])
  }
  return dir
}

const names = Array.from({ length: FILES }, (_, i) => `pairs-${String(i).padStart(5, '0')}.parquet`)

/** Each change with the most that it may cost, as a share of the first run; null where only the cost is told. */
const CHANGES = [
  ['nothing', 0.02, names, []],
  ['nothing, but the output folder is gone', null, names, []],
  ['a late threshold: decide.flip_below', 0.1, names, ['--set', 'steps.decide.flip_below=0.02']],
  ['one that moves pairs: decide.review_below', 0.1, names, ['--set', 'steps.decide.review_below=0.2']],
  ['checks and layout of files: output.signals', null, names, ['--set', 'output.signals=[p_mean]']],
  ['a middle threshold: decontaminate.min_coverage', null, names, ['--set', 'steps.decontaminate.min_coverage=0.8']],
  ['a file renamed', null, [...names.slice(0, -1), 'renamed.parquet'], []],
  ['a file removed', null, names.slice(0, -1), []],
]

async function run(dir, out, files, set, keep = false) {
  writeFileSync(join(dir, 'config.yaml'), config(files))
  if (!keep) rmSync(join(dir, out), { recursive: true, force: true })
  const cost = await measure('node', [CLI, 'run', join(dir, 'config.yaml'), '--out', join(dir, out), '--store', join(dir, 'store'), '--threads', '2', '--progress', 'none', ...set])
  const { phases } = JSON.parse(readFileSync(join(dir, out, 'run.json'), 'utf8'))
  const phase = name => phases.find(p => p.phase === name)?.tasks ?? 0
  return { ...cost, ingested: phase('ingest'), measured: phase('measure'), tasks: phases.reduce((n, p) => n + p.tasks, 0) }
}

/** @returns Markdown */
export async function benchIncremental(root, sizes) {
  mkdirSync(root, { recursive: true })
  const parts = []
  for (const pairs of sizes) parts.push(await benchSize(await corpus(root, pairs), pairs))
  return parts.join('\n\n')
}

async function benchSize(dir, pairs) {
  for (const folder of ['store', 'out']) rmSync(join(dir, folder), { recursive: true, force: true })
  const last = join(dir, names.at(-1))
  // One file less at first: it is what is added later.
  const first = await run(dir, 'out', names.slice(0, -1), [])
  const added = await run(dir, 'out', names, [])
  rmSync(join(dir, 'store'), { recursive: true, force: true })
  const full = await run(dir, 'out', names, [])
  const share = cost => `${fixed((100 * cost.cpu_s) / full.cpu_s)} %`
  const line = (name, cost, bar) => [name, fixed(cost.cpu_s), share(cost), bar === null ? '' : `${cost.cpu_s <= bar * full.cpu_s ? 'holds' : 'MISSED'}: at most ${100 * bar} %`, cost.ingested, cost.measured, cost.tasks]
  const rows = [line('first run', full, null)]
  for (const [name, bar, files, set] of CHANGES) {
    if (files.includes('renamed.parquet')) copyFileSync(last, join(dir, 'renamed.parquet'))
    rows.push(line(name, await run(dir, 'out', files, set, name === 'nothing'), bar))
  }
  rows.push(line(`a file added (1 of ${FILES}; a first run without it takes ${fixed(first.cpu_s)})`, added, null))
  for (const folder of ['store', 'out', 'renamed.parquet']) rmSync(join(dir, folder), { recursive: true, force: true })
  return `${pairs.toLocaleString('en')} synthetic pairs in ${FILES} files, all stages, 2 threads:\n\n${table(['what changed', 'CPU s', 'of the first run', 'bar', 'files read', 'shards measured', 'tasks'], rows)}`
}
