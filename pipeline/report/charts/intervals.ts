import * as Plot from '@observablehq/plot'
import { drawn, LINE, labelled, MAIN, rowTicks, SOFT } from './draw.ts'

export interface Estimated {
  readonly label: string
  readonly value: number
  readonly low: number
  readonly high: number
}

/** Values with their intervals; `zero` is a line to compare with. */
export function intervals(
  label: string,
  rows: readonly Estimated[],
  width: number,
  { zero, percent = false }: { readonly zero?: number; readonly percent?: boolean } = {},
): string {
  const names = rows.map(r => r.label)
  const { room, label: short } = labelled(names, width)
  const shown = (x: number): string => (percent ? `${(100 * x).toFixed(1)} %` : x.toFixed(3))
  const title = (r: Estimated): string => `${r.label}: ${shown(r.value)} (95 %: ${shown(r.low)} to ${shown(r.high)})`
  const placed = rows.map((r, i) => ({ ...r, i }))
  return drawn(label, {
    width,
    height: rows.length * 22 + 34,
    marginLeft: room,
    marginRight: 20,
    marginTop: 4,
    marginBottom: 28,
    x: {
      label: null,
      nice: true,
      ticks: width < 500 ? 4 : 8,
      tickSize: 3,
      ...(percent ? { tickFormat: (x: number) => `${Math.round(100 * x)} %` } : {}),
    },
    y: rowTicks(names, short),
    marks: [
      Plot.ruleY(placed, { y: 'i', stroke: LINE }),
      ...(zero === undefined ? [] : [Plot.ruleX([zero], { stroke: SOFT, strokeDasharray: '4,3' })]),
      Plot.link(placed, { x1: 'low', x2: 'high', y1: 'i', y2: 'i', stroke: MAIN, strokeWidth: 2.5, title }),
      Plot.dot(placed, { x: 'value', y: 'i', r: 4, fill: MAIN, stroke: 'var(--card)', title }),
    ],
  })
}
