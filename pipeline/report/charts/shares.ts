import * as Plot from '@observablehq/plot'
import { grouped } from '../table.ts'
import { drawn, FILLS, labelled, OUTCOMES, rowTicks, SOFT } from './draw.ts'

export interface Shares {
  readonly label: string
  readonly parts: Readonly<Record<(typeof OUTCOMES)[number], number>>
}

/** Where the pairs of each row ended, as shares of all of them. */
export function shares(rows: readonly Shares[], width: number): string {
  const names = rows.map(r => r.label)
  const { room, label } = labelled(names, width)
  const total = ({ parts }: Shares): number =>
    Math.max(
      1,
      OUTCOMES.reduce((n, o) => n + parts[o], 0),
    )
  const parts = rows.flatMap((row, i) =>
    OUTCOMES.filter(o => row.parts[o] > 0).map(o => ({
      i,
      share: row.parts[o] / total(row),
      fill: FILLS[o],
      title: `${row.label}: ${o} ${grouped(row.parts[o])} of ${grouped(total(row))}`,
    })),
  )
  return drawn('Where pairs ended, by source', {
    width,
    height: rows.length * 26 + 30,
    marginLeft: room,
    marginRight: 24,
    marginTop: 2,
    marginBottom: 26,
    x: { domain: [0, 1], label: null, tickFormat: (x: number) => `${Math.round(100 * x)} %`, ticks: width < 500 ? 3 : 6, tickSize: 3 },
    y: { ...rowTicks(names, label), padding: 0.26 },
    color: { type: 'identity' },
    marks: [
      Plot.barX(parts, { x: 'share', y: 'i', fill: 'fill', title: 'title', stroke: 'var(--card)', strokeWidth: 0.5 }),
      Plot.ruleX([0], { stroke: SOFT }),
    ],
  })
}
