/** HTML in which every text is escaped unless it was made here. */
import { visible } from '../table.ts'

export interface Markup {
  readonly markup: string
}
export type Part = string | number | Markup | undefined | false | readonly Part[]

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Line ends stay; other characters that control a display are shown as escapes. */
const escaped = (text: string): string =>
  text
    .split('\n')
    .map(line => visible(line).replace(/[&<>"']/g, c => ESCAPES[c]))
    .join('\n')

function markupOf(part: Part): string {
  if (part === undefined || part === false) return ''
  if (typeof part === 'string') return escaped(part)
  if (typeof part === 'number') return String(part)
  return 'markup' in part ? part.markup : part.map(markupOf).join('')
}

export const html = (texts: TemplateStringsArray, ...parts: readonly Part[]): Markup => ({
  markup: texts.map((text, i) => text + (i < parts.length ? markupOf(parts[i]) : '')).join(''),
})

/** Markup from elsewhere that escapes its texts itself: the charts. */
export const trusted = (markup: string): Markup => ({ markup })
