import * as Plot from '@observablehq/plot'
import { CARD, drawn, INK, labelled, MAIN } from './draw.ts'

export interface Cell {
  readonly row: string
  readonly column: string
  /** 0 .. 1, how dark. */
  readonly shade: number
  readonly text: string
  readonly title: string
}

/** Numbers in a grid, darker where there is more. */
export function matrix(
  label: string,
  cells: readonly Cell[],
  width: number,
  { rows, columns }: { rows: readonly string[]; columns: readonly string[] },
): string {
  const { room, label: short } = labelled(rows, width)
  const head = labelled(columns, width * 0.75)
  const wide = Math.min(120, (width - room - 8) / columns.length)
  const small = wide < 44
  // Names of narrow columns stand steeper, so that they do not lie on each other.
  const turn = small ? 68 : 32
  const top = head.room * Math.sin((turn * Math.PI) / 180) + 14
  return drawn(label, {
    width: Math.min(width, room + columns.length * wide + 40),
    height: rows.length * 28 + top + 2,
    marginLeft: room,
    marginRight: 40,
    marginTop: top,
    marginBottom: 2,
    x: { type: 'band', domain: columns, axis: 'top', label: null, tickSize: 0, tickRotate: -turn, tickFormat: head.label, padding: 0.04 },
    y: { type: 'band', domain: rows, label: null, tickSize: 0, tickFormat: short, padding: 0.08 },
    marks: [
      Plot.cell(
        rows.flatMap(row => columns.map(column => ({ row, column }))),
        { x: 'column', y: 'row', fill: 'var(--ground)', rx: 3 },
      ),
      Plot.cell(cells, { x: 'column', y: 'row', fill: MAIN, fillOpacity: (c: Cell) => 0.12 + 0.88 * c.shade, title: 'title', rx: 3 }),
      Plot.text(cells, {
        x: 'column',
        y: 'row',
        text: 'text',
        fill: (c: Cell) => (c.shade > 0.5 ? CARD : INK),
        fontVariant: 'tabular-nums',
        fontSize: small ? 9 : 12,
        pointerEvents: 'none',
      }),
    ],
    color: { type: 'identity' },
    opacity: { type: 'identity' },
  })
}
