/** Texts of models as HTML that can do nothing: they are hostile until shown otherwise. */
import { diffWordsWithSpace } from 'diff'
import MarkdownIt, { type Token } from 'markdown-it'
import { escapeHtml } from './escape.ts'
import { math } from './math.ts'

const markdown = new MarkdownIt({ html: false, linkify: false, breaks: true, maxNesting: 30 })
markdown.use(math)
const { rules } = markdown.renderer
const address = (token: Token, name: string): string => `<span class="address">${escapeHtml(String(token.attrGet(name) ?? ''))}</span>`
// A link is shown with where it leads, and leads nowhere. The address stands before the text: a text cannot pose as another address.
rules.link_open = (tokens, i) => `<span class="link">${address(tokens[i], 'href')} `
rules.link_close = () => '</span>'
rules.image = (tokens, i) => `<span class="image">image: ${escapeHtml(tokens[i].content)} ${address(tokens[i], 'src')}</span>`
const LONGEST_LANGUAGE = 24
rules.fence = (tokens, i) => {
  const language = tokens[i].info.trim().split(/\s+/)[0].slice(0, LONGEST_LANGUAGE)
  const label = language ? `<span class="language">${escapeHtml(language)}</span>` : ''
  return `<pre tabindex="0">${label}<code>${escapeHtml(tokens[i].content)}</code></pre>\n`
}
rules.code_block = (tokens, i) => `<pre tabindex="0"><code>${escapeHtml(tokens[i].content)}</code></pre>\n`
// No attribute holds a text of the model, and no style: the page's policy would refuse it.
rules.th_open = () => '<th>'
rules.td_open = () => '<td>'
rules.ordered_list_open = (tokens, i) =>
  `<ol${/^\d{1,9}$/.test(String(tokens[i].attrGet('start') ?? '')) ? ` start="${tokens[i].attrGet('start')}"` : ''}>`

/** Longer texts are shown as they are; still longer ones are cut. */
const LONGEST_MARKDOWN = 40_000
const LONGEST_TEXT = 300_000

/** One turn as HTML. */
export function htmlOf(text: string): string {
  const shown = text.slice(0, LONGEST_TEXT)
  const html = shown.length > LONGEST_MARKDOWN ? plain(shown) : markdown.render(withControls(shown), {})
  const cut = text.length > shown.length ? `<p class="cut">${text.length - shown.length} more characters are not shown.</p>` : ''
  return marked(html) + cut
}

/** Headings of a guideline are headings; those of a model are only large, so that a page has one outline. */
export const guidelineHtml = (text: string): string => markdown.render(text, {})

const plain = (text: string): string => `<pre class="plain" tabindex="0">${escapeHtml(withControls(text))}</pre>`

/** Marks that turn the direction of text could show an answer that is not there: they become visible instead. */
const withControls = (text: string): string =>
  text.replace(/[\u202a-\u202e\u2066-\u2069]/g, c => `⟦U+${c.charCodeAt(0).toString(16).toUpperCase()}⟧`)
const marked = (html: string): string => html.replace(/⟦(U\+20[26][0-9A-F])⟧/g, '<span class="control">$1</span>')

export interface Compared {
  readonly left: string
  readonly right: string
}

const LONGEST_DIFF = 20_000
const DIFF_OPTIONS = { maxEditLength: 2000, timeout: 40 } as const
/** Texts that share so much are worth a comparison. */
const ALIKE = 0.5

/** Both texts with what only one of them has marked; undefined where they have little in common. */
export function differenceOf(left: string, right: string): Compared | undefined {
  if (left.length > LONGEST_DIFF || right.length > LONGEST_DIFF) return undefined
  const changes = diffWordsWithSpace(withControls(left), withControls(right), DIFF_OPTIONS)
  if (!changes) return undefined
  const shared = changes.reduce((n, { value, added, removed }) => n + (added || removed ? 0 : value.length), 0)
  if ((2 * shared) / (left.length + right.length) < ALIKE) return undefined
  const side = (other: 'added' | 'removed', tag: string): string =>
    changes
      .filter(change => !change[other])
      .map(change => (change.added || change.removed ? `<${tag}>${escapeHtml(change.value)}</${tag}>` : escapeHtml(change.value)))
      .join('')
  return {
    left: marked(`<pre class="plain">${side('added', 'del')}</pre>`),
    right: marked(`<pre class="plain">${side('removed', 'ins')}</pre>`),
  }
}
