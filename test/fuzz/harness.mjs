/** Runs the fuzzer: readers in processes of their own, which are watched and started again where one dies, hangs or grows. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { samplesOf } from './samples.mjs'

/** Of all inputs; what others have written in native code gets most. */
const SHARES = { parquet: 0.3, arrow: 0.15, jsonl: 0.15, gzip: 0.1, zstd: 0.1, config: 0.1, judgements: 0.1 }
/** Readers of one process, for each a core. */
const GROUPS = [
  ['parquet', 'config'],
  ['arrow', 'jsonl', 'gzip', 'zstd', 'judgements'],
]
/** No sample takes more than milliseconds and some megabytes. */
const HANG_MS = 30_000
const MOST_BYTES = 1.2e9
/** Faults after which the processes of a group are given up. */
const MOST_FAULTS = 20

const CHILD = join(import.meta.dirname, 'child.mjs')

function noted(note) {
  try {
    return JSON.parse(readFileSync(note, 'utf8').split('\n')[0])
  } catch {
    return undefined
  }
}

/** One process until it ends or must be ended; the last note it left. */
function round(args, note) {
  return new Promise(done => {
    const child = spawn(process.execPath, ['--max-old-space-size=512', CHILD, ...args], { stdio: ['ignore', 'inherit', 'pipe'] })
    let errors = ''
    child.stderr.on('data', text => (errors = (errors + text).slice(-600)))
    let before = { index: '', at: performance.now() }
    let ended = ''
    const watch = setInterval(() => {
      const now = noted(note)
      const index = now?.tallies.at(-1)?.index ?? -1
      const { length } = now?.tallies ?? []
      if (`${length} ${index}` !== before.index) before = { index: `${length} ${index}`, at: performance.now() }
      else if (performance.now() - before.at > HANG_MS) ended = `no end within ${HANG_MS / 1000} s`
      if (now && now.peak_bytes > MOST_BYTES) ended = `${now.peak_bytes} bytes of memory`
      if (ended) child.kill('SIGKILL')
    }, 500)
    child.on('close', (code, signal) => {
      clearInterval(watch)
      done({ said: noted(note), failed: code === 0 ? '' : ended || `${signal ?? `exit ${code}`} ${errors}`.trim() })
    })
  })
}

/** The totals of some readers, each with its number of inputs. */
async function fuzzGroup(group, { dir, seed }) {
  const totals = group.map(([reader, tried]) => ({ reader, tried, read: 0, refused: 0, rows: 0, rejects: 0, faults: [], peak_bytes: 0 }))
  const note = join(dir, group[0][0])
  let jobs = group.map(([reader, inputs]) => [reader, 0, inputs])
  for (let faults = 0; jobs.length > 0 && faults < MOST_FAULTS; ) {
    const { said, failed } = await round([dir, note, `${seed}`, JSON.stringify(jobs)], note)
    if (!said?.tallies.length) throw new Error(`${note}: ${failed}`)
    for (const tally of said.tallies) {
      const total = totals.find(({ reader }) => reader === tally.reader)
      for (const name of ['read', 'refused', 'rows', 'rejects']) total[name] += tally[name]
      total.faults.push(...tally.faults)
      total.peak_bytes = Math.max(total.peak_bytes, said.peak_bytes)
    }
    const { reader, index } = said.tallies.at(-1)
    if (failed) totals.find(total => total.reader === reader).faults.push({ index, what: failed })
    faults = totals.reduce((sum, total) => sum + total.faults.length, 0)
    jobs = failed ? jobs.slice(said.tallies.length - 1).map((job, k) => (k === 0 ? [reader, index + 1, job[2]] : job)) : []
  }
  return totals
}

/** What became of the inputs, by reader. */
export async function fuzz({ inputs, seed, only }) {
  const dir = mkdtempSync(join(tmpdir(), 'goldpan-fuzz-'))
  try {
    const samples = await samplesOf(dir)
    const held = Object.entries(samples).map(([name, files]) => [name, files.map(({ bytes, rows }) => ({ bytes: bytes.toString('base64'), rows }))])
    writeFileSync(join(dir, 'samples.json'), JSON.stringify(Object.fromEntries(held)))
    const asked = GROUPS.map(group => group.filter(name => !only || only.includes(name)).map(name => [name, Math.round(inputs * SHARES[name])]))
    return (await Promise.all(asked.filter(group => group.length > 0).map(group => fuzzGroup(group, { dir, seed })))).flat()
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
