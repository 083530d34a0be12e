/**
 * How well the built-in models find wrong labels: one label in ten of real sources is turned, seeded by pair or by prompt, and a build is asked
 * which. Models turn no label before people have answered; ANSWERS pairs that they would turn are then answered by the truth, and the build goes on.
 * Needs GOLDPAN_DATA (default ../shared/data). Called by all.mjs.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { spreadOf } from './flips.mjs'
import { CLI, fixed, measure, table } from './measure.mjs'

const DATA = resolve(process.env.GOLDPAN_DATA ?? join(import.meta.dirname, '../../../shared/data'))
const SOURCES = ['alpaca-eval', 'hh-rlhf', 'oasst-en', 'oasst-zh', 'pandalm', 'qa-feedback', 'ukp-humour', 'ukpconvarg1', 'wmt19-darr-gu', 'wmt19-darr-kk']
const SHARE = 0.1
const ANSWERS = 40

/** A number in [0, 1) that depends on the seed and the text alone. */
const unit = (seed, text) => createHash('sha256').update(`${seed}\0${text}`).digest().readUInt32LE(0) / 2 ** 32

const config = seed => `name: flips
seed: ${seed}
sources:
${SOURCES.map(name => `  - { path: ${name}.jsonl, source: ${name}, scores: false }`).join('\n')}
steps: [structure, exact-dedup, near-dup, { style-bias: { action: reweight } }, score, disagreement, decide]
judgements: [answers.jsonl]
output: { layout: conversations, publish_without_review: true }
`

/** Writes the sources with turned labels; which rows were turned, by source. Ties and equal sides have no label to turn. */
function plant(dir, by, seed) {
  mkdirSync(dir, { recursive: true })
  const truth = {}
  for (const source of SOURCES) {
    const lines = gunzipSync(readFileSync(join(DATA, `${source}.jsonl.gz`))).toString().trimEnd().split('\n')
    truth[source] = []
    const planted = lines.map((line, row) => {
      const pair = JSON.parse(line)
      const labelled = !pair.tie && JSON.stringify(pair.chosen) !== JSON.stringify(pair.rejected)
      const key = by === 'prompt' ? JSON.stringify(pair.prompt) : `${row} ${pair.id}`
      const turned = labelled && unit(seed, key) < SHARE
      truth[source].push(labelled ? (turned ? 1 : 0) : undefined)
      delete pair.votes
      return JSON.stringify(turned ? { ...pair, chosen: pair.rejected, rejected: pair.chosen } : pair)
    })
    writeFileSync(join(dir, `${source}.jsonl`), planted.join('\n'))
  }
  writeFileSync(join(dir, 'flips.yaml'), config(seed))
  return truth
}

/** Share of (turned, right) pairs of rows where the turned one has the lower p; ties count half. */
export function aucOf(rows) {
  const sorted = [...rows].sort((a, b) => a.p - b.p)
  const turned = sorted.filter(row => row.turned).length
  let won = 0
  let right = sorted.length - turned
  for (let from = 0, to = 0; from < sorted.length; from = to) {
    while (to < sorted.length && sorted[to].p === sorted[from].p) to++
    const level = sorted.slice(from, to).filter(row => !row.turned).length
    won += (to - from - level) * (right - level / 2)
    right -= level
  }
  return won / (turned * (sorted.length - turned))
}

const mean = (rows, of) => (rows.length > 0 ? rows.reduce((n, row) => n + of(row), 0) / rows.length : Number.NaN)

/** Rows are {turned, p, outcome, reason, text, graph, heard}. */
function figures(rows) {
  const would = rows.filter(row => row.reason === 'models_against')
  const flipped = rows.filter(row => row.heard === 'flip' && !row.asked)
  const trained = rows.filter(row => row.outcome === 'keep' || row.outcome === 'flip')
  const told = (name, all = rows) => aucOf(all.map(row => ({ turned: row.turned, p: row[name] ?? 0.5 })))
  return {
    pairs: rows.length,
    auc: told('p'),
    text: told('text'),
    graph: told('graph', rows.filter(row => row.graph !== null)),
    before: mean(rows, row => 1 - row.turned),
    by_sign: mean(rows, row => (row.p === null || row.p >= 0.5 ? 1 - row.turned : row.turned)),
    trained: trained.length,
    after: mean(trained, row => (row.outcome === 'flip' ? row.turned : 1 - row.turned)),
    would: would.length,
    would_right: mean(would, row => row.turned),
    flipped: flipped.length,
    precision: mean(flipped, row => row.turned),
  }
}

const SQL = `SELECT source, row::INT AS row, pair_id, outcome, reason, p_mean, margin_bt_text, margin_bt_graph FROM ledger WHERE step IS NULL OR step = 'decide'`

async function run(dir, out, store) {
  const { cpu_s } = await measure('node', [CLI, 'run', join(dir, 'flips.yaml'), '--out', out, '--store', store, '--threads', '2', '--progress', 'none'])
  const { stdout } = await measure('node', [CLI, 'query', out, SQL, '--json'])
  return { cpu_s, rows: JSON.parse(stdout) }
}

/** A line of the judgement log that says what is true of a pair. */
const answerOf = ({ pair_id }, turned) =>
  JSON.stringify({ id: `truth-${pair_id}`, pair_id, annotator: 'truth', at: '2026-01-01T10:00:00Z', left: 'chosen', outcome: turned ? 'right' : 'left', seconds: 9, protocol: 'bench' })

async function judged(dir, truth) {
  const [out, store] = [join(dir, 'out'), join(dir, 'store')]
  for (const folder of [out, store]) rmSync(folder, { recursive: true, force: true })
  writeFileSync(join(dir, 'answers.jsonl'), '')
  const { cpu_s, rows } = await run(dir, out, store)
  const turned = row => truth[row.source][row.row]
  // pair_id is a hash, so its order is random
  const asked = rows
    .filter(row => row.reason === 'models_against' && turned(row) !== undefined)
    .sort((a, b) => (a.pair_id < b.pair_id ? -1 : 1))
    .slice(0, ANSWERS)
  writeFileSync(join(dir, 'answers.jsonl'), asked.map(row => `${answerOf(row, turned(row))}\n`).join(''))
  const heard = new Map((await run(dir, out, store)).rows.map(row => [row.pair_id, row.outcome]))
  rmSync(store, { recursive: true, force: true })
  const asks = new Set(asked.map(row => row.pair_id))
  const told = rows.map(row => ({ ...row, turned: turned(row), p: row.p_mean, text: row.margin_bt_text, graph: row.margin_bt_graph, heard: heard.get(row.pair_id), asked: asks.has(row.pair_id) }))
  return { rows: told.filter(row => row.turned !== undefined), cpu_s }
}

const COLUMNS = {
  pairs: ['pairs', 0],
  auc: ['AUC', 3],
  text: ['bt-text alone', 3],
  graph: ['bt-graph, linked pairs', 3],
  before: ['labels right before', 3],
  by_sign: ['by p_mean >= .5', 3],
  trained: ['in train', 0],
  after: ['right in train', 3],
  would: ['models would turn', 0],
  would_right: ['right of these', 2],
  flipped: [`turned after ${ANSWERS} answers`, 0],
  precision: ['right of these', 2],
}

/** Mean over seeds, with its standard error where there are several; seeds without a figure are left out. */
function cell(values, digits) {
  const { mean, error } = spreadOf(values.filter(value => !Number.isNaN(value)))
  return values.length > 1 ? `${fixed(mean, digits)} +- ${fixed(error, digits)}` : fixed(mean, digits)
}
const line = (name, seeds) => [name, ...Object.entries(COLUMNS).map(([key, [, digits]]) => cell(seeds.map(figures => figures[key]), digits))]

/** Turned by prompt, pairs of a prompt vouch for one another's wrong labels, and fewer seeds show that. */
const SEEDS = { pair: [1, 2, 3, 4, 5, 6], prompt: [1, 2] }

/** @returns Markdown */
export async function benchFlips(root, seeds = SEEDS) {
  if (!existsSync(DATA)) return `Left out: no ${DATA} (set GOLDPAN_DATA).`
  const parts = []
  for (const [by, own] of Object.entries(seeds)) {
    const told = []
    for (const seed of own) {
      const dir = join(root, `flips-${by}-${seed}`)
      told.push(await judged(dir, plant(dir, by, seed)))
      rmSync(dir, { recursive: true })
    }
    const lines = [...SOURCES, 'pooled'].map(name =>
      line(
        name,
        told.map(({ rows }) => figures(name === 'pooled' ? rows : rows.filter(row => row.source === name))),
      ),
    )
    const cost = `${cell(told.map(({ cpu_s }) => cpu_s), 1)} CPU s a build`
    parts.push(`10 % of labels turned by ${by}, ${own.length} seeds (${own.join(', ')}), mean and standard error; ${cost}.\n\n${table(['source', ...Object.values(COLUMNS).map(([head]) => head)], lines)}`)
  }
  return parts.join('\n\n')
}
