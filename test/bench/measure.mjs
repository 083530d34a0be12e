/** Runs a command and tells what it cost: wall and CPU seconds of it and its children, peak resident memory. Linux only. */
import { spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

export const CLI = join(import.meta.dirname, '../../dist/pipeline/cli.js')

const TICKS_PER_SECOND = 100

/** Two neighbouring fields of proc(5) stat, user and system time, in seconds; counted from the one after the command. */
function cpuFields(pid, at) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ')
  return (Number(fields[at]) + Number(fields[at + 1])) / TICKS_PER_SECOND
}

/** CPU seconds of all children that have ended. */
const childrenCpu = () => cpuFields('self', 13)
/** CPU seconds of a process. */
export const cpuOf = pid => cpuFields(pid, 11)

/** MB; 0 where the process is gone. */
export function residentPeak(pid) {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** @returns {Promise<{wall_s: number, cpu_s: number, rss_mb: number, stdout: string}>} */
export async function measure(command, args, options = {}) {
  const before = childrenCpu()
  const start = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  let stdout = ''
  let stderr = ''
  let rss_mb = 0
  child.stdout.on('data', chunk => (stdout += chunk))
  child.stderr.on('data', chunk => (stderr += chunk))
  const watch = setInterval(() => (rss_mb = Math.max(rss_mb, residentPeak(child.pid))), 20)
  const code = await new Promise(resolve => child.on('close', resolve))
  clearInterval(watch)
  if (code !== 0 && !options.codes?.includes(code)) throw new Error(`${command} ${args.join(' ')}: exit ${code}\n${stderr}`)
  return { wall_s: (performance.now() - start) / 1000, cpu_s: childrenCpu() - before, rss_mb, stdout }
}

/** Of three runs the one in the middle by CPU: they differ by a third, and the first writes into memory that a virtual machine has not touched. */
export async function middleOfThree(run) {
  const runs = []
  for (let i = 0; i < 3; i++) runs.push(await run())
  return runs.sort((a, b) => a.cpu_s - b.cpu_s)[1]
}

/** The floor that builds are held against: DuckDB reading and writing the Parquet files of a folder. */
export async function duckdbCopy(dir) {
  const copy = join(dir, 'copy.parquet')
  return middleOfThree(async () => {
    const cost = await measure('node', [join(import.meta.dirname, 'duckdb-copy.mjs'), join(dir, 'pairs-*.parquet'), copy])
    rmSync(copy)
    return cost
  })
}

export const fixed = (n, digits = 1) => n.toFixed(digits)

/** A Markdown table. */
export function table(head, rows) {
  const line = cells => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
