import * as Plot from '@observablehq/plot'
import { grouped } from '../table.ts'
import { CARD, drawn, INK, LINE, labelled, MAIN, rowTicks } from './draw.ts'

export interface Bar {
  readonly label: string
  readonly n: number
  /** Read on hover. */
  readonly title?: string
  readonly fill?: string
  /** At the end of the bar; the number by default. */
  readonly text?: string
}

/** Bars from the left, each with its number at its end; `mark` is a value to compare with. */
export function bars(label: string, rows: readonly Bar[], width: number, mark?: number): string {
  const names = rows.map(r => r.label)
  const { room, label: short } = labelled(names, width)
  const text = (r: Bar): string => r.text ?? grouped(r.n)
  const most = Math.max(1e-9, mark ?? 0, ...rows.map(r => r.n))
  return drawn(label, {
    width,
    height: rows.length * 26 + 8,
    marginLeft: room,
    marginRight: 10 + 7 * Math.max(...rows.map(r => text(r).length)),
    marginTop: 2,
    marginBottom: 4,
    x: { domain: [0, most], axis: null },
    y: { ...rowTicks(names, short), padding: 0.28 },
    marks: [
      Plot.barX(rows, {
        x: 'n',
        y: (_: Bar, i: number) => i,
        fill: (r: Bar) => r.fill ?? MAIN,
        title: (r: Bar) => r.title ?? `${r.label}: ${text(r)}`,
        insetLeft: 0,
        rx: 2,
      }),
      Plot.ruleX([0], { stroke: LINE }),
      ...(mark === undefined ? [] : [Plot.ruleX([mark], { stroke: INK, strokeDasharray: '4,3' })]),
      Plot.text(rows, {
        x: 'n',
        y: (_: Bar, i: number) => i,
        text,
        textAnchor: 'start',
        dx: 6,
        fill: INK,
        stroke: CARD,
        strokeWidth: 4,
        fontVariant: 'tabular-nums',
      }),
    ],
    color: { type: 'identity' },
  })
}
