/** How long a question to a finished build takes: explain, diff, query, verify over short pairs. Called by all.mjs; ANSWERS names the sizes. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { CLI, fixed, measure, table } from './measure.mjs'
import { corpus } from './scale.mjs'

/** @returns Markdown */
export async function benchAnswers(root, sizes) {
  mkdirSync(root, { recursive: true })
  const parts = []
  for (const pairs of sizes) parts.push(await benchSize(await corpus(root, pairs), pairs))
  return parts.join('\n\n')
}

async function benchSize(dir, pairs) {
  const [a, b, store] = ['answers-a', 'answers-b', 'answers-store'].map(name => join(dir, name))
  const clean = () => [a, b, store].map(folder => rmSync(folder, { recursive: true, force: true }))
  clean()
  const run = (out, ...set) => measure('node', [CLI, 'run', join(dir, 'config.yaml'), '--out', out, '--store', store, '--threads', '2', '--progress', 'none', ...set])
  await run(a)
  await run(b, '--set', 'steps.near-dup.threshold=0.7')
  const ask = (...args) => measure('node', [CLI, ...args])
  const { stdout } = await ask('query', b, `select pair_id, source || ':' || source_id as name from ledger where step = 'near-dup' limit 1`, '--json')
  const [{ pair_id, name }] = JSON.parse(stdout)
  const rows = [
    ['explain by pair_id', await ask('explain', b, pair_id)],
    ['explain by source:source_id', await ask('explain', b, name)],
    ['query: count by step and reason', await ask('query', b, 'select step, reason, count(*) from ledger group by all')],
    ['diff of two builds', await ask('diff', a, b)],
    ['verify', await ask('verify', b)],
  ].map(([what, cost]) => [what, fixed(cost.wall_s, 2), fixed(cost.cpu_s, 2), Math.round(cost.rss_mb)])
  clean()
  return `${pairs.toLocaleString('en')} pairs of 400 bytes of text:\n\n${table(['question', 'wall s', 'CPU s', 'peak RSS MB'], rows)}`
}
