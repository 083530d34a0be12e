/** How much style alone says of the labels, before and after control. */
import { change } from '../charts/change.ts'
import { intervals } from '../charts/intervals.ts'
import type { Report, Style } from '../report-schema.ts'
import { html, type Markup } from './html.ts'
import { decimals, figure, percent, type Section } from './parts.ts'

export function styleSection({ style }: Report): Section | undefined {
  const body = style.flatMap(styleBody)
  return body.length > 0 ? { id: 'style', title: 'Style', body } : undefined
}

function styleBody({ corpus, sources }: Style): Markup[] {
  const rows = [{ name: 'all sources', ...corpus }, ...sources.map(s => ({ name: s.source, ...s }))].flatMap(({ name, before, after }) =>
    before ? [{ name, before, after }] : [],
  )
  if (rows.length === 0) return []
  const of = (what: 'linear_auc' | 'tree_auc' | 'longer' | 'more_markdown') =>
    rows.map(r => ({ label: r.name, before: r.before[what], after: r.after?.[what] }))
  const measure = (title: string, note: string, what: 'linear_auc' | 'tree_auc' | 'longer' | 'more_markdown'): Markup =>
    figure({
      title,
      note,
      chart: width => change(title, of(what), width, 0.5),
      table: { header: ['source', '>before', '>after'], rows: of(what).map(r => [r.label, decimals(r.before), decimals(r.after)]) },
    })
  return [
    html`<ul class="legend"><li><span class="ring"></span> before control</li><li><span class="dot"></span> after, with the training weights</li></ul>`,
    measure(
      'What a model of style alone says of the label',
      'AUC of a linear model on prompts that it has not seen. At 0.5 style says nothing.',
      'linear_auc',
    ),
    measure('The longer answer is chosen', 'Share of the pairs whose answers differ in length.', 'longer'),
    measure('The answer with more Markdown is chosen', 'Share of the pairs whose answers differ in Markdown.', 'more_markdown'),
    html`<p class="soft">Worth of the weighted pairs: ${rows.map(r => `${r.name} ${r.after ? percent(r.after.effective_share, 0) : '–'}`).join(', ')}.</p>`,
    ...betas(corpus.betas),
  ]
}

/** The coefficients of a style model, the strongest first. */
export function betas(of: Style['corpus']['betas']): Markup[] {
  const all = Object.entries(of ?? {}).flatMap(([label, [value, low, high]]) =>
    low === undefined || high === undefined ? [] : [{ label, value, low, high }],
  )
  if (all.length === 0) return []
  const rows = all.sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
  return [
    figure({
      title: 'Which features of style labels follow',
      note: 'Change of the log-odds of being chosen for one standard deviation more, before control, with 95 % intervals. Right of the line: more of it is preferred.',
      chart: width => intervals('Coefficients of style', rows.slice(0, 24), width, { zero: 0 }),
      table: {
        header: ['feature', '>value', '>low', '>high'],
        rows: rows.map(r => [r.label, decimals(r.value), decimals(r.low), decimals(r.high)]),
      },
    }),
  ]
}
