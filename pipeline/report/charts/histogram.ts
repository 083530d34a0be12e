import * as Plot from '@observablehq/plot'
import type { Histogram } from '../report-parts.ts'
import { grouped } from '../table.ts'
import { drawn, FILLS, INK, LINE } from './draw.ts'

/** A signal's values, by where the pair ended. */
export function histogram({ signal, bins }: Histogram, width: number): string {
  const ticks = Math.min(3, Math.max(1, ...bins.map(b => b.n)))
  return drawn(`Distribution of ${signal}`, {
    width,
    height: 150,
    marginLeft: 52,
    marginRight: 16,
    marginTop: 22,
    marginBottom: 38,
    x: { domain: [0, 1], label: signal, labelArrow: 'none', labelAnchor: 'center', ticks: 5, tickSize: 3 },
    y: { label: 'pairs', nice: true, labelArrow: 'none', ticks, tickSize: 0, tickFormat: short },
    color: { type: 'identity' },
    marks: [
      Plot.gridY({ stroke: LINE, strokeOpacity: 1, ticks }),
      Plot.rectY(bins, {
        x1: 'from',
        x2: 'to',
        y1: 0,
        y2: 'n',
        fill: (b: (typeof bins)[0]) => FILLS[b.outcome],
        title: (b: (typeof bins)[0]) => `${signal} ${b.from.toFixed(2)} to ${b.to.toFixed(2)}, ${b.outcome}: ${grouped(b.n)}`,
        insetLeft: 0.5,
        insetRight: 0.5,
      }),
      Plot.ruleY([0], { stroke: INK }),
    ],
  })
}

/** 12,000 as 12k. */
export const short = (n: number): string => (n >= 1e6 ? `${n / 1e6}M` : n >= 1000 ? `${n / 1000}k` : String(n))
