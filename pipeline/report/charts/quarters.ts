import * as Plot from '@observablehq/plot'
import type { Report } from '../report-schema.ts'
import { grouped } from '../table.ts'
import { CARD, drawn, INK, LINE, labelled, MAIN, rowTicks } from './draw.ts'
import { short as shortNumber } from './histogram.ts'

type Source = Report['lengths']['sources'][number]

/** The middle half of the lengths of chosen (filled) and rejected (hollow) answers, with the median, by source. */
export function quarters(sources: readonly Source[], width: number): string {
  const names = sources.map(s => s.source)
  const { room, label } = labelled(names, width)
  const sides = sources.flatMap((s, i) => [
    { i, dy: -4, side: 'chosen', from: s.chosen_quarter, to: s.chosen_three_quarters, median: s.chosen_median, source: s.source },
    { i, dy: 4, side: 'rejected', from: s.rejected_quarter, to: s.rejected_three_quarters, median: s.rejected_median, source: s.source },
  ])
  const marks = ['chosen', 'rejected'].flatMap(side => {
    const rows = sides
      .filter(s => s.side === side)
      .map(s => ({ ...s, from: Math.max(1, s.from), to: Math.max(1, s.to), median: Math.max(1, s.median) }))
    const dy = side === 'chosen' ? -4 : 4
    const title = (s: (typeof rows)[0]): string =>
      `${s.source}, ${side}: median ${grouped(s.median)} bytes, middle half ${grouped(s.from)} to ${grouped(s.to)}`
    return [
      Plot.link(rows, {
        x1: 'from',
        x2: 'to',
        y1: 'i',
        y2: 'i',
        dy,
        stroke: side === 'chosen' ? MAIN : INK,
        strokeWidth: side === 'chosen' ? 3 : 1.2,
        title,
      }),
      Plot.dot(rows, {
        x: 'median',
        y: 'i',
        dy,
        r: 3.5,
        fill: side === 'chosen' ? MAIN : CARD,
        stroke: side === 'chosen' ? MAIN : INK,
        title,
      }),
    ]
  })
  return drawn('Lengths of answers, by source', {
    width,
    height: sources.length * 28 + 40,
    marginLeft: room,
    marginRight: 20,
    marginTop: 4,
    marginBottom: 36,
    x: {
      type: 'log',
      nice: true,
      label: 'bytes',
      labelArrow: 'none',
      labelAnchor: 'center',
      ticks: width < 500 ? 3 : 5,
      tickFormat: shortNumber,
      tickSize: 3,
    },
    y: rowTicks(names, label),
    marks: [Plot.ruleY(sources, { y: (_: Source, i: number) => i, stroke: LINE }), ...marks],
  })
}
