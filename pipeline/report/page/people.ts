/** What people said, and what that says of the build. */
import { bars } from '../charts/bars.ts'
import { intervals } from '../charts/intervals.ts'
import { undecidedText } from '../people.ts'
import type { Report } from '../report-schema.ts'
import { grouped } from '../table.ts'
import { html, type Markup } from './html.ts'
import { decimals, figure, number, percent, type Section, shareOf, table } from './parts.ts'

type People = NonNullable<Report['people']>

export function peopleSection({ people, sample }: Report): Section | undefined {
  if (!people && !sample) return undefined
  const body = [
    ...(sample ? [sampleFigure(sample)] : []),
    ...(people ? said(people) : [html`<p>Nobody has answered yet: <code>goldpan review DIR</code>.</p>`]),
  ]
  return { id: 'people', title: 'People', body }
}

function sampleFigure({ audit, targeted, strata }: NonNullable<Report['sample']>): Markup {
  const rows = Object.entries(strata)
  const head = `${grouped(audit)} pairs were drawn at random for honest estimates, ${grouped(targeted)} where the signals look worst.`
  if (rows.length === 0) return html`<p>${head}</p>`
  return figure({
    title: 'The sample for people',
    note: head,
    chart: width =>
      bars(
        'Audited pairs by stratum',
        rows.slice(0, 30).map(([label, s]) => ({ label, n: s.audit, title: `${label}: ${grouped(s.audit)} of ${grouped(s.pairs)} pairs` })),
        width,
      ),
    table: {
      header: ['stratum', '>pairs', '>drawn for the audit'],
      rows: rows.map(([name, s]) => [name, number(s.pairs), number(s.audit)]),
    },
  })
}

function said({ answers, pairs, annotators, agreement, estimates }: People): Markup[] {
  const { labels, labels_by_stratum, decisions, decisions_by_stratum = {} } = estimates
  const shares = [
    ...(labels ? [{ label: 'labels that are right', ...labels }] : []),
    ...Object.entries(decisions).map(([name, e]) => ({ label: `${name}: decision supported`, ...e })),
    ...Object.entries(labels_by_stratum).map(([name, e]) => ({ label: `labels of ${name}`, ...e })),
    ...Object.entries(decisions_by_stratum).flatMap(([stratum, of]) =>
      Object.entries(of).map(([name, e]) => ({ label: `${name} in ${stratum}: supported`, ...e })),
    ),
  ].slice(0, 40)
  const figures = Object.entries(agreement ?? {}).flatMap(([label, f]) =>
    typeof f === 'object' && f.value !== null
      ? [{ label: label.replaceAll('_', ' '), value: f.value, low: f.low ?? f.value, high: f.high ?? f.value }]
      : [],
  )
  return [
    html`<p>${number(answers)} answers; ${number(pairs.settled)} of ${number(pairs.asked)} pairs have a verdict.</p>`,
    ...(shares.length > 0
      ? [
          figure({
            title: 'What the audited pairs say of the whole build',
            note: ['Share with its interval of 95 %, weighted by how the pairs were drawn', undecidedText(estimates)]
              .filter(Boolean)
              .join('; '),
            chart: width =>
              intervals(
                'Estimates',
                shares.map(s => ({ label: s.label, value: s.share, low: s.low, high: s.high })),
                width,
                { percent: true },
              ),
            table: {
              header: ['of', '>audited', '>pairs that stand for', '>share', '>low', '>high'],
              rows: shares.map(s => [s.label, number(s.n), number(Math.round(s.pairs)), percent(s.share), percent(s.low), percent(s.high)]),
            },
          }),
        ]
      : []),
    ...(figures.length > 0
      ? [
          figure({
            title: 'Agreement of annotators',
            chart: width => intervals('Agreement of annotators', figures, width, { zero: 0 }),
            table: {
              header: ['figure', '>value', '>low', '>high'],
              rows: figures.map(f => [f.label, decimals(f.value), decimals(f.low), decimals(f.high)]),
            },
          }),
        ]
      : []),
    ...(annotators.length > 0
      ? [
          html`<h3>Annotators</h3>`,
          table({
            header: [
              'annotator',
              '>answers',
              '>accuracy',
              '>as the others',
              '>gold checks right',
              '>repeats alike',
              '>e-value',
              '>median s',
            ],
            rows: annotators.slice(0, 50).map(annotatorRow),
          }),
        ]
      : []),
  ]
}

const annotatorRow = (a: People['annotators'][number]): string[] => {
  const share = (value: unknown): string => (typeof value === 'number' ? shareOf(value, 1) : '–')
  const shareIn = (value: unknown, n: unknown): string => (typeof value === 'number' ? `${shareOf(value, 1)} of ${n}` : '–')
  return [
    a.annotator,
    number(a.answers),
    share(a.accuracy),
    share(a.with_others),
    shareIn(a.gold_right, a.gold),
    shareIn(a.consistent, a.repeats),
    typeof a.e_value === 'number' ? (a.e_value >= 20 ? `${decimals(a.e_value, 0)}: look at this one` : decimals(a.e_value, 1)) : '–',
    typeof a.median_seconds === 'number' ? decimals(a.median_seconds, 1) : '–',
  ]
}
