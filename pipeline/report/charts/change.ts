import * as Plot from '@observablehq/plot'
import { CARD, drawn, INK, LINE, labelled, MAIN, rowTicks, SOFT } from './draw.ts'

export interface Change {
  readonly label: string
  readonly before: number
  readonly after?: number
  /** Intervals, where they are known. */
  readonly before_range?: readonly number[]
  readonly after_range?: readonly number[]
}

/** From a hollow dot (before) to a filled one (after); `aim` is where nothing is left to mend. */
export function change(label: string, rows: readonly Change[], width: number, aim: number): string {
  const names = rows.map(r => r.label)
  const { room, label: short } = labelled(names, width)
  const values = rows.flatMap(r => [r.before, r.after ?? r.before, ...(r.before_range ?? []), ...(r.after_range ?? [])])
  const both = rows.map((r, i) => ({ ...r, i }))
  const ranges = both.flatMap(r => [spanOf(r.i, r.before_range, SOFT, -5), spanOf(r.i, r.after_range, MAIN, 5)].flat())
  const moved = both.filter(r => r.after !== undefined)
  const title = (r: Change): string =>
    `${r.label}: ${r.before.toFixed(3)}${r.after === undefined ? '' : ` before, ${r.after.toFixed(3)} after`}`
  return drawn(label, {
    width,
    height: rows.length * 24 + 34,
    marginLeft: room,
    marginRight: 20,
    marginTop: 4,
    marginBottom: 28,
    x: { domain: [Math.min(aim, ...values) - 0.02, Math.max(aim, ...values) + 0.02], label: null, ticks: width < 500 ? 4 : 8, tickSize: 3 },
    y: rowTicks(names, short),
    marks: [
      Plot.ruleY(both, { y: 'i', stroke: LINE }),
      Plot.ruleX([aim], { stroke: SOFT, strokeDasharray: '4,3' }),
      ...[-5, 5].map(dy =>
        Plot.link(
          ranges.filter(r => r.dy === dy),
          { x1: 'low', x2: 'high', y1: 'i', y2: 'i', dy, stroke: 'stroke', strokeWidth: 1.2 },
        ),
      ),
      Plot.link(moved, { x1: 'before', x2: 'after', y1: 'i', y2: 'i', stroke: MAIN, strokeWidth: 2 }),
      Plot.dot(both, { x: 'before', y: 'i', r: 4.5, fill: CARD, stroke: INK, strokeWidth: 1.5, title }),
      Plot.dot(moved, { x: 'after', y: 'i', r: 4.5, fill: MAIN, stroke: MAIN, title }),
    ],
  })
}

/** A thin line beside a row, where there is an interval. */
const spanOf = (i: number, range: readonly number[] | undefined, stroke: string, dy: number) =>
  range ? [{ i, low: range[0], high: range[1], stroke, dy }] : []
