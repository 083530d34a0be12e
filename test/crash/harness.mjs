/** Breaks builds in every way known and sees that the next run ends with the same manifest. */
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { draws } from '../draws.mjs'

const ROOT = join(import.meta.dirname, '../..')
const CLI = join(ROOT, 'dist/pipeline/cli.js')
const FAULTS = join(import.meta.dirname, 'faults.cjs')
const QUICKSTART = join(ROOT, 'configs/quickstart.yaml')
/** Done, or done and people are waited for. */
const ENDED = [0, 3]

/** A config with a folder of its own for store and output, and what an undisturbed build of it gives. */
export class Subject {
  constructor(name, config, corpus) {
    this.name = name
    this.corpus = corpus
    this.config = config
    this.dir = mkdtempSync(join(tmpdir(), `goldpan-crash-${name}-`))
    this.store = join(this.dir, 'store')
    this.out = join(this.dir, 'out')
    const log = join(this.dir, 'points.json')
    const started = performance.now()
    this.mustEnd(this.run({ log }))
    this.ms = performance.now() - started
    this.points = JSON.parse(readFileSync(log, 'utf8'))
    this.manifest = this.manifestText()
    this.rows = JSON.parse(this.manifest).totals.pairs_in
    cpSync(this.store, `${this.store}-full`, { recursive: true })
  }

  manifestText() {
    const path = join(this.out, 'manifest.json')
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined
  }

  command(threads, fault) {
    const roots = { store: this.store, out: this.out }
    const env = { ...process.env, NO_COLOR: '1', ...(fault ? { GOLDPAN_FAULT: JSON.stringify({ roots, ...fault }) } : {}) }
    const files = [CLI, 'run', this.config, '--out', this.out, '--store', this.store, '--threads', String(threads), '--progress', 'none']
    return { args: [...(fault ? ['--require', FAULTS] : []), ...files], env }
  }

  /** Runs to the end, with one fault if one is given. */
  run(fault, threads = fault ? 0 : 2) {
    const { args, env } = this.command(threads, fault)
    return spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  }

  /** Runs and sends a signal after some time; what the process ended with and said. */
  interrupted(signal, after_ms, threads = 2) {
    const { args, env } = this.command(threads)
    return new Promise(done => {
      const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
      let stderr = ''
      child.stderr.on('data', chunk => (stderr += chunk))
      const timer = setTimeout(() => child.kill(signal), after_ms)
      child.on('close', (code, by) => {
        clearTimeout(timer)
        done({ code, by, stderr })
      })
    })
  }

  fresh() {
    for (const folder of [this.store, this.out]) rmSync(folder, { recursive: true, force: true })
  }

  /** All is worked out, nothing is published. */
  unpublished() {
    this.fresh()
    cpSync(`${this.store}-full`, this.store, { recursive: true })
  }

  mustEnd({ status, stderr }) {
    if (!ENDED.includes(status)) throw new Error(`${this.name}: exit ${status}\n${stderr}`)
  }

  /** What is visible is whole: a manifest that is there is the right one. */
  mustBeWhole(what) {
    const text = this.manifestText()
    if (text !== undefined && text !== this.manifest) throw new Error(`${this.name}, ${what}: another manifest is visible`)
  }

  /** The next run loses nothing and ends with the same manifest and sound files. */
  mustRecover(what) {
    this.mustBeWhole(what)
    this.mustEnd(this.run(undefined, 0))
    if (this.manifestText() !== this.manifest) throw new Error(`${this.name}, ${what}: the next run gives another manifest`)
    const left = readdirSync(this.out).filter(name => name.startsWith('.goldpan'))
    if (left.length > 0) throw new Error(`${this.name}, ${what}: ${left.join(', ')} left in the output folder`)
  }

  mustVerify() {
    const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'verify', this.out], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`${this.name}: verify fails\n${stdout}${stderr}`)
  }

  /** Files that were written and not flushed are cut or emptied, as a file system may leave them when the power goes. */
  losePower(random) {
    const durable = this.manifestText() !== undefined
    for (const path of filesIn(this.store)) {
      const { size, nlink } = statSync(path)
      if (path.endsWith('.json') || (durable && nlink > 1) || random() > 0.3) continue
      truncateSync(path, Math.floor(size * random()))
    }
  }

  remove() {
    for (const folder of [this.dir, this.corpus]) if (folder) rmSync(folder, { recursive: true, force: true })
  }
}

function* filesIn(folder) {
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (lstatSync(path).isDirectory()) yield* filesIn(path)
    else yield path
  }
}

export const quickstart = () => new Subject('quickstart', QUICKSTART)

/** A made-up corpus of several shards. */
export function synthetic(pairs = 1200) {
  const dir = mkdtempSync(join(tmpdir(), 'goldpan-crash-corpus-'))
  const corpus = join(dir, 'corpus')
  const made = spawnSync(process.execPath, [CLI, 'synth', '--pairs', `${pairs}`, '--seed', '9', '--out', corpus, '--shard-pairs', `${pairs / 4}`, '--mean-bytes', '600'])
  if (made.status !== 0) throw new Error(`synth: ${made.stderr}`)
  mkdirSync(dir, { recursive: true })
  const config = join(corpus, 'crash.yaml')
  writeFileSync(
    config,
    'name: crash\nsources: [{ path: "pairs-*.jsonl" }]\nbenchmarks: ["benchmarks/*.jsonl"]\nsteps: [structure, exact-dedup, near-dup, decontaminate]\noutput: { splits: { validation: 0.05 }, publish_without_review: true }\n',
  )
  return new Subject('synthetic', config, dir)
}

/** Kills at random moments, the build going on between; then over again. */
export async function randomKills(subject, kills, seed) {
  const random = draws(seed)
  let survived = 0
  let builds = 0
  subject.fresh()
  for (let tried = 0; tried < kills; ) {
    const { code, by, stderr } = await subject.interrupted('SIGKILL', random() * subject.ms * 1.2)
    subject.mustBeWhole(`kill ${tried}`)
    if (by === 'SIGKILL') {
      tried++
      survived++
      if (random() < 0.2) subject.losePower(random)
    } else {
      if (!ENDED.includes(code) || subject.manifestText() !== subject.manifest) throw new Error(`${subject.name}: exit ${code} after ${tried} kills\n${stderr}`)
      builds++
      subject.fresh()
    }
  }
  subject.mustRecover('the last kill')
  subject.mustVerify()
  return { survived, tried: kills, builds: builds + 1 }
}

/**
 * At every fault point (or `most` of them by the seed) dies before the operation, after it, and in the middle of writing. What is done to the
 * output folder is done when all else has been: those builds find the rest in the store.
 */
export function everyPoint(subject, seed, most = Number.POSITIVE_INFINITY) {
  const random = draws(seed)
  const all = Object.entries(subject.points)
    .filter(([id]) => !id.startsWith('readSync'))
    .map(entry => ({ entry, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ entry }) => entry)
  const points = all.slice(0, most)
  let deaths = 0
  for (const [point, { n, write }] of points)
    for (const kind of ['before', 'after', ...(write ? ['half'] : [])]) {
      if (point.includes(' out/')) subject.unpublished()
      else subject.fresh()
      const { signal } = subject.run({ point, nth: 1 + Math.floor(random() * n), kind })
      if (signal === 'SIGKILL') deaths++
      if (random() < 0.5) subject.losePower(random)
      subject.mustRecover(`${kind} ${point}`)
    }
  return { covered: points.length, of: all.length, deaths }
}

/** Errors that a file system or the system gives: one line for the user, exit 2, and the next run goes on. */
export function everyError(subject, seed, most = Number.POSITIVE_INFINITY) {
  const random = draws(seed)
  const cases = Object.entries(subject.points).flatMap(([point, { n, write }]) => [
    ...(write && point.includes('store/') ? [{ point, n, kind: 'ENOSPC' }] : []),
    ...(point === 'openSync store/tmp' || point === 'openSync store/objects' ? [{ point, n, kind: 'EMFILE' }] : []),
    ...(point === 'readSync store/objects' ? [{ point, n, kind: 'EIO' }] : []),
  ])
  let told = 0
  for (const { point, n, kind } of cases.slice(0, most)) {
    subject.fresh()
    const { status, stderr } = subject.run({ point, nth: 1 + Math.floor(random() * n), kind })
    // A note that cannot be written (digests) is no fault; all else is told in a line.
    if (!ENDED.includes(status)) {
      if (status !== 2 || stderr.trim().split('\n').length !== 1) throw new Error(`${kind} at ${point}: exit ${status}\n${stderr}`)
      told++
    }
    subject.mustRecover(`${kind} ${point}`)
  }
  return { tried: Math.min(most, cases.length), told }
}

/** Signals that ask to stop let running tasks end: exit 130. */
export async function signals(subject, seed, times) {
  const random = draws(seed)
  let stopped = 0
  for (let i = 0; i < times; i++) {
    subject.fresh()
    const { code, by } = await subject.interrupted(i % 2 === 0 ? 'SIGINT' : 'SIGTERM', subject.ms * (0.3 + 0.5 * random()))
    if (code === 130) stopped++
    else if (!ENDED.includes(code) && by === null) throw new Error(`exit ${code} after a signal`)
    subject.mustRecover('a signal')
  }
  return { tried: times, stopped }
}

/** A worker that ends in the middle of a task. */
export function workerDeaths(subject, seed, times) {
  const random = draws(seed)
  let ended = 0
  for (let i = 0; i < times; i++) {
    subject.fresh()
    const { status, stderr } = subject.run({ point: 'linkSync store/objects', nth: 1 + Math.floor(random() * 20), kind: 'worker' }, 2)
    if (status === 2 && stderr.includes('a worker thread ended')) ended++
    else if (!ENDED.includes(status)) throw new Error(`exit ${status}\n${stderr}`)
    subject.mustRecover('a dead worker')
  }
  return { tried: times, ended }
}
