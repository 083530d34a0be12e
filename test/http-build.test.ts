/** Builds that score by a server, through the built command line. */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { Manifest } from '../pipeline/manifest.ts'
import { freshDir, rowsOf } from './cli.ts'
import { onnxFolder } from './onnx-folder.ts'
import { type ScoreServer, scoreServer } from './score-server.ts'

const CLI = join(import.meta.dirname, '../dist/pipeline/cli.js')
const SECRET = 'sk-never-written'
let server: ScoreServer | undefined
afterEach(() => server?.close())

function configIn(dir: string, url: string): string {
  const pairs = Array.from({ length: 60 }, (_, i) => ({ id: `r${i}`, prompt: `Say ${i}`, chosen: `good ${i}`, rejected: `poor ${i}` }))
  writeFileSync(join(dir, 'a.jsonl'), pairs.map(pair => JSON.stringify(pair)).join('\n'))
  const file = join(dir, 'c.yaml')
  const model = `{ http: "${url}", protocol: vllm, model: rm, key_env: RM_KEY, retries: 1, timeout_ms: 2000 }`
  writeFileSync(file, `name: http\nsources: [{ path: a.jsonl }]\nmodels: { served: ${model} }\nsteps: [structure, score]\n`)
  return file
}

/** Not in this thread's way: the server must answer meanwhile. */
function run(dir: string, config: string, out = 'out', node: readonly string[] = []): Promise<{ code: number; said: string }> {
  const args = [...node, CLI, 'run', config, '--out', join(dir, out), '--store', join(dir, 'store'), '--threads', '1', '--progress', 'none']
  const child = spawn(process.execPath, args, { env: { ...process.env, RM_KEY: SECRET, WATCHED: join(dir, 'watched.json') } })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text))
  return new Promise(resolve => child.once('close', code => resolve({ code: code ?? -1, said })))
}

it('goes on where the server went down, tells what stays unscored, and writes the key nowhere', async () => {
  const dir = freshDir('http-build')
  server = await scoreServer()
  const config = configIn(dir, server.url)
  const dead = await scoreServer()
  await dead.close()
  const down = await run(dir, configIn(dir, dead.url))
  expect([down.code, down.said.trim().split('\n').length, existsSync(join(dir, 'store/objects'))]).toEqual([2, 1, false])
  expect(down.said).toMatch(/models\.served: http:\S+: the server cannot be used \(ECONNREFUSED\)/)

  configIn(dir, server.url)
  server.fault = n => (n < 70 ? undefined : 'reset')
  const middle = await run(dir, config)
  expect([middle.code, middle.said]).toEqual([3, expect.stringMatching(/does not answer any more.*run again/)])

  server.fault = (_, text) => (text.includes('"poor 59"') || text.includes('"poor 58"') ? '413' : undefined)
  const before = server.seen.length
  const whole = await run(dir, config)
  expect([whole.code, whole.said]).toEqual([0, expect.stringContaining('unscored by served 2')])
  // two rounds of six probes, in the main thread and in the worker
  expect(server.seen.length - before).toBeLessThan(120 + 24)
  const manifest = JSON.parse(readFileSync(join(dir, 'out/manifest.json'), 'utf8')) as Manifest
  expect(manifest.steps.find(step => step.stage === 'score')).toMatchObject({ rows_in: 60, rows_out: 60, unscored: { margin_served: 2 } })
  expect(
    await rowsOf(
      join(dir, 'out'),
      `SELECT count(*)::INT AS n, count(margin_served)::INT AS scored, round(avg(margin_served)::DOUBLE, 3) AS mean FROM '{dir}/ledger/*.parquet'`,
    ),
  ).toEqual([{ n: 60, scored: 58, mean: 5 }])
  for (const file of readdirSync(dir, { recursive: true, withFileTypes: true }))
    if (file.isFile()) expect(readFileSync(join(file.parentPath, file.name)).includes(SECRET)).toBe(false)
  expect([down, middle, whole].some(({ said }) => said.includes(SECRET))).toBe(false)
})

it('shares scores between two processes at once, which a later build with other steps does not ask for again', async () => {
  const dir = freshDir('http-shared')
  server = await scoreServer()
  const config = configIn(dir, server.url)
  const both = await Promise.all([run(dir, config, 'out-1'), run(dir, config, 'out-2')])
  expect(both.map(({ code }) => code)).toEqual([0, 0])
  expect(readFileSync(join(dir, 'out-2/manifest.json'), 'utf8')).toBe(readFileSync(join(dir, 'out-1/manifest.json'), 'utf8'))
  writeFileSync(config, readFileSync(config, 'utf8').replace('structure, score', 'structure, exact-dedup, score'))
  const before = server.seen.length
  expect((await run(dir, config, 'out-3')).code).toBe(0)
  // the probes of the main thread, and nothing else
  expect(server.seen.length - before).toBeLessThanOrEqual(12)
  const margins = `SELECT round(avg(margin_served)::DOUBLE, 3) AS mean, count(margin_served)::INT AS scored FROM '{dir}/ledger/*.parquet'`
  expect(await rowsOf(join(dir, 'out-3'), margins)).toEqual(await rowsOf(join(dir, 'out-1'), margins))
})

it.skipIf(process.platform !== 'linux')('leaves the main thread free while models score: never busy for more than 50 ms', async () => {
  const dir = freshDir('http-loop')
  const asked: number[] = []
  server = await scoreServer({ delay_ms: 30 })
  server.fault = (_, text) => {
    if (text.includes('answer ')) asked.push(Date.now())
    return undefined
  }
  const words = (i: number): string => Array.from({ length: 300 }, (_, k) => 'abcd .'.charAt((i * k) % 6)).join(' ')
  const rows = Array.from({ length: 150 }, (_, i) => ({
    prompt: `Say ${i}`,
    chosen: `answer ${i} ${words(i)}`,
    rejected: `no ${words(i + 1)}`,
  }))
  for (const [file, part] of ['a', 'b'].entries())
    writeFileSync(
      join(dir, `${part}.jsonl`),
      rows
        .slice(file * 75, file * 75 + 75)
        .map(row => JSON.stringify(row))
        .join('\n'),
    )
  const models = `{ served: { http: "${server.url}", protocol: vllm, model: rm }, tiny: { onnx: ${onnxFolder({ max: 1024 })} } }`
  writeFileSync(join(dir, 'c.yaml'), `name: loop\nsources: [{ path: "*.jsonl" }]\nmodels: ${models}\nsteps: [structure, score]\n`)
  const { code, said } = await run(dir, join(dir, 'c.yaml'), 'out', ['--import', join(import.meta.dirname, 'watch-loop.mjs')])
  expect([code, said.includes('bug')]).toEqual([0, false])
  const turns = JSON.parse(readFileSync(join(dir, 'watched.json'), 'utf8')) as { at: number; ran_ms: number }[]
  const scoring = turns.filter(({ at }) => at > asked[0] && at < asked.at(-1)!)
  expect([asked.length, scoring.length > 10]).toEqual([150, true])
  expect(Math.max(...scoring.map(({ ran_ms }) => ran_ms))).toBeLessThan(50)
})

it('needs no server for what the store holds', async () => {
  const dir = freshDir('http-stored')
  server = await scoreServer()
  const config = configIn(dir, server.url)
  expect((await run(dir, config)).code).toBe(0)
  await server.close()
  expect(await run(dir, config, 'down')).toMatchObject({ code: 0, said: expect.not.stringContaining('cannot be used') })
  writeFileSync(config, readFileSync(config, 'utf8').replace('structure, score', 'structure, exact-dedup, score'))
  const other = await run(dir, config, 'other')
  expect([other.code, other.said]).toEqual([
    0,
    expect.stringContaining('the server cannot be used (ECONNREFUSED); start it, or mend the address'),
  ])
  expect(other.said).toContain('; going on with the scores that the store has')
  writeFileSync(join(dir, 'a.jsonl'), `${readFileSync(join(dir, 'a.jsonl'), 'utf8')}\n{"prompt":"new","chosen":"good","rejected":"poor"}`)
  expect(await run(dir, config, 'more')).toMatchObject({
    code: 2,
    said: expect.stringMatching(/goldpan: models\.served: \S+ the server cannot be used/),
  })
})
