/** The page of `goldpan audit-style`. */
import type { StyleBias } from '../../kernels/style-audit.ts'
import { auditWarnings } from '../../measures/style-facts.ts'
import type { StyleOfFiles, StyleOfSource } from '../../style-of-files.ts'
import type { Style } from '../report-parts.ts'
import { grouped } from '../table.ts'
import { html, type Markup } from './html.ts'
import { decimals, percent, type Section, table } from './parts.ts'
import { pageIn } from './shell.ts'
import { auditFigures, betas } from './style.ts'

const biasOf = ({ audit }: StyleOfSource): StyleBias | undefined => audit.before as StyleBias | undefined
const measured = (source: StyleOfSource) =>
  source.audit.before ? [{ name: source.source, before: source.audit.before as unknown as Bias }] : []
const betasOf = ({ audit }: StyleOfSource): Markup[] => betas(audit.betas as Style['corpus']['betas'])

type Bias = NonNullable<Style['corpus']['before']>

export function stylePageOf(style: StyleOfFiles): string {
  const all = [...style.sources, ...(style.all ? [style.all] : [])]
  const whole = style.all ?? style.sources[0]
  const sections: Section[] = [
    {
      id: 'sources',
      title: 'How far labels follow style',
      body: [sourceTable(all), ...all.flatMap(remarks), ...auditFigures(all.flatMap(measured))],
    },
    ...(whole && betasOf(whole).length > 0 ? [{ id: 'features', title: 'What wins', body: betasOf(whole) }] : []),
    ...(style.all ? style.sources : [])
      .filter(source => betasOf(source).length > 0)
      .map((source, i) => ({ id: `source-${i}`, title: source.source, body: betasOf(source) })),
    { id: 'files', title: 'What was read', body: [fileTable(style)] },
  ]
  const pairs = grouped(whole?.pairs ?? 0)
  return pageIn({
    title: 'goldpan style audit',
    head: html`<header><p class="brand">goldpan audit-style</p><h1>Style of ${pairs} labels</h1><p class="soft">What length, Markdown and other style say of the labels, without a word being read. Models are cross-fitted by prompt; an AUC of 0.5 is nothing.</p></header>`,
    sections,
    foot: html`To take style out of training data: <code>steps: [{ style-bias: { action: reweight } }]</code>.`,
  })
}

const remarks = ({ source, audit }: StyleOfSource): Markup[] =>
  auditWarnings(audit).map(text => html`<p class="soft">${source}: ${text}</p>`)

const shareText = (share: number | null): string => (share === null ? '–' : percent(share))

function sourceTable(sources: readonly StyleOfSource[]): Markup {
  return table({
    header: ['source', '>pairs', '>ties', '>longer wins', '>Markdown wins', '>first wins', '>AUC', '>AUC, trees', '>R2'],
    rows: sources.map(source => {
      const bias = biasOf(source)
      const figures = [shareText(bias?.first ?? null), decimals(bias?.linear_auc), decimals(bias?.tree_auc), decimals(bias?.mcfadden_r2)]
      const counts = [grouped(source.pairs), grouped(source.ties), shareText(source.longer), shareText(source.more_markdown)]
      return [source.source, ...counts, ...figures]
    }),
  })
}

const fileTable = ({ files }: StyleOfFiles): Markup =>
  table({
    header: ['file', 'format', '>rows', '>unreadable'],
    rows: files.map(({ path, format, rows, rejected }) => [path, format, grouped(rows), grouped(rejected)]),
  })
