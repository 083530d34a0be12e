/** Runs the fuzzer: each reader in processes of its own, which are watched and started again where one dies, hangs or grows. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { samplesOf } from './samples.mjs'

/** Of all inputs; what others have written in native code gets most. */
const SHARES = { parquet: 0.3, arrow: 0.15, jsonl: 0.15, gzip: 0.1, zstd: 0.1, config: 0.1, judgements: 0.1 }
/** No sample takes more than milliseconds and some megabytes. */
const HANG_MS = 30_000
const MOST_BYTES = 1.2e9
/** Faults of one reader after which it is given up. */
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
    let before = { index: -1, at: performance.now() }
    let ended = ''
    const watch = setInterval(() => {
      const now = noted(note)
      if (now && now.index !== before.index) before = { index: now.index, at: performance.now() }
      else if (performance.now() - before.at > HANG_MS) ended = `no end within ${HANG_MS / 1000} s`
      if (now && now.peak_bytes > MOST_BYTES) ended = `${now.peak_bytes} bytes of memory`
      if (ended) child.kill('SIGKILL')
    }, 500)
    child.on('close', (code, signal) => {
      clearInterval(watch)
      done({ tally: noted(note), failed: code === 0 ? '' : ended || `${signal ?? `exit ${code}`} ${errors}`.trim() })
    })
  })
}

async function fuzzReader(reader, inputs, { dir, seed }) {
  const total = { reader, tried: inputs, read: 0, refused: 0, rows: 0, rejects: 0, faults: [], peak_bytes: 0 }
  const note = join(dir, reader)
  for (let from = 0; from < inputs && total.faults.length < MOST_FAULTS; ) {
    const { tally, failed } = await round([reader, dir, note, `${seed}`, `${from}`, `${inputs}`], note)
    if (!tally) throw new Error(`${reader}: ${failed}`)
    for (const name of ['read', 'refused', 'rows', 'rejects']) total[name] += tally[name]
    total.faults.push(...tally.faults)
    total.peak_bytes = Math.max(total.peak_bytes, tally.peak_bytes)
    if (failed) total.faults.push({ index: tally.index, what: failed })
    from = failed ? tally.index + 1 : inputs
  }
  return total
}

/** `lanes` readers at once. Gives what became of the inputs, by reader. */
export async function fuzz({ inputs, seed, lanes = 2, only }) {
  const dir = mkdtempSync(join(tmpdir(), 'goldpan-fuzz-'))
  try {
    const samples = await samplesOf(dir)
    const held = Object.entries(samples).map(([name, files]) => [name, files.map(({ bytes, rows }) => ({ bytes: bytes.toString('base64'), rows }))])
    writeFileSync(join(dir, 'samples.json'), JSON.stringify(Object.fromEntries(held)))
    const waiting = Object.keys(SHARES).filter(name => !only || only.includes(name))
    const totals = []
    const lane = async () => {
      for (let name = waiting.shift(); name; name = waiting.shift()) totals.push(await fuzzReader(name, Math.round(inputs * SHARES[name]), { dir, seed }))
    }
    await Promise.all(Array.from({ length: lanes }, lane))
    return totals
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
