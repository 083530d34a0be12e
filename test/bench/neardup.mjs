/** Near-duplicates: speed and memory, and what is found of an exact all-pairs search. Called by all.mjs. */
import { createRequire } from 'node:module'
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { exactJoin, Shingler } from './exact-join.mjs'
import { CLI, duckdbCopy, fixed, measure, middleOfThree, table } from './measure.mjs'

const { Minhash } = createRequire(import.meta.url)('minhash')

const THRESHOLD = 0.8
/** Pairs below the threshold that are as good as duplicates: removing one of them is no fault. */
const RIGHT = 0.7
const CONFIG = `name: neardup
seed: 42
sources: [{ path: "pairs-*.parquet" }]
steps: [exact-dedup, { near-dup: { compare: text, threshold: ${THRESHOLD}, no_signal: off } }]
output: { publish_without_review: true }
`

export async function corpus(root, pairs) {
  const dir = join(root, `neardup-${pairs}`)
  try {
    statSync(join(dir, 'truth.jsonl'))
  } catch {
    rmSync(dir, { recursive: true, force: true })
    const plain = ['--swapped', '--near-swapped', '--contaminated', '--empty', '--identical', '--tie', '--flipped'].flatMap(name => [name, '0'])
    const files = ['--out', dir, '--format', 'parquet', '--shard-pairs', String(Math.ceil(pairs / 4))]
    await measure('node', [CLI, 'synth', '--pairs', String(pairs), '--seed', '11', '--near', '0.2', '--exact', '0.01', ...plain, ...files])
  }
  writeFileSync(join(dir, 'config.yaml'), CONFIG)
  return dir
}

/** Rows are numbered by their ids. */
const rowOf = id => Number(id.slice(1))

export async function rowsOf(sql) {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  return (await connection.runAndReadAll(sql)).getRows()
}

async function build(dir) {
  const out = join(dir, 'out')
  const store = join(dir, 'store')
  for (const folder of [out, store]) rmSync(folder, { recursive: true, force: true })
  const cost = await measure('node', [CLI, 'run', join(dir, 'config.yaml'), '--out', out, '--store', store, '--threads', '2', '--progress', 'none'])
  rmSync(store, { recursive: true, force: true })
  const run = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'))
  const gone = await rowsOf(`select source_id from '${out}/ledger/*.parquet' where outcome <> 'keep'`)
  return { ...cost, run, gone: new Set(gone.map(([id]) => rowOf(id))) }
}

/** Seconds of the phases that are near-dup's own: measuring signatures, observing, reducing, combining. */
const ownSeconds = run => run.phases.filter(p => /measure|near-dup/.test(p.phase)).reduce((sum, p) => sum + p.cpu_seconds, 0)

/** @returns Markdown */
export async function benchNearDup(root, sizes) {
  mkdirSync(root, { recursive: true })
  const speed = []
  const parts = []
  for (const pairs of sizes) {
    const dir = await corpus(root, pairs)
    const copy = await duckdbCopy(dir)
    const built = await middleOfThree(() => build(dir))
    const own = ownSeconds(built.run)
    speed.push([pairs, fixed(copy.cpu_s), fixed(built.cpu_s), fixed(built.cpu_s / copy.cpu_s, 2), Math.round(pairs / built.cpu_s), Math.round(pairs / own), Math.round(built.rss_mb)])
    parts.push(byEdit(dir, built.gone, pairs))
    if (pairs <= 60_000) parts.push(await againstExact(dir, built.gone, pairs))
  }
  const head = ['pairs', "DuckDB's copy, CPU s", 'goldpan, CPU s', 'ratio', 'pairs per CPU s', 'of near-dup alone', 'peak RSS MB']
  const peer = `npm \`minhash\` (signatures of 128 only, no search): ${Math.round(await npmMinhash(join(root, `neardup-${sizes[0]}`)))} texts per CPU s.`
  return [`Parquet to shards with exact-dedup and near-dup (compare: text, threshold ${THRESHOLD}), 2 threads:\n\n${table(head, speed)}\n\n${peer}`, ...parts].join('\n\n')
}

/** What is found of the planted copies, by edit. */
function byEdit(dir, gone, pairs) {
  const found = new Map()
  for (const line of readFileSync(join(dir, 'truth.jsonl'), 'utf8').split('\n')) {
    if (line === '') continue
    const { id, kind, of, edit, amount, jaccard } = JSON.parse(line)
    if (kind !== 'near_duplicate' || jaccard < THRESHOLD) continue
    const name = edit === 'replace' ? `${edit} ${amount}` : edit
    const tally = found.get(name) ?? found.set(name, [0, 0]).get(name)
    tally[0] += gone.has(rowOf(id)) || gone.has(rowOf(of)) ? 1 : 0
    tally[1]++
  }
  const rows = [...found].sort().map(([name, [hits, all]]) => [name, all, fixed(hits / all, 4)])
  return `${pairs.toLocaleString('en')} pairs, planted copies whose edited fields stay at or above ${THRESHOLD}:\n\n${table(['edit', 'copies', 'recall'], rows)}`
}

async function againstExact(dir, gone, pairs) {
  const texts = await rowsOf(`select id, array_to_string(list_transform(prompt, lambda x: x.content), chr(10)) || chr(10) || chosen || chr(10) || rejected from '${dir}/pairs-*.parquet'`)
  const shingler = new Shingler()
  const sets = texts.map(([, text]) => shingler.of(text ?? ''))
  const row = texts.map(([id]) => rowOf(id))
  const bands = [[0.8, 0.85], [0.85, 0.9], [0.9, 1], [1, 2]].map(([from, to]) => ({ from, to, all: 0, found: 0 }))
  const near = new Set()
  exactJoin(sets, RIGHT, (a, b, j) => {
    if (!gone.has(row[a])) near.add(row[b])
    if (!gone.has(row[b])) near.add(row[a])
    const band = bands.find(({ from, to }) => j >= from && j < to)
    if (!band) return
    band.all++
    if (gone.has(row[a]) || gone.has(row[b])) band.found++
  })
  const right = [...gone].filter(id => near.has(id)).length
  const rows = bands.map(({ from, to, all, found }) => [to > 1 ? '1' : `${from} to ${to}`, all, all === 0 ? '' : fixed(found / all, 4)])
  return `Against the exact search over all ${pairs.toLocaleString('en')} texts (${gone.size} removed, precision ${fixed(right / gone.size, 4)}: a removed text has a kept one at ${RIGHT} or above):\n\n${table(['Jaccard', 'pairs of texts', 'recall'], rows)}`
}

/** Texts per CPU second of the npm package, on 300 texts. */
async function npmMinhash(dir) {
  const texts = await rowsOf(`select chosen || ' ' || rejected from '${dir}/pairs-00000.parquet' limit 300`)
  const before = process.cpuUsage()
  for (const [text] of texts) {
    const words = text.toLowerCase().match(/\p{L}+|\p{N}+/gu) ?? []
    const hash = new Minhash({ numPerm: 128 })
    for (let i = 0; i + 5 <= words.length; i++) hash.update(words.slice(i, i + 5).join(' '))
  }
  const { user, system } = process.cpuUsage(before)
  return texts.length / ((user + system) / 1e6)
}
