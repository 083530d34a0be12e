import * as Plot from '@observablehq/plot'
import type { Report } from '../report-schema.ts'
import { drawn, INK, LINE, MAIN } from './draw.ts'

/** A series, such as a learning curve. */
export function curve({ name, x, y, points }: Report['curves'][number], width: number): string {
  return drawn(name, {
    width,
    height: 220,
    marginLeft: 48,
    marginRight: 16,
    marginTop: 28,
    marginBottom: 38,
    x: { label: x, labelArrow: 'none', labelAnchor: 'center', ticks: 5, tickSize: 3 },
    y: { label: y, labelArrow: 'none', ticks: 4, tickSize: 0, nice: true },
    marks: [
      Plot.gridY({ stroke: LINE, strokeOpacity: 1, ticks: 4 }),
      Plot.line(points, { x: 'x', y: 'y', stroke: MAIN, strokeWidth: 1.6 }),
      Plot.dot(points, { x: 'x', y: 'y', r: 3.5, fill: MAIN, title: (p: { x: number; y: number }) => `${x} ${p.x}: ${y} ${p.y}` }),
      Plot.ruleX([Math.min(...points.map(p => p.x))], { stroke: INK }),
    ],
  })
}
