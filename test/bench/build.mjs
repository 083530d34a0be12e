/** The whole build against DuckDB reading and writing the same file; rows/s and MB/s a phase; peak memory. Called by all.mjs. */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CLI, duckdbCopy, fixed, measure, middleOfThree, table } from './measure.mjs'

const FILES = 5

const MODEL_FREE = ['structure', 'exact-dedup', 'near-dup', 'decontaminate', '{ style-bias: { action: reweight } }', 'verification-sample']
const FULL = [...MODEL_FREE.slice(0, -1), 'score', 'disagreement', 'verification-sample', 'decide']

const config = (steps, name) => `name: ${name}
seed: 42
sources: [{ path: "pairs-*.parquet", format: auto }]
benchmarks: ["benchmarks/*.jsonl"]
steps: [${steps.join(', ')}]
output: { splits: { validation: 0.02 }, publish_without_review: true }
`

/** Makes a corpus once; later calls find it. */
async function corpus(root, pairs) {
  const dir = join(root, `synth-${pairs}`)
  try {
    statSync(join(dir, 'truth.jsonl'))
  } catch {
    rmSync(dir, { recursive: true, force: true })
    await measure('node', [CLI, 'synth', '--pairs', String(pairs), '--seed', '7', '--out', dir, '--format', 'parquet', '--shard-pairs', String(pairs / FILES)])
  }
  writeFileSync(join(dir, 'model-free.yaml'), config(MODEL_FREE, 'model-free'))
  writeFileSync(join(dir, 'full.yaml'), config(FULL, 'full'))
  return dir
}

async function build(dir, name, threads) {
  const out = join(dir, `out-${name}`)
  const store = join(dir, `store-${name}`)
  for (const folder of [out, store]) rmSync(folder, { recursive: true, force: true })
  const cost = await measure('node', [CLI, 'run', join(dir, `${name}.yaml`), '--out', out, '--store', store, '--threads', String(threads), '--progress', 'none'])
  const read = file => JSON.parse(readFileSync(join(out, file), 'utf8'))
  rmSync(store, { recursive: true, force: true })
  return { ...cost, run: read('run.json'), manifest: read('manifest.json') }
}

/** @returns Markdown */
export async function benchBuild(root, sizes) {
  mkdirSync(root, { recursive: true })
  const parts = []
  for (const pairs of sizes) parts.push(await benchSize(await corpus(root, pairs), pairs))
  return parts.join('\n\n')
}

async function benchSize(dir, pairs) {
  const copy = await duckdbCopy(dir)
  const free = await middleOfThree(() => build(dir, 'model-free', 2))
  const full = await middleOfThree(() => build(dir, 'full', 2))
  const text = free.run.text_bytes / 1e6
  const row = (name, r) => [name, fixed(r.wall_s), fixed(r.cpu_s), Math.round(pairs / r.wall_s), fixed(text / r.cpu_s), fixed(r.cpu_s / copy.cpu_s, 2), Math.round(r.rss_mb)]
  const head = ['', 'wall s', 'CPU s', 'pairs/s', 'MB of text per CPU s', "x DuckDB's CPU", 'peak RSS MB']
  const whole = table(head, [row('DuckDB: read and write the same files', copy), row('goldpan, model-free build', free), row('goldpan, all stages', full)])
  const phases = full.run.phases.filter(p => p.tasks > 0).map(p => [p.phase, fixed(p.seconds, 2), fixed(p.cpu_seconds, 2), p.rows_per_second ?? '', fixed(text / Math.max(0.01, p.seconds))])
  return `### ${pairs.toLocaleString('en')} synthetic pairs, ${fixed(text)} MB of text, 2 threads\n\n${whole}\n\nPhases of the build with all stages:\n\n${table(['phase', 'wall s', 'CPU s', 'rows/s', 'MB/s'], phases)}`
}
