/** What the build took: time, memory and cost, by step. */
import { bars } from '../charts/bars.ts'
import type { Report, Run } from '../report-schema.ts'
import { bytesText, grouped } from '../table.ts'
import { html, type Markup } from './html.ts'
import { duration } from './overview.ts'
import { decimals, figure, number, type Section, table } from './parts.ts'

type Phase = Run['phases'][number]

export function runSection({ run }: Report): Section | undefined {
  if (!run) return undefined
  const body = [
    html`<dl class="facts">${factsOf(run).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`,
    ...costs(run),
    ...(run.phases.some(p => p.tasks > 0)
      ? phaseFigures(joined(run.phases))
      : [html`<p>Everything was in the store already; only the folder was written.</p>`]),
  ]
  return { id: 'run', title: 'Time, memory and cost', body }
}

function factsOf({ started, seconds, cpu_seconds, peak_rss_bytes, threads, phases }: Run): [string, string][] {
  const [made, reused] = [phases.reduce((n, p) => n + p.tasks, 0), phases.reduce((n, p) => n + p.reused, 0)]
  return [
    ['started', started.replace('T', ' ').slice(0, 16)],
    ['took', duration(seconds)],
    ...(cpu_seconds === undefined ? [] : [['processor time', duration(cpu_seconds)] as [string, string]]),
    ...(peak_rss_bytes === undefined ? [] : [['memory at most', bytesText(peak_rss_bytes)] as [string, string]]),
    ...(threads === undefined ? [] : [['threads', String(threads)] as [string, string]]),
    ['tasks taken from the store', `${grouped(reused)} of ${grouped(reused + made)}`],
  ]
}

const MOST_BARS = 15

/** Charts of the phases that took longest, in the order in which they ran; the tables have all. */
function phaseFigures(phases: readonly Phase[]): Markup[] {
  const slowest = new Set([...phases].sort((a, b) => b.seconds - a.seconds).slice(0, MOST_BARS))
  const shown = phases.filter(p => slowest.has(p) && p.seconds > 0)
  const held = phases.filter(p => p.peak_rss_bytes !== undefined)
  const chart = (title: string, of: readonly Phase[], value: (p: Phase) => number, text: (n: number) => string) => (width: number) =>
    bars(
      title,
      of.map(p => ({ label: p.phase, n: value(p), text: text(value(p)), title: `${p.phase}: ${text(value(p))}, ${grouped(p.rows)} rows` })),
      width,
    )
  const times = {
    header: ['phase', '>tasks', '>from the store', '>rows', '>seconds', '>CPU seconds', '>rows/s'],
    rows: phases.map(p => [
      p.phase,
      ...[p.tasks, p.reused, p.rows].map(number),
      p.seconds.toFixed(2),
      decimals(p.cpu_seconds, 2),
      p.seconds > 0 ? number(Math.round(p.rows / p.seconds)) : '–',
    ]),
  }
  const memory = {
    header: ['phase', '>rows', '>memory at most'],
    rows: held.map(p => [p.phase, number(p.rows), bytesText(p.peak_rss_bytes!)]),
  }
  const note = 'What the process with its worker threads held at most during the step; what an earlier step left behind is in it.'
  return [
    figure({ title: 'Time by step', chart: chart('Time by step', shown, p => p.seconds, duration), table: times }),
    ...(held.length > 0
      ? [
          figure({
            title: 'Memory by step',
            note,
            chart: chart(
              'Memory by step',
              held.filter(p => slowest.has(p)),
              p => p.peak_rss_bytes!,
              bytesText,
            ),
            table: memory,
          }),
        ]
      : []),
  ]
}

/** Calls and money, where the run counted them. */
function costs({ cost }: Run): Markup[] {
  if (cost === null || typeof cost !== 'object') return []
  const rows = Object.entries(cost).filter(([, value]) => typeof value === 'number' || typeof value === 'string')
  return rows.length > 0
    ? [
        table({
          header: ['cost', '>value'],
          rows: rows.map(([name, value]) => [name, typeof value === 'number' ? number(value) : String(value)]),
        }),
      ]
    : []
}

/** Phases of one name are one row: times and rows add up, the peak is the highest. */
function joined(phases: readonly Phase[]): Phase[] {
  const rows = new Map<string, Phase>()
  for (const p of phases) {
    const name = p.phase.replace(/ \d+$/, '')
    const row = rows.get(name)
    rows.set(name, row ? together(row, p) : { ...p, phase: name })
  }
  return [...rows.values()]
}

const together = (a: Phase, b: Phase): Phase => ({
  ...a,
  tasks: a.tasks + b.tasks,
  reused: a.reused + b.reused,
  rows: a.rows + b.rows,
  seconds: a.seconds + b.seconds,
  cpu_seconds: (a.cpu_seconds ?? 0) + (b.cpu_seconds ?? 0),
  peak_rss_bytes: Math.max(a.peak_rss_bytes ?? 0, b.peak_rss_bytes ?? 0) || undefined,
})
