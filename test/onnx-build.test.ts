/** A build that scores with a reward model from an ONNX folder, through the built command line. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Manifest } from '../pipeline/manifest.ts'
import type { Report } from '../pipeline/report/report-schema.ts'
import { CLI, freshDir, goldpan, rowsOf } from './cli.ts'
import { onnxFolder } from './onnx-folder.ts'

/** Of the cache, once scores are in it. */
const SOME_BYTES = 50_000
const keptBytes = (dir: string): number => statSync(join(dir, 'store/scores/data.mdb'), { throwIfNoEntry: false })?.size ?? 0

/** Scoring processes of a run: its children that run onnx-child.js. */
function scoringOf(run: number): number[] {
  const command = (pid: number): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    } catch {
      return ''
    }
  }
  const children = readdirSync(`/proc/${run}/task`).flatMap(task =>
    readFileSync(`/proc/${run}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
  return children.filter(pid => command(pid).includes('onnx-child'))
}

it.skipIf(process.platform !== 'linux')(
  'loses nothing and scores nothing twice when a scoring process is killed in mid-batch',
  async () => {
    const dir = freshDir('onnx-killed')
    const words = Array.from({ length: 200 }, (_, k) => 'abd.'.charAt(k % 4)).join(' ')
    const pairs = Array.from({ length: 700 }, (_, i) => ({ prompt: `a ${i}`, chosen: `${words} c ${i}`, rejected: `${words} ${i}` }))
    writeFileSync(join(dir, 'a.jsonl'), pairs.map(pair => JSON.stringify(pair)).join('\n'))
    const models = `{ tiny: { onnx: ${onnxFolder()} } }`
    writeFileSync(join(dir, 'c.yaml'), `name: killed\nsources: [{ path: a.jsonl }]\nmodels: ${models}\nsteps: [score]\n`)
    const args = ['run', join(dir, 'c.yaml'), '--out', join(dir, 'out'), '--store', join(dir, 'store'), '--threads', '1']
    const run = spawn(process.execPath, [CLI, ...args], { stdio: 'ignore' })
    const ended = once(run, 'close')
    const seen = new Set<number>()
    let killed: number | undefined
    // the first process is the trial before the run
    while (killed === undefined && run.exitCode === null) {
      for (const pid of scoringOf(run.pid!)) seen.add(pid)
      const [, scoring] = seen
      if (scoring !== undefined && keptBytes(dir) > SOME_BYTES && process.kill(scoring, 'SIGKILL')) killed = scoring
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    const [code] = await ended
    expect([code, killed]).toEqual([0, expect.any(Number)])
    const told = `SELECT count(*)::INT AS n, min(margin_tiny)::DOUBLE AS low, max(margin_tiny)::DOUBLE AS high FROM '{dir}/ledger/*.parquet'`
    expect(await rowsOf(join(dir, 'out'), told)).toEqual([{ n: 700, low: 128, high: 128 }])
  },
)

it('counts texts that a model reads in part, whether their scores are new or kept', async () => {
  const dir = freshDir('onnx-cut')
  const long = 'd '.repeat(20)
  const pairs = [
    { prompt: 'a', chosen: 'b', rejected: 'c' },
    { prompt: `${long}a`, chosen: 'b', rejected: 'c' },
    // the chosen side has room enough, the rejected one has not
    { prompt: 'a b c d', chosen: '', rejected: 'b c d' },
    { prompt: 'a', chosen: long, rejected: 'c' },
  ]
  writeFileSync(join(dir, 'a.jsonl'), pairs.map(pair => JSON.stringify(pair)).join('\n'))
  const config = join(dir, 'c.yaml')
  const start = `name: cut\nsources: [{ path: a.jsonl }]\nmodels: { tiny: { onnx: ${onnxFolder({ max: 8 })} } }\n`
  const built = (out: string, steps: string): string => {
    writeFileSync(config, `${start}steps: [${steps}]\n`)
    const said = goldpan(['run', config, '--out', join(dir, out), '--store', join(dir, 'store')])
    expect(said).toMatchObject({ code: 0, stdout: expect.stringMatching(/score .*unscored by tiny 1, texts cut for tiny 3/) })
    return join(dir, out)
  }
  const stepIn = <R extends { steps: readonly { stage: string }[] }>(out: string, file: string): R['steps'][number] =>
    (JSON.parse(readFileSync(join(out, file), 'utf8')) as R).steps.find(({ stage }) => stage === 'score')!
  const told = { truncated: { margin_tiny: 3 }, unscored: { margin_tiny: 1 } }
  const fresh = built('fresh', 'score, disagreement')
  expect(stepIn<Manifest>(fresh, 'manifest.json')).toMatchObject(told)
  expect(stepIn<Report>(fresh, 'report.json')).toMatchObject(told)
  const page = readFileSync(join(fresh, 'report.html'), 'utf8')
  expect(page.split('Not read whole').at(1)?.slice(0, 600)).toMatch(/<td>tiny<\/td><td[^>]*>3<\/td><td[^>]*>1<\/td>/)
  expect(page.match(/tiny: 3 texts are longer than it takes|tiny: 1 pairs have no score/g)).toHaveLength(2)
  expect(stepIn<Manifest>(built('kept', 'exact-dedup, score'), 'manifest.json')).toMatchObject(told)
})

it('fills margin_NAME from an ONNX folder named in the config', async () => {
  const dir = freshDir('onnx-build')
  const pairs = Array.from({ length: 40 }, (_, i) => ({ id: `r${i}`, prompt: `a ${i}`, chosen: `b c ${i}`, rejected: `b ${i}` }))
  writeFileSync(join(dir, 'a.jsonl'), pairs.map(pair => JSON.stringify(pair)).join('\n'))
  writeFileSync(
    join(dir, 'c.yaml'),
    `name: onnx\nsources: [{ path: a.jsonl }]\nmodels: { tiny: { onnx: ${onnxFolder()} } }\nsteps: [structure, score, disagreement, decide]\noutput: { signals: [margin_tiny, p_tiny], margin: tiny, publish_without_review: true }\n`,
  )
  const args = (out: string, threads: string) => [
    'run',
    join(dir, 'c.yaml'),
    '--out',
    join(dir, out),
    '--store',
    join(dir, `store-${out}`),
    '--threads',
    threads,
  ]
  const said = goldpan(args('out', '2'))
  expect([said.code, said.stderr.includes('bug')]).toEqual([0, false])
  // A word weighs two to the power of its place in the vocabulary; `c` has place 7.
  const margins = await rowsOf(join(dir, 'out'), `SELECT DISTINCT margin_tiny::DOUBLE AS margin FROM '{dir}/ledger/*.parquet'`)
  expect(margins).toEqual([{ margin: 128 }])
  expect(
    await rowsOf(join(dir, 'out'), `SELECT count(*)::INT AS n FROM '{dir}/train/*.parquet' WHERE margin = 128 AND p_tiny > 0.5`),
  ).toEqual([{ n: 40 }])
})
