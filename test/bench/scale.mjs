/** Time and memory of a model-free build over more and more short pairs, and the growth a pair. Called by all.mjs; SCALE names the sizes. */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CLI, fixed, measure, table } from './measure.mjs'

const FILES = 8
const CONFIG = `name: scale
seed: 42
sources: [{ path: "pairs-*.parquet" }]
benchmarks: ["benchmarks/*.jsonl"]
steps: [structure, exact-dedup, near-dup, decontaminate]
output: { publish_without_review: true }
`

export async function corpus(root, pairs) {
  const dir = join(root, `scale-${pairs}`)
  try {
    statSync(join(dir, 'truth.jsonl'))
  } catch {
    rmSync(dir, { recursive: true, force: true })
    const files = ['--out', dir, '--format', 'parquet', '--shard-pairs', String(Math.ceil(pairs / FILES))]
    await measure('node', [CLI, 'synth', '--pairs', String(pairs), '--seed', '13', '--mean-bytes', '400', ...files])
  }
  writeFileSync(join(dir, 'config.yaml'), CONFIG)
  return dir
}

/** @returns Markdown */
export async function benchScale(root, sizes) {
  mkdirSync(root, { recursive: true })
  const rows = []
  const runs = []
  for (const pairs of sizes) {
    const dir = await corpus(root, pairs)
    const [out, store] = ['out', 'store'].map(name => join(dir, name))
    for (const folder of [out, store]) rmSync(folder, { recursive: true, force: true })
    const cost = await measure('node', [CLI, 'run', join(dir, 'config.yaml'), '--out', out, '--store', store, '--threads', '2', '--progress', 'none'])
    for (const folder of [out, store]) rmSync(folder, { recursive: true, force: true })
    runs.push({ pairs, ...cost })
    rows.push([pairs.toLocaleString('en'), fixed(cost.wall_s), fixed(cost.cpu_s), Math.round(pairs / cost.wall_s), Math.round(cost.rss_mb), growth(runs)])
  }
  return `Pairs of 400 bytes of text; structure, exact-dedup, near-dup, decontaminate:\n\n${table(['pairs', 'wall s', 'CPU s', 'pairs/s', 'peak RSS MB', 'growth, bytes a pair'], rows)}`
}

/** Bytes of memory for each pair more than in the run before. */
function growth(runs) {
  if (runs.length < 2) return ''
  const [before, after] = runs.slice(-2)
  return Math.round(((after.rss_mb - before.rss_mb) * 2 ** 20) / (after.pairs - before.pairs))
}
