/** Observable Plot without a browser: charts as SVG texts whose colours are the page's. */
import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import { cut, displayWidth, visible } from '../table.ts'

const { document } = parseHTML('<!doctype html><html><body></body></html>')

export const INK = 'var(--ink)'
export const SOFT = 'var(--soft)'
export const LINE = 'var(--line)'
export const MAIN = 'var(--main)'
export const CARD = 'var(--card)'

/** How a pair ended, as fills that differ without colour too: the page defines the patterns. */
export const FILLS: Readonly<Record<string, string>> = {
  keep: MAIN,
  flip: 'url(#flip)',
  review: 'url(#review)',
  quarantine: 'url(#quarantine)',
  drop: 'url(#drop)',
}
export const OUTCOMES = ['keep', 'flip', 'review', 'quarantine', 'drop'] as const

/** An SVG of this width; `label` says what it shows to those who do not see it. */
export function drawn(label: string, options: Plot.PlotOptions): string {
  const svg = Plot.plot({
    ...options,
    document,
    className: 'plot',
    ariaLabel: label,
    style: { fontSize: '12px', background: 'none' },
  } as Plot.PlotOptions)
  svg.setAttribute('role', 'img')
  // The page has the only style sheet, and elements of 1,000 charts should not each bring their own.
  for (const style of [...svg.querySelectorAll('style')]) style.remove()
  return svg.outerHTML as string
}

const CHARACTER = 7.4
/** Narrower charts are for phones. */
const PHONE = 500

/** Room for labels at the left, and the labels cut to it. */
export function labelled(labels: readonly string[], width: number): { readonly room: number; readonly label: (text: string) => string } {
  const most = Math.max(8, Math.floor(((width < PHONE ? 0.46 : 0.36) * width) / CHARACTER))
  const label = (text: string): string => cut(visible(text === '' ? 'not stated' : text), most)
  const widest = labels.reduce((n, text) => Math.max(n, displayWidth(label(text))), 4)
  return { room: Math.ceil(widest * CHARACTER) + 12, label }
}

/** A scale that shows the places of rows by their labels: two rows of one cut label stay two rows. */
export const rowTicks = (labels: readonly string[], label: (text: string) => string) => ({
  type: 'band' as const,
  domain: labels.map((_, i) => i),
  label: null,
  tickSize: 0,
  tickFormat: (i: number) => label(labels[i]),
})
