/** How much style alone says of the labels, before and after control. */
import { change } from '../charts/change.ts'
import { intervals } from '../charts/intervals.ts'
import type { Style } from '../report-parts.ts'
import type { Report } from '../report-schema.ts'
import { html, type Markup } from './html.ts'
import { decimals, figure, number, percent, type Section, shareOf, table } from './parts.ts'

export function styleSection({ style }: Report): Section | undefined {
  const body = style.flatMap(one => {
    const told = styleBody(one)
    return style.length > 1 && told.length > 0 ? [html`<h3>Step ${one.step}</h3>`, ...told] : told
  })
  return body.length > 0 ? { id: 'style', title: 'Style', body } : undefined
}

type Bias = NonNullable<Style['corpus']['before']>
type Measured = 'linear_auc' | 'tree_auc' | 'unseen_auc' | 'mcfadden_r2' | 'longer' | 'more_markdown' | 'first'

const MEASURES: readonly [what: Measured, title: string, note: string, aim: number][] = [
  [
    'linear_auc',
    'What a model of style alone says of the label',
    'AUC of a linear model on prompts that it has not seen. At 0.5 style says nothing.',
    0.5,
  ],
  ['tree_auc', 'What boosted trees say of the label by style alone', 'Their AUC on prompts that they have not seen.', 0.5],
  [
    'unseen_auc',
    'What features say that control does not look at',
    'AUC of a linear model of question marks, quotes, brackets and bars, on prompts that it has not seen.',
    0.5,
  ],
  ['mcfadden_r2', "McFadden's R2 of the linear model", 'Share of the log loss that style explains, on prompts that it has not seen.', 0],
  ['longer', 'The longer answer is chosen', 'Share of the pairs whose answers differ in length.', 0.5],
  ['more_markdown', 'The answer with more Markdown is chosen', 'Share of the pairs whose answers differ in Markdown.', 0.5],
  ['first', 'The answer shown first is chosen', 'Share of the pairs whose source tells which answer the judge saw first.', 0.5],
]

function styleBody({ corpus, sources, lost, published }: Style): Markup[] {
  const all = [{ name: 'all sources', ...corpus }, ...sources.map(s => ({ name: s.source, ...s }))]
  const rows = all.flatMap(({ name, before, after }) => (before ? [{ name, before, after }] : []))
  if (rows.length === 0) return []
  return [
    html`<ul class="legend"><li><span class="ring"></span> before control</li><li><span class="dot"></span> after, with the training weights</li><li>thin lines: intervals of 95 %, by the spread over prompts</li></ul>`,
    ...MEASURES.flatMap(measure => measureFigure(rows, measure)),
    ...(published ? shards(published) : []),
    ...cost(all, lost ?? {}),
    ...supported(all),
    ...betas(corpus.betas),
    ...sources.flatMap(s => betas(s.betas, s.source)),
  ]
}

interface Row {
  readonly name: string
  readonly before: Bias
  readonly after?: Bias
}

/** A figure with intervals before and after control, of the sources that have it. */
function measureFigure(rows: readonly Row[], [what, title, note, aim]: (typeof MEASURES)[number]): Markup[] {
  const shown = rows.flatMap(({ name, before, after }) => {
    const value = before[what]
    if (value === undefined) return []
    return [
      { label: name, before: value, after: after?.[what], before_range: before.intervals?.[what], after_range: after?.intervals?.[what] },
    ]
  })
  if (shown.length === 0) return []
  const range = (of: readonly number[] | undefined): string => (of ? `${decimals(of[0])} to ${decimals(of[1])}` : '–')
  const controlled = shown.some(r => r.after !== undefined)
  return [
    figure({
      title,
      note,
      chart: width => change(title, shown, width, aim),
      table: {
        header: ['source', controlled ? '>before' : '>value', '>95 %', ...(controlled ? ['>after', '>95 %'] : [])],
        rows: shown.map(r => [
          r.label,
          decimals(r.before),
          range(r.before_range),
          ...(controlled ? [decimals(r.after), range(r.after_range)] : []),
        ]),
      },
    }),
  ]
}

/** The figures of one state alone, for an audit without control. */
export const auditFigures = (rows: readonly Row[]): Markup[] => MEASURES.flatMap(measure => measureFigure(rows, measure))

/** What later steps made of it. */
const shards = ({ pairs, auc, unweighted_auc }: NonNullable<Style['published']>): Markup[] => [
  html`<h3>In train and validation</h3><p>All that stands above is of the pairs that came to this step, with the labels that they had. Later steps leave pairs out and turn labels; here are the published ones, told by style_p (0.5 = chance).</p>`,
  table({
    header: ['>pairs', '>AUC of style_p, by weight', '>AUC without weights'],
    rows: [[number(pairs), decimals(auc), decimals(unweighted_auc)]],
  }),
]

/** Pairs that control took away, and what those that stay are worth. */
function cost(all: readonly (Style['corpus'] & { readonly name: string })[], lost: Readonly<Record<string, number>>): Markup[] {
  if (all.every(({ after }) => after === undefined)) return []
  const total = Object.values(lost).reduce((sum, n) => sum + n, 0)
  return [
    html`<h3>What control costs</h3><p>The effective sample is (sum w)^2 / sum w^2 of the weights, as a share of the pairs.</p>`,
    table({
      header: ['source', '>pairs', '>lost', '>share lost', '>effective sample'],
      rows: all.map(({ name, pairs = 0, after }, i) => {
        const gone = i === 0 ? total : (lost[name] ?? 0)
        return [name, number(pairs), number(gone), shareOf(gone, pairs), after ? percent(after.effective_share) : '–']
      }),
    }),
  ]
}

/** Whether control throws away what is right. */
function supported(all: readonly (Style['corpus'] & { readonly name: string })[]): Markup[] {
  const rows = all.flatMap(({ name, supported: known }) => (known ? [{ name, ...known }] : []))
  if (rows.length === 0) return []
  const share = (value: number | null): string => (value === null ? '–' : percent(value))
  return [
    html`<h3>Labels that votes or models support</h3><p>Of all sampled pairs that have them (votes first, else p_mean of an earlier step, else recorded scores; models may lean on style themselves), of what control keeps and of what it takes away. Control must not throw away what is right: kept should be no lower than before.</p>`,
    table({
      header: ['source', '>pairs', '>before', '>kept', '>taken away', '>kept less taken away', '>95 %'],
      rows: rows.map(({ name, pairs, before, after, lost, difference }) => {
        const [value, low, high] = difference ?? []
        const range = low === undefined || high === undefined ? '–' : `${percent(low)} to ${percent(high)}`
        return [name, number(pairs), share(before), share(after), share(lost), value === undefined ? '–' : percent(value), range]
      }),
    }),
  ]
}

/** The coefficients of a style model, the strongest first. */
export function betas(of: Style['corpus']['betas'], source?: string): Markup[] {
  const all = Object.entries(of ?? {}).flatMap(([label, [value, low, high]]) =>
    low === undefined || high === undefined ? [] : [{ label, value, low, high }],
  )
  if (all.length === 0) return []
  const rows = all.sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
  const numbers = {
    header: ['feature', '>value', '>low', '>high'],
    rows: rows.map(r => [r.label, decimals(r.value), decimals(r.low), decimals(r.high)]),
  }
  return [
    figure({
      title: source === undefined ? 'Which features of style labels follow' : `Which features labels of ${source} follow`,
      note: 'Change of the log-odds of being chosen for one standard deviation more, before control, with 95 % intervals. Right of the line: more of it is preferred.',
      chart: width => intervals('Coefficients of style', rows.slice(0, source === undefined ? 24 : 10), width, { zero: 0 }),
      table: numbers,
    }),
  ]
}
