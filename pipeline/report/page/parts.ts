/** What the sections of the page are built of. */
import { OUTCOMES } from '../charts/draw.ts'
import { html, type Markup, type Part, trusted } from './html.ts'

export interface Section {
  readonly id: string
  readonly title: string
  readonly body: readonly Markup[]
}

/** Columns named with a leading `>` are numbers, set to the right. */
export interface Table {
  readonly header: readonly string[]
  readonly rows: readonly (readonly Part[])[]
}

export function table({ header, rows }: Table): Markup {
  const right = header.map(name => name.startsWith('>'))
  const cells = (row: readonly Part[]): Markup[] =>
    row.map((cell, c) => (right[c] ? html`<td class="n">${cell}</td>` : html`<td>${cell}</td>`))
  const heads = header.map((name, c) =>
    right[c] ? html`<th class="n" scope="col">${name.slice(1)}</th>` : html`<th scope="col">${name}</th>`,
  )
  return html`<div class="scroll"><table><thead><tr>${heads}</tr></thead><tbody>${rows.map(row => html`<tr>${cells(row)}</tr>`)}</tbody></table></div>`
}

const WIDE = 860
const NARROW = 330

export interface Figure {
  readonly title: string
  readonly note?: Part
  /** Drawn twice: for a desk and for a phone, so that its letters are of one size on both. */
  readonly chart: (width: number) => string
  readonly wide?: number
  readonly table: Table
  readonly legend?: Markup
}

export const figure = ({ title, note, chart, wide = WIDE, table: numbers, legend }: Figure): Markup => html`
<figure>
<figcaption><h3>${title}</h3>${note === undefined ? undefined : html`<p>${note}</p>`}</figcaption>
${legend}
<div class="wide">${trusted(chart(wide))}</div>
<div class="narrow">${trusted(chart(NARROW))}</div>
${details('Numbers', table(numbers))}
</figure>`

export const details = (summary: Part, body: Part): Markup => html`<details><summary>${summary}</summary>${body}</details>`

/** 1234.5 as 1,234.500; whole numbers without decimals. */
export function number(n: number): string {
  const digits = Number.isInteger(n) ? 0 : 3
  return n.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace('-', '−')
}
export const decimals = (n: number | null | undefined, digits = 3): string =>
  typeof n === 'number' ? n.toFixed(digits).replace('-', '−') : '–'
export const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`
export const shareOf = (n: number, of: number): string => (of > 0 ? percent(n / of) : '–')

export const NAMES: Readonly<Record<string, string>> = {
  keep: 'kept',
  flip: 'kept, label turned',
  review: 'waits for people',
  quarantine: 'quarantine',
  drop: 'dropped',
}

/** The patterns by which outcomes are told apart. */
export const outcomeLegend = (shown: readonly string[] = OUTCOMES): Markup =>
  html`<ul class="legend">${OUTCOMES.filter(o => shown.includes(o)).map(
    o =>
      html`<li>${trusted(`<svg width="18" height="12" aria-hidden="true"><rect width="18" height="12" rx="2" fill="${FILL[o]}"/></svg>`)} ${NAMES[o]}</li>`,
  )}</ul>`

const FILL: Readonly<Record<string, string>> = {
  keep: 'var(--main)',
  flip: 'url(#flip)',
  review: 'url(#review)',
  quarantine: 'url(#quarantine)',
  drop: 'url(#drop)',
}
