/** Licences, languages, lengths, inputs. */
import { bars } from '../charts/bars.ts'
import { quarters } from '../charts/quarters.ts'
import type { Report } from '../report-schema.ts'
import { bytesText, grouped } from '../table.ts'
import { html, type Markup } from './html.ts'
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
