/** TeX in Markdown, rendered as MathML: no styles, no fonts, nothing that a browser would load. */
import katex from 'katex'
import type { MarkdownIt } from 'markdown-it'
import { escapeHtml } from './escape.ts'

/** Opening and closing marks; the last field says whether it stands on a line of its own. */
const MARKS: readonly (readonly [string, string, boolean])[] = [
  ['$$', '$$', true],
  ['\\[', '\\]', true],
  ['\\(', '\\)', false],
  ['$', '$', false],
]
const LONGEST_TEX = 2000
const MOST_FORMULAS = 300

/** `$x$`, `$$x$$`, `\(x\)` and `\[x\]`. A price is no formula: what `$` opens begins and ends without a space, and no digit follows. */
export function math(markdown: MarkdownIt): void {
  markdown.inline.ruler.before('escape', 'math', (state, silent) => {
    const mark = MARKS.find(([open]) => state.src.startsWith(open, state.pos))
    if (!mark) return false
    const [open, close, display] = mark
    const from = state.pos + open.length
    const to = closingAt(state.src, close, from, state.posMax)
    const tex = to < 0 ? '' : state.src.slice(from, to)
    if (tex.trim() === '' || (open === '$' && !isFormula(tex, state.src[to + 1]))) return false
    const env = state.env as { formulas?: number }
    if ((env.formulas = (env.formulas ?? 0) + 1) > MOST_FORMULAS) return false
    if (!silent) Object.assign(state.push('math', '', 0), { content: tex, meta: { display } })
    state.pos = to + close.length
    return true
  })
  markdown.renderer.rules.math = (tokens, i) => mathHtml(tokens[i].content, (tokens[i].meta as { display: boolean }).display)
}

/** Not far, so that a text of nothing but opening marks is not searched to its end for each of them. */
function closingAt(text: string, close: string, from: number, end: number): number {
  const window = text.slice(from, Math.min(end, from + LONGEST_TEX))
  const at = window.indexOf(close)
  return at < 0 ? -1 : from + at
}

const isFormula = (tex: string, after: string | undefined): boolean => !/^\s|\s$|\n/.test(tex) && !/[0-9]/.test(after ?? '')

/** Commands that would link, load or style: the formula is shown as it was written. */
const OUTWARD = /\\(href|url|includegraphics|html\w*|unicode|char)\b/

function mathHtml(tex: string, displayMode: boolean): string {
  if (OUTWARD.test(tex)) return `<code>${escapeHtml(tex)}</code>`
  try {
    const html = katex.renderToString(tex, {
      displayMode,
      output: 'mathml',
      trust: false,
      strict: 'ignore',
      throwOnError: true,
      maxSize: 10,
      maxExpand: 200,
    })
    return html.replace(/ style="[^"]*"/g, '')
  } catch {
    return `<code>${escapeHtml(tex)}</code>`
  }
}
