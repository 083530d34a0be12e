/** Licences, languages, lengths; and what the build took. */
import { bars } from '../charts/bars.ts'
import { quarters } from '../charts/quarters.ts'
import type { Report, Run } from '../report-schema.ts'
import { bytesText, grouped } from '../table.ts'
import { html, type Markup } from './html.ts'
import { duration } from './overview.ts'
import { figure, number, type Section, shareOf, table } from './parts.ts'

export function corpusSection(report: Report): Section {
  const { licenses, languages, label_kinds, lengths, inputs, sources } = report
  const body = [
    ...counted('Licences of the kept pairs', 'licence', licenses),
    ...counted('Languages of the kept pairs', 'language', languages),
    ...counted('Who judged the kept pairs', 'label kind', label_kinds),
    ...lengthFigures(lengths),
    html`<h3>Licences by source</h3>`,
    table({
      header: ['source', 'licences', 'languages', '>kept'],
      rows: sources.map(s => [s.source, list(s.licenses), list(s.languages), number(s.train + s.validation)]),
    }),
    html`<h3>Inputs</h3>`,
    table({
      header: ['file', 'format', '>size', '>rows', '>unreadable', '>pairs'],
      rows: inputs.map(i => [i.path, i.format, bytesText(i.bytes), number(i.rows), number(i.rejected), number(i.pairs)]),
    }),
  ]
  return { id: 'corpus', title: 'What it is made of', body }
}

const list = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, n]) => `${name || 'not stated'} ${grouped(n)}`)
    .join(', ')

function counted(title: string, what: string, counts: Readonly<Record<string, number>>): Markup[] {
  const rows = Object.entries(counts).sort(([, a], [, b]) => b - a)
  const total = rows.reduce((n, [, k]) => n + k, 0)
  if (rows.length === 0) return []
  return [
    figure({
      title,
      chart: width =>
        bars(
          title,
          rows.slice(0, 20).map(([label, n]) => ({
            label: label || 'not stated',
            n,
            title: `${label || 'not stated'}: ${grouped(n)}, ${shareOf(n, total)}`,
          })),
          width,
        ),
      table: { header: [what, '>pairs', '>share'], rows: rows.map(([name, n]) => [name || 'not stated', number(n), shareOf(n, total)]) },
    }),
  ]
}

function lengthFigures({ pair_bytes, sources }: Report['lengths']): Markup[] {
  const note = pair_bytes
    ? `Prompt and longer answer together: ${grouped(pair_bytes.median)} bytes in the median, ${grouped(pair_bytes.p99)} at the 99th percentile, ${grouped(pair_bytes.max)} at most.`
    : undefined
  if (sources.length === 0) return note ? [html`<h3>Lengths</h3><p>${note}</p>`] : []
  return [
    figure({
      title: 'Lengths of answers',
      note: note ? `Middle half and median of the bytes of an answer. ${note}` : 'Middle half and median of the bytes of an answer.',
      legend: html`<ul class="legend"><li><span class="dot"></span> chosen</li><li><span class="ring"></span> rejected</li></ul>`,
      chart: width => quarters(sources.slice(0, 30), width),
      table: {
        header: ['source', '>pairs', '>chosen 25 %', '>50 %', '>75 %', '>rejected 25 %', '>50 %', '>75 %'],
        rows: sources.map(s => [
          s.source,
          ...[
            s.pairs,
            s.chosen_quarter,
            s.chosen_median,
            s.chosen_three_quarters,
            s.rejected_quarter,
            s.rejected_median,
            s.rejected_three_quarters,
          ].map(number),
        ]),
      },
    }),
  ]
}

export function runSection({ run }: Report): Section | undefined {
  if (!run) return undefined
  const phases = joined(run.phases)
  const slow = [...phases].sort((a, b) => b.seconds - a.seconds).slice(0, 15)
  const made = run.phases.some(p => p.tasks > 0)
  const facts: [string, string][] = [
    ['started', run.started.replace('T', ' ').slice(0, 16)],
    ['took', duration(run.seconds)],
    ...(run.cpu_seconds === undefined ? [] : [['processor time', duration(run.cpu_seconds)] as [string, string]]),
    ...(run.peak_rss_bytes === undefined ? [] : [['memory at most', bytesText(run.peak_rss_bytes)] as [string, string]]),
    ...(run.threads === undefined ? [] : [['threads', String(run.threads)] as [string, string]]),
    [
      'tasks taken from the store',
      `${grouped(run.phases.reduce((n, p) => n + p.reused, 0))} of ${grouped(run.phases.reduce((n, p) => n + p.reused + p.tasks, 0))}`,
    ],
  ]
  const body = [
    html`<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`,
    ...costs(run),
    ...(made
      ? [
          figure({
            title: 'Time by step',
            chart: width =>
              bars(
                'Time by step',
                slow
                  .filter(p => p.seconds > 0)
                  .map(p => ({
                    label: p.phase,
                    n: p.seconds,
                    text: duration(p.seconds),
                    title: `${p.phase}: ${duration(p.seconds)}, ${grouped(p.rows)} rows`,
                  })),
                width,
              ),
            table: {
              header: ['phase', '>tasks', '>from the store', '>rows', '>seconds', '>rows/s'],
              rows: phases.map(p => [
                p.phase,
                number(p.tasks),
                number(p.reused),
                number(p.rows),
                p.seconds.toFixed(2),
                p.seconds > 0 ? number(Math.round(p.rows / p.seconds)) : '–',
              ]),
            },
          }),
        ]
      : [html`<p>Everything was in the store already; only the folder was written.</p>`]),
  ]
  return { id: 'run', title: 'Time and cost', body }
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

/** Phases of one name are one row. */
function joined(phases: Run['phases']): Run['phases'] {
  const sums = new Map<string, Run['phases'][number]>()
  for (const p of phases) {
    const name = p.phase.replace(/ \d+$/, '')
    const sum = sums.get(name)
    sums.set(
      name,
      sum
        ? { ...sum, tasks: sum.tasks + p.tasks, reused: sum.reused + p.reused, rows: sum.rows + p.rows, seconds: sum.seconds + p.seconds }
        : { ...p, phase: name },
    )
  }
  return [...sums.values()]
}
