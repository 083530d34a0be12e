/**
 * Decontamination: what is found of a labelled set and what is wrongly flagged, beside the rule of any shared 13-gram; speed on real prompts
 * (GOLDPAN_DATA). Called by all.mjs.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { batchOf, listOf, turnsOf, utf8Of } from '../../dist/pipeline/batch.js'
import { contamination } from '../../dist/pipeline/measures/contamination.js'
import { bare, variants, wraps } from '../contamination/variants.mjs'
import { CLI, fixed, measure, table } from './measure.mjs'
import { rowsOf } from './neardup.mjs'

const SET = join(import.meta.dirname, '../contamination')
const DATA = resolve(process.env.GOLDPAN_DATA ?? join(import.meta.dirname, '../../../shared/data'))
const NGRAM = 13
const REPEATS = 120

const lines = path => readFileSync(path, 'utf8').trim().split('\n').map(line => JSON.parse(line))

/** @returns Markdown */
export async function benchDecontamination(root) {
  const dir = join(root, 'decontamination')
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  const items = lines(join(SET, 'benchmark.jsonl')).flatMap(({ id, text }) => [text].flat().map(t => ({ id, text: t })))
  const cases = casesOf(items)
  const negatives = lines(join(SET, 'hard-negatives.jsonl'))
  const ours = await flaggedBy(dir, cases, negatives)
  const theirs = anyNgram(items)
  return [foundTable(cases, ours, theirs), wrongTable(negatives, ours, theirs), await secondLooks(dir, theirs), await speed()].join('\n\n')
}

/** What must be found: a group a way in which items turn up. */
function casesOf(items) {
  const longer = items.filter(({ text }) => !bare.includes(text))
  const asked = (of, say) => of.map(({ id, text }) => ({ item: id, prompt: say(text) }))
  const earlier = text => [['user', text], ['assistant', 'Gladly.'], ['user', 'And now say it in one word.']].map(([role, content]) => ({ role, content }))
  return new Map([
    ...Object.entries(variants).map(([name, say]) => [name, asked(items, say)]),
    ...Object.entries(wraps).map(([name, say]) => [`in a longer prompt, ${name}`, asked(longer, say)]),
    ['in an earlier turn', asked(items, earlier)],
    [`${REPEATS} times under one prompt`, Array.from({ length: REPEATS }, () => ({ item: items[0].id, prompt: items[0].text }))],
  ])
}

/** By group and place, the items found: through the command line. */
async function flaggedBy(dir, cases, negatives) {
  const groups = [...cases, ['negative', negatives]]
  const rows = groups.flatMap(([source, of]) => of.map(({ prompt }, i) => ({ id: String(i), source, prompt, chosen: `Answer ${i} to it.`, rejected: `No answer, ${i}.` })))
  writeFileSync(join(dir, 'pairs.jsonl'), rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  writeFileSync(join(dir, 'config.yaml'), `name: decontamination\nsources: [{ path: pairs.jsonl }]\nbenchmarks: [${join(SET, 'benchmark.jsonl')}]\nsteps: [decontaminate]\noutput: { layout: conversations }\n`)
  await measure('node', [CLI, 'run', join(dir, 'config.yaml'), '--out', join(dir, 'out'), '--store', join(dir, 'store'), '--threads', '1', '--progress', 'none'])
  const found = await rowsOf(`select source, source_id, unnest(contamination).item from '${join(dir, 'out')}/ledger/*.parquet' where contamination is not null`)
  const byPlace = new Map()
  for (const [source, place, item] of found) byPlace.set(`${source} ${place}`, [...(byPlace.get(`${source} ${place}`) ?? []), item])
  return (source, place) => byPlace.get(`${source} ${place}`) ?? []
}

const LOOKS = [
  ['hashed', 0.6],
  ['hashed', 0.8],
  ['use-lite', 0.7],
  ['use-lite', 0.8],
]

/** Items said again in other words, and of real prompts (GOLDPAN_DATA) those that are like one of these items. */
async function secondLooks(dir, theirs) {
  const rephrased = lines(join(SET, 'rephrased.jsonl'))
  const plain = gunzipSync(readFileSync(join(DATA, 'oasst-en.jsonl.gz'))).toString().trimEnd().split('\n').map(line => JSON.parse(line).prompt)
  const rows = [...rephrased.map(({ item, prompt }, i) => ({ id: item, source: 'rephrased', prompt, chosen: `Answer ${i}.`, rejected: `None, ${i}.` })), ...[...new Set(plain.map(p => JSON.stringify(p)))].map((prompt, i) => ({ id: String(i), source: 'real', prompt: JSON.parse(prompt), chosen: `Answer ${i}.`, rejected: `None, ${i}.` }))]
  const real = rows.length - rephrased.length
  writeFileSync(join(dir, 'again.jsonl'), rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  const found = rephrased.filter(({ item, prompt }) => theirs(prompt).includes(item)).length
  const table_rows = [[`any shared ${NGRAM}-gram`, '', share(found, rephrased.length), '']]
  for (const [embedder, threshold] of LOOKS) {
    const out = join(dir, `look-${embedder}-${threshold}`)
    writeFileSync(join(dir, 'again.yaml'), `name: again\nsources: [{ path: again.jsonl }]\nbenchmarks: [${join(SET, 'benchmark.jsonl')}]\nsteps: [decontaminate: { second_look: { embedder: ${embedder}, threshold: ${threshold} } }]\noutput: { layout: conversations }\n`)
    await measure('node', [CLI, 'run', join(dir, 'again.yaml'), '--out', out, '--store', join(dir, 'store-again'), '--threads', '1', '--progress', 'none'])
    const marked = await rowsOf(`select source, source_id, second_look[1].item from '${out}/ledger/*.parquet' where second_look is not null`)
    const right = marked.filter(([source, id, item]) => source === 'rephrased' && id === item).length
    table_rows.push([embedder, threshold, share(right, rephrased.length), share(marked.filter(([source]) => source === 'real').length, real)])
  }
  return `Second look at items said again in other words (a set of this project's own), and at real prompts of other matter:\n\n${table(['by', 'cosine from', 'the right item', 'real prompts marked'], table_rows)}`
}

const wordsOf = text => text.toLowerCase().match(/[\p{L}\p{M}]+|\p{N}+/gu) ?? []
function ngramsOf(text) {
  const words = wordsOf(text)
  return Array.from({ length: Math.max(0, words.length - NGRAM + 1) }, (_, i) => words.slice(i, i + NGRAM).join(' '))
}

/** The rule that Skywork-Reward-V2 states: a prompt that shares any 13-gram with an item is contaminated. */
function anyNgram(items) {
  const known = new Map()
  for (const { id, text } of items) for (const gram of ngramsOf(text)) known.set(gram, [...(known.get(gram) ?? []), id])
  const textOf = prompt => (typeof prompt === 'string' ? prompt : prompt.map(({ content }) => content).join('\n'))
  return prompt => ngramsOf(textOf(prompt)).flatMap(gram => known.get(gram) ?? [])
}

const share = (count, all) => `${count} of ${all} (${fixed((100 * count) / all)} %)`

function foundTable(cases, ours, theirs) {
  const rows = [...cases].map(([name, of]) => [
    name,
    share(of.filter(({ item }, i) => ours(name, i).includes(item)).length, of.length),
    share(of.filter(({ item, prompt }) => theirs(prompt).includes(item)).length, of.length),
  ])
  return `Recall of benchmark items by how they stand in a prompt:\n\n${table(['items', 'goldpan', `any shared ${NGRAM}-gram`], rows)}`
}

function wrongTable(negatives, ours, theirs) {
  const kinds = [...new Set(negatives.map(({ kind }) => kind)), 'all']
  const rows = kinds.map(kind => {
    const of = negatives.map((negative, i) => ({ ...negative, i })).filter(n => kind === 'all' || n.kind === kind)
    return [kind, share(of.filter(({ i }) => ours('negative', i).length > 0).length, of.length), share(of.filter(({ prompt }) => theirs(prompt).length > 0).length, of.length)]
  })
  return `Wrongly flagged, of hard negatives that share phrases with items:\n\n${table(['kind', 'goldpan', `any shared ${NGRAM}-gram`], rows)}`
}

const BATCH = 2048

/** Searching real prompts for the items of real benchmarks, in one thread, from texts in memory to spans. */
async function speed() {
  const folder = join(DATA, 'benchmarks')
  if (!existsSync(folder)) return `speed: skipped, no benchmarks in ${DATA} (set GOLDPAN_DATA)`
  const benchmarks = readdirSync(folder).map(name => join(folder, name))
  const params = { benchmarks, ngram: NGRAM, fields: 'user', overrides: {} }
  const find = await contamination.open(params, { seed: 42, file: async path => readFileSync(path) })
  const prompts = ['hh-rlhf', 'oasst-en', 'oasst-zh', 'alpaca-eval'].flatMap(name =>
    gunzipSync(readFileSync(join(DATA, `${name}.jsonl.gz`))).toString().trimEnd().split('\n').map(line => JSON.parse(line).prompt),
  )
  let bytes = 0
  let seconds = 0
  for (let from = 0; from < prompts.length; from += BATCH) {
    const batch = batchOfPrompts(prompts.slice(from, from + BATCH))
    bytes += batch.columns.prompt.items.columns.content.bytes.length
    const before = process.cpuUsage()
    await find(batch)
    const { user, system } = process.cpuUsage(before)
    seconds += (user + system) / 1e6
  }
  return `Search of ${prompts.length.toLocaleString('en')} real prompts (${fixed(bytes / 1e6)} MB) for ${benchmarks.length} real benchmarks: ${Math.round(bytes / 1e6 / seconds)} MB/s a thread.`
}

function batchOfPrompts(prompts) {
  const turns = prompts.map(prompt => (typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt))
  const all = turns.flat()
  const codes = { system: 0, user: 1, assistant: 2, tool: 3 }
  const items = batchOf(turnsOf.list, all.length, {
    role: { values: Uint8Array.from(all, ({ role }) => codes[role]) },
    content: utf8Of(all.map(({ content }) => content)),
  })
  const none = listOf(turns.map(() => 0), batchOf(turnsOf.list, 0, { role: { values: new Uint8Array(0) }, content: utf8Of([]) }))
  const prompt = listOf(turns.map(of => of.length), items)
  return batchOf({ prompt: turnsOf, chosen: turnsOf, rejected: turnsOf }, prompts.length, { prompt, chosen: none, rejected: none })
}
