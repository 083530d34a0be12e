import * as Plot from '@observablehq/plot'
import type { Model } from '../report-parts.ts'
import { grouped } from '../table.ts'
import { drawn, INK, LINE, MAIN, SOFT } from './draw.ts'

const shown = (p: number): string => p.toFixed(2)

/** How often a model is right against how sure it is; on the diagonal it is as right as it says. Thin lines are intervals of 95 %; the size of a dot is its share of pairs. */
export function reliability({ name, bins }: Model, width: number): string {
  const from = bins.some(b => b.p < 0.5) ? 0 : 0.5
  const points = bins.filter(b => b.n > 0).map(b => ({ ...b, share: b.right / b.n }))
  const most = Math.max(1, ...points.map(b => b.n))
  const low = Math.min(from, ...points.map(b => Math.floor(b.low * 10) / 10))
  return drawn(`Reliability of ${name}`, {
    width,
    height: width * 0.86,
    marginLeft: 40,
    marginRight: 12,
    marginTop: 24,
    marginBottom: 36,
    x: { domain: [from, 1], label: 'says', labelArrow: 'none', labelAnchor: 'center', ticks: 5, tickSize: 3 },
    y: { domain: [low, 1], label: 'is right', labelArrow: 'none', ticks: 5, tickSize: 0 },
    r: { type: 'identity' },
    marks: [
      Plot.gridY({ stroke: LINE, strokeOpacity: 1, ticks: 5 }),
      Plot.link([0], { x1: from, y1: from, x2: 1, y2: 1, stroke: SOFT, strokeDasharray: '4,3' }),
      Plot.link(points, { x1: 'p', x2: 'p', y1: 'low', y2: 'high', stroke: MAIN, strokeWidth: 1 }),
      Plot.line(points, { x: 'p', y: 'share', stroke: MAIN, strokeWidth: 1.6 }),
      Plot.dot(points, {
        x: 'p',
        y: 'share',
        r: (b: (typeof points)[0]) => 2 + 6 * Math.sqrt(b.n / most),
        fill: MAIN,
        stroke: 'var(--card)',
        title: (b: (typeof points)[0]) =>
          `${name} says ${shown(b.p)}, is right on ${shown(b.share)} (95 %: ${shown(b.low)} to ${shown(b.high)}) of ${grouped(b.n)} pairs`,
      }),
      Plot.ruleY([low], { stroke: INK }),
    ],
  })
}
