/**
 * Wrong labels found by 31 real reward models and judges: every problem of rewardmath-scores as nine pairs with recorded scores, one label in
 * ten turned (by pair, by prompt), and how well 1 - p_mean ranks the turned ones. Gold is given as two votes a pair; no model is told which
 * prompts it will be asked about.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { CLI, fixed, table } from './measure.mjs'

const SHARE = 0.1

/** Uniform in [0, 1) by seed and place (mulberry32). */
function uniform(seed, place) {
  let a = (Math.imul(seed, 0x9e3779b1) + Math.imul(place + 1, 0x85ebca6b)) | 0
  a = Math.imul(a ^ (a >>> 15), a | 1)
  a ^= a + Math.imul(a ^ (a >>> 7), a | 61)
  return ((a ^ (a >>> 14)) >>> 0) / 2 ** 32
}

/** Area under the ROC curve; ties count half. */
export function auc(scores, positive) {
  const order = [...scores.keys()].sort((a, b) => scores[a] - scores[b])
  let [ranks, positives] = [0, 0]
  for (let from = 0, to = 0; from < order.length; from = to) {
    while (to < order.length && scores[order[to]] === scores[order[from]]) to++
    for (let k = from; k < to; k++)
      if (positive[order[k]]) {
        ranks += (from + to + 1) / 2
        positives++
      }
  }
  return (ranks - (positives * (positives + 1)) / 2) / (positives * (order.length - positives))
}

export function problemsOf(data) {
  const file = join(data, 'rewardmath-scores.jsonl.gz')
  if (!existsSync(file)) return undefined
  return gunzipSync(readFileSync(file)).toString().trim().split('\n').map(line => JSON.parse(line))
}

/** The pairs of the problems, `turned` by pair or by prompt, with two votes for the truth where gold is asked for. */
export function pairsOf(problems, { seed, by, gold }) {
  return problems.flatMap((problem, p) =>
    problem.solutions.slice(1).map((_, k) => {
      const turned = uniform(seed, by === 'prompt' ? p : p * 9 + k) < SHARE
      const sides = list => (list.length === problem.solutions.length ? [list[0], list[k + 1]] : [list[k], 1 - list[k]])
      const scores = Object.fromEntries(
        Object.entries(problem.scores).map(([model, list]) => [model, turned ? sides(list).reverse() : sides(list)]),
      )
      const texts = [`right answer to ${problem.id}`, `wrong answer ${k + 1} to ${problem.id}`]
      const [chosen, rejected] = turned ? texts.reverse() : texts
      const vote = turned ? 'rejected' : 'chosen'
      const votes = gold ? [{ annotator: 'a', vote }, { annotator: 'b', vote }] : []
      return { id: `${p}/${k}/${turned ? 1 : 0}`, source: 'rewardmath', prompt: problem.prompt, chosen, rejected, scores, votes }
    }),
  )
}

async function ledgerOf(out) {
  const db = await DuckDBInstance.create(':memory:')
  const connection = await db.connect()
  const read = await connection.runAndReadAll(`SELECT source_id, p_mean, outcome FROM '${out}/ledger/*.parquet'`)
  const rows = read.getRowObjectsJson()
  connection.closeSync()
  db.closeSync()
  return rows
}

/** Ranks by pair, or prompts by the mean over their pairs. */
function found(rows, by) {
  const groups = new Map()
  for (const [i, { source_id, p_mean }] of rows.entries()) {
    const [prompt, , turned] = source_id.split('/')
    const key = by === 'prompt' ? prompt : i
    const group = groups.get(key) ?? { doubt: 0, n: 0, turned: turned === '1' }
    groups.set(key, { ...group, doubt: group.doubt + 1 - p_mean, n: group.n + 1 })
  }
  const all = [...groups.values()]
  return auc(
    all.map(({ doubt, n }) => doubt / n),
    all.map(({ turned }) => turned),
  )
}

const WAYS = [
  { name: 'all models alike', params: '{ weights: equal }', bar: [0.85, 0.944] },
  { name: 'weights of audit-rm, max(0, MRR - random)', params: '{ weights: audit, audit: audit.json }', bar: [0.85, 0.944] },
  { name: 'weights by AUC on gold', params: '{ weights: auc }', gold: true, bar: [0.884, 0.96] },
  { name: 'weights by AUC on gold, rising curves', params: '{ weights: auc, calibration: isotonic }', gold: true, bar: [0.884, 0.96] },
  { name: 'stack on gold', params: '{}', gold: true, bar: [0.914, 0.972] },
  { name: 'stack on the labels alone', params: '{ weights: stack }' },
]

const firstSeeds = count => Array.from({ length: count }, (_, i) => i + 1)

function build(dir, name, pairs, params) {
  writeFileSync(join(dir, `${name}.jsonl`), pairs.map(pair => `${JSON.stringify(pair)}\n`).join(''))
  const config = join(dir, `${name}.yaml`)
  writeFileSync(
    config,
    `name: flips\nsources: [{ path: ${name}.jsonl }]\nsteps: [score: { builtin: [] }, disagreement: ${params}, decide]\noutput: { publish_without_review: true }\n`,
  )
  const out = join(dir, `out-${name}`)
  execFileSync(process.execPath, [CLI, 'run', config, '--out', out, '--store', join(dir, 'store'), '--progress', 'none'], { stdio: 'pipe' })
  return out
}

/** Mean over seeds and its standard error. */
export function spreadOf(values) {
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / Math.max(1, values.length - 1)
  return { mean, error: Math.sqrt(variance / values.length) }
}

/** Some 15 of the prompts are turned, so it takes more seeds to tell ways apart. */
const SEEDS = { pair: firstSeeds(6), prompt: firstSeeds(24) }

/** A Markdown table. Throws where a way is below what simple Python reached, by more than two standard errors of the seeds. */
export async function benchFlips(root, seeds = SEEDS, data = process.env.GOLDPAN_DATA ?? '../shared/data') {
  const problems = problemsOf(data)
  if (!problems) return `skipped: no rewardmath-scores.jsonl.gz in ${data} (set GOLDPAN_DATA)`
  const dir = join(resolve(root), 'flips')
  mkdirSync(dir, { recursive: true })
  const audit = execFileSync(process.execPath, [CLI, 'audit-rm', join(data, 'rewardmath-scores.jsonl.gz'), '--json'], { stdio: 'pipe' })
  writeFileSync(join(dir, 'audit.json'), audit)
  const rows = []
  for (const [w, { name, params, gold = false, bar }] of WAYS.entries()) {
    const means = []
    for (const [b, by] of ['pair', 'prompt'].entries()) {
      const aucs = []
      for (const seed of seeds[by]) aucs.push(found(await ledgerOf(build(dir, `${w}-${by}-${seed}`, pairsOf(problems, { seed, by, gold }), params)), by))
      means.push(spreadOf(aucs))
      if (bar && means[b].mean + 2 * means[b].error <= bar[b])
        throw new Error(`flips, ${name}, by ${by}: AUC ${fixed(means[b].mean, 4)} +- ${fixed(means[b].error, 4)} is below ${bar[b]}`)
    }
    rows.push([name, ...means.flatMap(({ mean, error }, b) => [`${fixed(mean, 3)} +- ${fixed(error, 3)}`, bar ? fixed(bar[b], 3) : ''])])
  }
  const head = ['p_mean by', 'AUC, turned pairs', 'to beat', 'AUC, turned prompts', 'to beat']
  return `${problems.length} problems, 31 models and judges, one label in ten turned, mean of ${seeds.pair.length} seeds by pair and ${seeds.prompt.length} by prompt, and its standard error. AUC of 1 - p_mean for a turned label.\n\n${table(head, rows)}`
}
