import * as Plot from '@observablehq/plot'
import type { ReportStep } from '../report-schema.ts'
import { grouped } from '../table.ts'
import { drawn, FILLS, INK, LINE, labelled, MAIN, rowTicks, SOFT } from './draw.ts'

/** What is left of the stream after each step, and what left there. */
export function funnel(steps: readonly ReportStep[], width: number): string {
  const names = steps.map(s => s.id)
  const { room, label } = labelled(names, width)
  const parts = steps.flatMap((s, i) => [
    { i, n: s.rows_out, fill: MAIN, title: `${s.id}: ${grouped(s.rows_out)} of ${grouped(s.rows_in)} go on` },
    { i, n: s.rows_in - s.rows_out, fill: FILLS.drop, title: `${s.id}: ${grouped(s.rows_in - s.rows_out)} leave` },
  ])
  const left = (s: ReportStep): string => (s.rows_in > s.rows_out ? `−${grouped(s.rows_in - s.rows_out)}` : '0')
  return drawn('Pairs after each step', {
    width,
    height: steps.length * 28 + 8,
    marginLeft: room,
    marginRight: 74,
    marginTop: 2,
    marginBottom: 4,
    x: { domain: [0, Math.max(1, ...steps.map(s => s.rows_in))], axis: null },
    y: { ...rowTicks(names, label), padding: 0.22 },
    color: { type: 'identity' },
    marks: [
      Plot.barX(parts, { x: 'n', y: 'i', fill: 'fill', title: 'title' }),
      Plot.text(steps, {
        x: 0,
        y: (_: ReportStep, i: number) => i,
        text: (s: ReportStep) => grouped(s.rows_out),
        textAnchor: 'start',
        dx: 8,
        fill: 'var(--on-main)',
        fontVariant: 'tabular-nums',
        filter: (s: ReportStep) => s.rows_out > 0.2 * steps[0].rows_in,
      }),
      Plot.text(steps, {
        y: (_: ReportStep, i: number) => i,
        frameAnchor: 'right',
        text: left,
        textAnchor: 'end',
        dx: 70,
        fill: (s: ReportStep) => (s.rows_in > s.rows_out ? INK : SOFT),
        fontVariant: 'tabular-nums',
      }),
      Plot.ruleX([0], { stroke: LINE }),
    ],
  })
}
