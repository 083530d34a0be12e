/** A style audit in words and numbers. */
import type { StyleBias } from '../kernels/style-audit.ts'
import { auditWarnings } from '../measures/style-facts.ts'
import type { StyleOfFiles, StyleOfSource } from '../style-of-files.ts'
import { grouped, tableOf } from './table.ts'

/** Coefficients shown, the strongest first. */
const SHOWN = 10
const BAR = 12

/** Lines without a last newline; `width` = columns of the terminal. */
export function styleText(style: StyleOfFiles, width?: number): string {
  const whole = style.all ?? style.sources[0]
  return [
    style.files.map(({ path, format, container, rows, rejected }) => {
      const lost = rejected > 0 ? `, ${grouped(rejected)} of them unreadable` : ''
      return `${path}: ${grouped(rows)} rows, read as ${format} (${container})${lost}`
    }),
    ['', sourceTable(style, width), '', ...(whole ? [coefficientTable(whole, width), '', ...readings(whole)] : []), ...remarks(style)],
  ]
    .flat()
    .join('\n')
}

const percent = (share: number | null | undefined): string =>
  share === null || share === undefined ? '-' : `${(100 * share).toFixed(1)} %`
const figure = (value: number | undefined, digits = 3): string => (value === undefined ? '-' : value.toFixed(digits))

function sourceTable({ sources, all }: StyleOfFiles, width?: number): string {
  const every = [...sources, ...(all ? [all] : [])]
  const told = every.some(({ audit }) => (audit.before as StyleBias | undefined)?.first !== undefined)
  const rows = every.map(({ source, pairs, ties, longer, more_markdown, audit }) => {
    const bias = audit.before as StyleBias | undefined
    const order = told ? [percent(bias?.first)] : []
    const figures = [...order, figure(bias?.linear_auc), figure(bias?.tree_auc), figure(bias?.mcfadden_r2)]
    return [source, grouped(pairs), grouped(ties), percent(longer), percent(more_markdown), ...figures]
  })
  const header = [
    'source',
    'pairs',
    'ties',
    'longer wins',
    'markdown wins',
    ...(told ? ['first wins'] : []),
    'style AUC',
    'with trees',
    'R2',
  ]
  return tableOf(header, rows, { right: header.map((_, i) => i > 0), width })
}

type Beta = readonly [beta: number, low?: number, high?: number]

function coefficientTable({ source, audit }: StyleOfSource, width?: number): string {
  const betas = Object.entries((audit.betas ?? {}) as unknown as Record<string, Beta>)
  const strongest = betas.sort(([, a], [, b]) => Math.abs(b[0]) - Math.abs(a[0])).slice(0, SHOWN)
  const most = Math.max(...strongest.map(([, [beta]]) => Math.abs(beta)), 1e-9)
  const rows = strongest.map(([name, [beta, low, high]]) => [
    name.replaceAll('_', ' '),
    figure(beta, 2),
    low === undefined ? '-' : `${figure(low, 2)} to ${figure(high, 2)}`,
    bar(beta / most),
  ])
  return rows.length === 0
    ? ''
    : tableOf([`what wins (${source})`, 'log-odds', '95 % interval', 'loses | wins'], rows, { right: [false, true, true], width })
}

/** A bar to the left or to the right of its axis. */
function bar(share: number): string {
  const length = Math.round(Math.abs(share) * (BAR / 2))
  const filled = '#'.repeat(length)
  return share < 0 ? `${filled.padStart(BAR / 2)}|` : `${' '.repeat(BAR / 2)}|${filled}`
}

/** What the figures come to, in a sentence. */
function readings({ audit }: StyleOfSource): string[] {
  const bias = audit.before as StyleBias | undefined
  if (!bias) return []
  const auc = Math.max(bias.linear_auc, bias.tree_auc)
  const said =
    auc < 0.55
      ? 'style says next to nothing of the labels'
      : auc < 0.65
        ? 'style says a little of the labels'
        : auc < 0.8
          ? 'style says much of the labels: a reward model will learn some of it'
          : 'labels follow style: a reward model trained on them learns length and Markdown'
  return [`Without reading a word, style alone tells labels from turned ones with an AUC of ${figure(auc)}: ${said}.`]
}

function remarks({ sources, all }: StyleOfFiles): string[] {
  return [
    ...[...sources, ...(all ? [all] : [])].flatMap(({ source, audit }) => auditWarnings(audit).map(text => `${source}: ${text}`)),
    'to take style out: steps: [{ style-bias: { action: reweight } }]; AUC by models cross-fitted by prompt, .5 = nothing',
  ]
}
