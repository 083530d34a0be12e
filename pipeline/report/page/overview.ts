/** The head of the page: what came of it, what to look at, the funnel. */
import { bars } from '../charts/bars.ts'
import { FILLS } from '../charts/draw.ts'
import { funnel } from '../charts/funnel.ts'
import { shares } from '../charts/shares.ts'
import type { Report } from '../report-schema.ts'
import { grouped } from '../table.ts'
import { html, type Markup } from './html.ts'
import { figure, number, outcomeLegend, type Section, shareOf } from './parts.ts'

export function headline({ name, totals, run, goldpan }: Report): Markup {
  const kept = totals.train + totals.validation
  const tiles: [string, number, string][] = [
    ['pairs in', totals.pairs_in, totals.rejected > 0 ? `${grouped(totals.rejected)} rows unreadable` : 'every row was read'],
    ['kept', kept, `${shareOf(kept, totals.pairs_in)}, ${grouped(totals.validation)} held out`],
    ['labels turned', totals.flipped, `${shareOf(totals.flipped, kept)} of the kept`],
    ['dropped', totals.dropped, shareOf(totals.dropped, totals.pairs_in)],
    ['quarantine', totals.quarantine, shareOf(totals.quarantine, totals.pairs_in)],
    ['wait for people', totals.review, shareOf(totals.review, totals.pairs_in)],
  ]
  const made = run ? ` on ${run.started.slice(0, 10)}, in ${duration(run.seconds)}` : ''
  return html`<header><p class="brand">goldpan report</p><h1>${name}</h1><p class="soft">Built by goldpan ${goldpan}${made}.</p>
<dl class="tiles">${tiles.map(([what, n, more]) => html`<div><dt>${what}</dt><dd>${number(n)}</dd><dd class="soft">${more}</dd></div>`)}</dl></header>`
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)]
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${Math.round(seconds % 60)} s`
}

const SHOWN_NOTES = 3

export function warnings({ warnings: all }: Report): Section {
  const item = ({ level, about, text, next }: Report['warnings'][number]): Markup =>
    html`<li class="${level}"><b>${about}</b> ${text}${next === undefined ? undefined : html`<br><code>goldpan ${next}</code>`}</li>`
  const [problems, notes] = (['problem', 'note'] as const).map(level => all.filter(w => w.level === level))
  const list = (items: Report['warnings']): Markup => html`<ul class="warnings">${items.map(item)}</ul>`
  const body = [
    problems.length > 0 ? list(problems) : html`<p>Nothing looks wrong.</p>`,
    ...(notes.length > 0 ? [list(notes.slice(0, SHOWN_NOTES))] : []),
    ...(notes.length > SHOWN_NOTES
      ? [html`<details><summary>${notes.length - SHOWN_NOTES} more things to know</summary>${list(notes.slice(SHOWN_NOTES))}</details>`]
      : []),
    ...(all.some(w => w.next) ? [html`<p class="soft">DIR is the folder of this page.</p>`] : []),
  ]
  return { id: 'look', title: 'Look at this first', body }
}

export function funnelSection({ steps, sources }: Report): Section {
  const left = steps.flatMap(s =>
    Object.entries(s.dropped).map(([reason, n]) => ({ step: s.id, reason, n, outcome: s.outcomes[reason] ?? 'drop' })),
  )
  const first = left
    .filter(l => l.n > 0)
    .sort((a, b) => b.n - a.n)
    .slice(0, 25)
  const body = [
    figure({
      title: 'What is left after each step',
      note: 'Solid: pairs that go on. Light: pairs that leave at the step, with their number at the right.',
      chart: width => funnel(steps, width),
      table: {
        header: ['step', 'stage', '>in', '>left', '>out', '>of those that came in'],
        rows: steps.map(s => [
          s.id,
          s.stage,
          number(s.rows_in),
          number(s.rows_in - s.rows_out),
          number(s.rows_out),
          shareOf(s.rows_out, s.rows_in),
        ]),
      },
    }),
    ...(first.length > 0
      ? [
          figure({
            title: 'Why pairs left',
            legend: outcomeLegend([...new Set(first.map(l => l.outcome))]),
            chart: width =>
              bars(
                'Why pairs left',
                first.map(l => ({
                  label: `${l.reason} (${l.step})`,
                  n: l.n,
                  fill: FILLS[l.outcome] ?? FILLS.drop,
                  title: `${l.step}: ${l.reason}, ${grouped(l.n)} to ${l.outcome}`,
                })),
                width,
              ),
            table: { header: ['step', 'reason', 'ends in', '>pairs'], rows: left.map(l => [l.step, l.reason, l.outcome, number(l.n)]) },
          }),
        ]
      : []),
    figure({
      title: 'Where pairs ended, by source',
      legend: outcomeLegend(),
      chart: width => shares(sources.slice(0, 40).map(partsOf), width),
      table: {
        header: ['source', '>in', '>train', '>validation', '>turned', '>review', '>quarantine', '>dropped'],
        rows: sources.map(s => [
          s.source,
          ...[s.pairs_in, s.train, s.validation, s.flipped, s.review, s.quarantine, s.dropped].map(number),
        ]),
      },
    }),
  ]
  return { id: 'funnel', title: 'The funnel', body }
}

const partsOf = (s: Report['sources'][number]) => ({
  label: s.source,
  parts: { keep: s.train + s.validation - s.flipped, flip: s.flipped, review: s.review, quarantine: s.quarantine, drop: s.dropped },
})
