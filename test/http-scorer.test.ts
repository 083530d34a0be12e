import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { batchOf, listOf, type Turns, turnsOf, type Utf8, utf8Of } from '../pipeline/batch.ts'
import { PendingError, UserError } from '../pipeline/errors.ts'
import { cached, hasScores } from '../pipeline/scorers/cached.ts'
import { openHttp, type Served } from '../pipeline/scorers/http.ts'
import { plainScore, type ScoreServer, type ServerOptions, scoreServer } from './score-server.ts'

const servers: ScoreServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})
async function serve(options?: ServerOptions): Promise<ScoreServer> {
  const server = await scoreServer(options)
  servers.push(server)
  return server
}
const served = (server: ScoreServer, more: Partial<Served> = {}): Served => ({
  http: server.url,
  protocol: 'vllm',
  model: 'rm',
  squashed: 'logit',
  batch: 16,
  concurrency: 8,
  timeout_ms: 300,
  retries: 3,
  ...more,
})
function rowsOf(responses: readonly string[]): { prompt: Turns; responses: Utf8 } {
  const items = batchOf(turnsOf.list, responses.length, {
    role: { values: new Uint8Array(responses.length).fill(1) },
    content: utf8Of(responses.map(() => 'Say it')),
  })
  return {
    prompt: listOf(
      responses.map(() => 1),
      items,
    ),
    responses: utf8Of(responses),
  }
}
const texts = Array.from({ length: 40 }, (_, i) => `${i % 3 ? 'good' : 'bad'} ${'x'.repeat(i)}`)
const template = mkdtempSync(join(tmpdir(), 'goldpan-template-'))
writeFileSync(
  join(template, 'tokenizer_config.json'),
  JSON.stringify({ bos_token: '<s>', chat_template: '{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}' }),
)
const rounded = (scores: Iterable<number>): number[] => [...scores].map(score => Math.round(score * 100) / 100)
const plain = rounded(texts.map(plainScore))
const rendered = rounded(texts.map(text => plainScore(`<user>Say it<assistant>${text}`)))

it.each([
  ['vllm', undefined, '/pooling', plain],
  ['vllm', template, '/classify', rendered],
  ['sglang', template, '/classify', rendered],
  ['tei', undefined, '/predict', plain],
  ['tei', template, '/predict', rendered],
] as const)('scores by %s (template %s) at %s', async (protocol, folder, path, expected) => {
  const server = await serve()
  const scorer = await openHttp('rm', served(server, { protocol, folder }), 'd')
  const { prompt, responses } = rowsOf(texts)
  expect(scorer.margins).toBeUndefined()
  expect(rounded(await scorer.score(prompt, responses))).toEqual(expected)
  expect(new Set(server.seen.map(s => s.path))).toEqual(new Set([path]))
  const sizes = server.seen.map(({ body }) => ((body.input ?? body.text ?? body.inputs ?? [0]) as unknown[]).length)
  expect(Math.max(...sizes)).toBe(protocol === 'tei' ? 4 : folder ? 16 : 1)
})

it('asks vLLM for raw scores and TEI for pairs cut from the left', async () => {
  const server = await serve()
  await openHttp('rm', served(server), 'd')
  expect(server.seen[0].body).toMatchObject({ model: 'rm', task: 'classify', use_activation: false })
  await openHttp('rm', served(server, { protocol: 'tei' }), 'd')
  expect(server.seen.at(-1)!.body).toMatchObject({ raw_scores: true, truncate: true, truncation_direction: 'Left' })
  expect((server.seen.at(-1)!.body.inputs as string[][])[0]).toHaveLength(2)
})

it.each(['429', '500', 'hang', 'half', 'reset', 'count'] as const)('tries again after %s', async fault => {
  const server = await serve()
  const scorer = await openHttp('rm', served(server, { folder: template }), 'd')
  server.seen.length = 0
  let left = 2
  server.fault = () => (left-- > 0 ? fault : undefined)
  const started = performance.now()
  const { prompt, responses } = rowsOf(texts)
  expect(rounded(await scorer.score(prompt, responses))).toEqual(rendered)
  expect(server.seen).toHaveLength(3 + 2)
  if (fault === '429') expect(performance.now() - started).toBeGreaterThan(290)
})

it('puts answers in another order where they belong', async () => {
  const server = await serve()
  const scorer = await openHttp('rm', served(server, { folder: template }), 'd')
  server.fault = () => 'reversed'
  const { prompt, responses } = rowsOf(texts)
  expect(rounded(await scorer.score(prompt, responses))).toEqual(rendered)
})

it('leaves unscored only the text that the server refuses, and never asks twice for it', async () => {
  const server = await serve()
  const scorer = await openHttp('rm', served(server, { folder: template, batch: 8 }), 'd')
  server.fault = (_, text) => (text.includes('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx') ? '413' : undefined)
  const { prompt, responses } = rowsOf(texts)
  server.seen.length = 0
  const scores = await scorer.score(prompt, responses)
  expect([...scores].flatMap((score, i) => (Number.isNaN(score) ? [i] : []))).toEqual([39])
  expect(server.seen).toHaveLength(5 + 2 + 2 + 2)
})

it('leaves unscored a text that brings the server to fail, while it answers others', async () => {
  const server = await serve()
  const scorer = await openHttp('rm', served(server, { retries: 1 }), 'd')
  server.fault = (_, text) => (text.includes('bad xxx"') ? 'reset' : undefined)
  const { prompt, responses } = rowsOf(texts)
  expect([...(await scorer.score(prompt, responses))].filter(Number.isNaN)).toHaveLength(1)
})

it('is pending where the server goes down in the middle, and asks then only for what is missing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'goldpan-scores-'))
  const server = await serve()
  const open = async () => cached(await openHttp('rm', served(server, { retries: 1 }), 'd'), 'd', folder)
  const scorer = await open()
  const many = rowsOf(Array.from({ length: 1000 }, (_, i) => `text ${i}`))
  let well = 600
  server.fault = () => (well-- > 0 ? undefined : '500')
  await expect(scorer.score(many.prompt, many.responses)).rejects.toThrow(PendingError)
  await scorer.close()
  server.fault = () => undefined
  const again = await open()
  server.seen.length = 0
  const scores = await again.score(many.prompt, many.responses)
  expect([scores.some(Number.isNaN), server.seen.length <= 1000 - 128, server.seen.length >= 400]).toEqual([false, true, true])
  server.seen.length = 0
  expect(await again.score(many.prompt, many.responses)).toEqual(scores)
  expect(server.seen).toHaveLength(0)
  await again.close()
})

it('sends equal texts once and keeps no failure', async () => {
  const server = await serve()
  const scorer = cached(await openHttp('rm', served(server, { retries: 0 }), 'd'), 'd', mkdtempSync(join(tmpdir(), 'goldpan-scores-')))
  server.seen.length = 0
  const { prompt, responses } = rowsOf(['one', 'two', 'one', 'refuse me', 'one'])
  server.fault = (_, text) => (text.includes('refuse me') ? '413' : undefined)
  const first = await scorer.score(prompt, responses)
  expect([server.seen.length, first[0] === first[2], first[0] === first[1], Number.isNaN(first[3])]).toEqual([3, true, true, true])
  server.fault = () => undefined
  expect((await scorer.score(prompt, responses)).every(Number.isFinite)).toBe(true)
  expect(server.seen).toHaveLength(4)
  await scorer.close()
})

it('undoes a sigmoid, or refuses it', async () => {
  const server = await serve({ squash: true, score: text => plainScore(text) / 4 })
  const scorer = await openHttp('rm', served(server), 'd')
  const { prompt, responses } = rowsOf(texts)
  const scores = await scorer.score(prompt, responses)
  for (const [i, score] of scores.entries()) expect(score).toBeCloseTo(plainScore(texts[i]) / 4, 3)
  await expect(openHttp('rm', served(server, { squashed: 'refuse' }), 'd')).rejects.toThrow(/sigmoid/)
})

it('takes half the difference of the log-odds of a judge in both orders', async () => {
  const place = 0.7
  const better = (a: string, b: string): number => a.length - b.length
  const server = await serve({ judge: (a, b) => 1 / (1 + Math.exp(-(better(a, b) + place))) })
  const scorer = await openHttp('judge', served(server, { protocol: 'openai' }), 'd')
  const margins = await scorer.margins!(rowsOf(['abc', 'a']), rowsOf(['a', 'abcd']))
  expect(margins[0]).toBeCloseTo(2, 4)
  expect(margins[1]).toBeCloseTo(-3, 4)
})

it.each([
  ['constant scores', { score: () => 1.5 }, /every text the same score/],
  ['scores cut by a sigmoid', { squash: true, score: (text: string) => text.length * 10 }, /cannot be undone/],
])('refuses %s before a run', async (_, options, said) => {
  const server = await serve(options)
  const opening = openHttp('rm', served(server), 'd')
  await expect(opening).rejects.toThrow(UserError)
  await expect(opening).rejects.toThrow(said)
})

it('refuses a model whose scores depend on the order of texts, with the figure', async () => {
  let n = 0
  const server = await serve({ score: text => text.length + n++ })
  await expect(openHttp('rm', served(server), 'd')).rejects.toThrow(/changes by [\d.]+ with the order/)
})

it('tells a refused key without the key', async () => {
  const server = await serve()
  process.env.GOLDPAN_TEST_KEY = 'sk-very-secret'
  server.fault = () => '401'
  const error = await openHttp('rm', served(server, { key_env: 'GOLDPAN_TEST_KEY' }), 'd').catch(e => e as Error)
  expect(server.seen[0].key).toBe('Bearer sk-very-secret')
  expect([error instanceof UserError, String(error)]).toEqual([true, expect.stringMatching(/401.*\*\*\*.*GOLDPAN_TEST_KEY/)])
  expect(String(error)).not.toContain('secret')
  expect(server.seen).toHaveLength(1)
})

it('shows no key and no code of a terminal, wherever in its answer a server repeats them', async () => {
  const server = await serve()
  process.env.GOLDPAN_TEST_KEY = 'sk-very-secret'
  server.fault = () => 'codes'
  const error = await openHttp('rm', served(server, { key_env: 'GOLDPAN_TEST_KEY' }), 'd').catch(e => e as Error)
  expect(String(error)).toContain('HTTP 400:')
  for (const shown of ['sk-', '\u001b', '\n']) expect(String(error)).not.toContain(shown)
})

it('leaves a server that sends without end', async () => {
  const server = await serve()
  server.fault = () => 'endless'
  await expect(openHttp('rm', served(server, { timeout_ms: 5000, retries: 0 }), 'd')).rejects.toThrow('it sends more than 16 MiB')
})

it.each([0, -3, 1.5])('passes over a largest batch of %d', async max_client_batch_size => {
  const server = await serve({ max_client_batch_size })
  const scorer = await openHttp('rm', served(server, { protocol: 'tei' }), 'd')
  const { prompt, responses } = rowsOf(texts)
  expect(rounded(await scorer.score(prompt, responses))).toEqual(plain)
})

it('finds how many requests a server bears, and stays there', async () => {
  const server = await serve({ delay_ms: 20, most: 12 })
  const scorer = await openHttp('rm', served(server, { concurrency: 64, timeout_ms: 10_000, retries: 20 }), 'd')
  server.seen.length = 0
  const { prompt, responses } = rowsOf(Array.from({ length: 400 }, (_, i) => `text ${i}`))
  const scores = await scorer.score(prompt, responses)
  const refused = server.seen.length - 400
  expect([scores.every(Number.isFinite), refused > 0, refused <= 64]).toEqual([true, true, true])
})

it('keeps within its concurrency and backs off from 429', async () => {
  const server = await serve({ delay_ms: 5 })
  const scorer = await openHttp('rm', served(server, { concurrency: 5 }), 'd')
  server.peak = 0
  const { prompt, responses } = rowsOf(texts)
  await scorer.score(prompt, responses)
  expect([server.peak > 2, server.peak <= 5]).toEqual([true, true])
})

it.each<[string, (bytes: Buffer) => Buffer]>([
  ['other bytes', bytes => Buffer.alloc(bytes.length, 'x')],
  ['a beginning', bytes => bytes.subarray(0, 5000)],
  ['pages of nothing', bytes => bytes.fill(0, 8192)],
])('tells of kept scores that are %s, and what to do', async (_, damage) => {
  const folder = mkdtempSync(join(tmpdir(), 'goldpan-scores-'))
  const server = await serve()
  const { prompt, responses } = rowsOf(texts)
  const scorer = cached(await openHttp('rm', served(server), 'd'), 'd', folder)
  await scorer.score(prompt, responses)
  await scorer.close()
  expect(await hasScores('d', folder)).toBe(true)
  writeFileSync(join(folder, 'data.mdb'), damage(readFileSync(join(folder, 'data.mdb'))))
  await expect(hasScores('d', folder)).rejects.toThrow(`${folder}: the scores kept there are damaged`)
})
