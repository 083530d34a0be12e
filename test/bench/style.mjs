/** Style: speed of the features, and what control leaves of style on alpaca-eval, by an auditor from outside. Needs GOLDPAN_DATA. Called by all.mjs. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { batchOf, listOf, turnsOf, utf8Of } from '../../dist/pipeline/batch.js'
import { style } from '../../dist/pipeline/measures/style.js'
import { CLI, fixed, measure, table } from './measure.mjs'
import { rowsOf } from './neardup.mjs'
import { areaOf, audit, differencesOf } from './outside-auditor.mjs'

const DATA = resolve(process.env.GOLDPAN_DATA ?? join(import.meta.dirname, '../../../shared/data'))
const TARGET_MB_S = 100
/** Pairs that the auditor looks at, of all kept and dropped ones alike: every n-th of the source. */
const EVERY = 3

/** @returns Markdown */
export async function benchStyle(root) {
  if (!existsSync(join(DATA, 'alpaca-eval.jsonl.gz'))) return `skipped: no alpaca-eval.jsonl.gz in ${DATA} (set GOLDPAN_DATA)`
  return [await speed(), await control(root)].join('\n\n')
}

const linesOf = name => gunzipSync(readFileSync(join(DATA, `${name}.jsonl.gz`))).toString().trimEnd().split('\n').map(line => JSON.parse(line))
const textOf = side => (typeof side === 'string' ? side : side.map(({ content }) => content).join('\n\n'))

const BATCH = 2048
/** A small source is passed over until so many bytes were read: the first passes are those of a cold compiler. */
const LEAST_BYTES = 40e6
const PASSES = 3

async function speed() {
  const read = await style.open({}, { seed: 42, file: () => undefined })
  const rows = []
  for (const [name, script] of [['alpaca-eval', 'Latin, Markdown'], ['oasst-zh', 'Chinese'], ['wmt19-darr-gu', 'Gujarati']]) {
    const pairs = linesOf(name).map(({ chosen, rejected }) => [textOf(chosen), textOf(rejected)])
    let bytes = 0
    const seconds = []
    for (let pass = 0; pass < PASSES || pass * bytes < LEAST_BYTES; pass++) {
      bytes = 0
      let spent = 0
      for (let from = 0; from < pairs.length; from += BATCH) {
        const some = pairs.slice(from, from + BATCH)
        const batch = batchOf({ chosen: turnsOf, rejected: turnsOf }, some.length, { chosen: sides(some, 0), rejected: sides(some, 1) })
        for (const side of [batch.columns.chosen, batch.columns.rejected]) bytes += side.items.columns.content.bytes.length
        const before = process.cpuUsage()
        read(batch)
        const { user, system } = process.cpuUsage(before)
        spent += (user + system) / 1e6
      }
      seconds.push(spent)
    }
    rows.push([name, script, fixed(bytes / 1e6), Math.round(bytes / 1e6 / Math.min(...seconds))])
  }
  return `Style features of both responses from texts in memory, words found in the same pass, the best of at least ${PASSES} passes and ${LEAST_BYTES / 1e6} MB (wanted: ${TARGET_MB_S} MB/s a thread):\n\n${table(['source', 'script', 'MB', 'MB/s a thread'], rows)}`
}

function sides(pairs, side) {
  const content = utf8Of(pairs.map(pair => pair[side]))
  return listOf(pairs.map(() => 1), batchOf(turnsOf.list, pairs.length, { role: { values: new Uint8Array(pairs.length).fill(2) }, content }))
}

const config = params => `name: style
seed: 42
sources: [{ path: ${join(DATA, 'alpaca-eval.jsonl.gz')}, scores: false }]
steps: [structure, exact-dedup, style-bias: { ${params} }]
output: { layout: conversations, publish_without_review: true }
`

/** The weight of every row of the input after a build, 0 where it is not trained on. */
async function weightsAfter(dir, params, rows) {
  const out = join(dir, 'out')
  rmSync(out, { recursive: true, force: true })
  writeFileSync(join(dir, 'c.yaml'), config(params))
  await measure('node', [CLI, 'run', join(dir, 'c.yaml'), '--out', out, '--store', join(dir, 'store'), '--threads', '2', '--progress', 'none'])
  const weights = new Float64Array(rows)
  for (const [row, weight] of await rowsOf(`select "row"::int, coalesce(weight, 1) from '${out}/ledger/*.parquet' where split is not null`)) weights[row] = weight
  return weights
}

/** The first takes nothing out. */
const CONTROLS = [
  'action: flag',
  'action: reweight',
  'action: reweight, target_auc: 0.5',
  'action: subsample',
  'action: subsample, most_weight: 2',
  'action: subsample, most_weight: 4',
]

async function control(root) {
  const dir = join(root, 'style')
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  const lines = linesOf('alpaca-eval')
  const folds = new Map()
  for (const { prompt } of lines) if (!folds.has(textOf(prompt))) folds.set(textOf(prompt), folds.size)
  const some = lines.flatMap((line, i) => (i % EVERY === 0 && !line.tie ? [i] : []))
  const differences = differencesOf(some.map(i => ({ chosen: textOf(lines[i].chosen), rejected: textOf(lines[i].rejected) })))
  const fold = some.map(i => folds.get(textOf(lines[i].prompt)))
  const rows = []
  let before = 0
  for (const params of CONTROLS) {
    const all = await weightsAfter(dir, params, lines.length)
    const weights = some.map(i => all[i])
    const kept = weights.filter(w => w > 0).length
    before ||= kept
    const { linear, trees } = audit(differences, weights, fold)
    const sum = weights.reduce((a, b) => a + b, 0)
    const effective = sum ** 2 / weights.reduce((a, b) => a + b * b, 0) / before
    const longer = areaOf(differences.map(d => Math.sign(d[1])), weights)
    rows.push([params, kept, `${fixed(100 * effective)} %`, `${fixed(100 * longer)} %`, fixed(linear, 3), fixed(trees, 3)])
  }
  const head = ['control', 'pairs', 'effective sample', 'longer wins', 'linear AUC', 'boosted trees AUC']
  return `alpaca-eval, every ${EVERY}rd pair, by an auditor with features, folds and models of its own, cross-validated by prompt (wanted: linear .45 to .55, trees .40 to .60, effective sample 40 % or more):\n\n${table(head, rows)}`
}
