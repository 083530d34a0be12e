/** Duplicates: how they are related, across sources, and in clusters. */
import { bars } from '../charts/bars.ts'
import { matrix } from '../charts/matrix.ts'
import type { Duplicates } from '../report-parts.ts'
import type { Report } from '../report-schema.ts'
import { cut, grouped } from '../table.ts'
import { html, type Markup } from './html.ts'
import { decimals, details, figure, number, type Section } from './parts.ts'

const MOST_SOURCES = 16

export function duplicatesSection({ duplicates, cluster_sizes }: Report): Section | undefined {
  const some = duplicates.filter(d => Object.values(d.relations).some(n => n > 0))
  if (some.length === 0) return undefined
  const all = some.flatMap(d => Object.entries(d.relations).map(([relation, n]) => ({ label: relation, step: d.step, n })))
  // Pairs of one prompt are no duplicates and would dwarf them.
  const relations = all.filter(r => r.label !== 'same-prompt')
  const same = all.filter(r => r.label === 'same-prompt').reduce((n, r) => n + r.n, 0)
  const body = [
    figure({
      title: 'By relation to the pair that stays',
      note: `no-signal: chosen and rejected of one pair are nearly the same.${same > 0 ? ` ${grouped(same)} pairs have a prompt that an earlier pair has, too; they leave only where prompts are capped.` : ''}`,
      chart: width => bars('Duplicates by relation', relations, width),
      table: { header: ['step', 'relation', '>pairs'], rows: all.map(r => [r.step, r.label, number(r.n)]) },
    }),
    ...some.filter(d => d.between.some(b => b.relation !== 'same-prompt')).map(acrossSources),
    ...sizes(cluster_sizes),
    ...some.filter(d => d.largest.some(c => c.excerpt !== undefined)).map(largest),
  ]
  return { id: 'duplicates', title: 'Duplicates', body }
}

function acrossSources({ step, between }: Duplicates): Markup {
  const cells = summed(between.filter(b => b.relation !== 'no-signal'))
  const weight = new Map<string, number>()
  for (const { row, column, n } of cells) for (const name of [row, column]) weight.set(name, (weight.get(name) ?? 0) + n)
  const names = [...weight]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, MOST_SOURCES)
    .map(([name]) => name)
  const shown = cells.filter(c => names.includes(c.row) && names.includes(c.column))
  const most = Math.max(1, ...shown.map(c => c.n))
  return figure({
    title: `Across sources, at ${step}`,
    note: `Row: where the duplicate comes from. Column: where the pair is from that stays.${weight.size > names.length ? ` The ${names.length} sources with most.` : ''}`,
    chart: width =>
      matrix(
        'Duplicates across sources',
        shown.map(c => ({
          ...c,
          shade: Math.sqrt(c.n / most),
          text: grouped(c.n),
          title: `${grouped(c.n)} pairs of ${c.row} duplicate ${c.column}`,
        })),
        width,
        { rows: names, columns: names },
      ),
    table: {
      header: ['relation', 'source', 'source of the one that stays', '>pairs'],
      rows: between.map(b => [b.relation, b.source, b.survivor_source, number(b.pairs)]),
    },
  })
}

function summed(between: Duplicates['between']): { row: string; column: string; n: number }[] {
  const sums = new Map<string, { row: string; column: string; n: number }>()
  for (const { source, survivor_source, pairs } of between) {
    const key = JSON.stringify([source, survivor_source])
    sums.set(key, { row: source, column: survivor_source, n: (sums.get(key)?.n ?? 0) + pairs })
  }
  return [...sums.values()]
}

function sizes(bins: Report['cluster_sizes']): Markup[] {
  if (bins.length === 0) return []
  const name = (b: (typeof bins)[0]): string => (b.from === b.to ? `${b.from}` : `${grouped(b.from)} to ${grouped(b.to)}`)
  return [
    figure({
      title: 'Sizes of clusters',
      note: 'Pairs in a cluster of near-duplicates, and how many clusters are of that size.',
      chart: width =>
        bars(
          'Clusters by size',
          bins.map(b => ({
            label: `${name(b)} pairs`,
            n: b.clusters,
            title: `${grouped(b.clusters)} clusters, ${grouped(b.pairs)} pairs`,
          })),
          width,
        ),
      table: { header: ['pairs a cluster', '>clusters', '>pairs'], rows: bins.map(b => [name(b), number(b.clusters), number(b.pairs)]) },
    }),
  ]
}

function largest({ step, largest: clusters, clusters: all }: Duplicates): Markup {
  const shown = clusters.filter(c => c.excerpt !== undefined)
  return html`<h3>The largest clusters of ${step}</h3>
<p class="soft">${all === undefined ? '' : `${grouped(all)} clusters in all. `}Open one to look inside; <code>goldpan explain DIR PAIR_ID</code> tells more of a pair.</p>
${shown.slice(0, OPEN_CLUSTERS).map(clusterDetails)}
${shown.length > OPEN_CLUSTERS ? details(`${shown.length - OPEN_CLUSTERS} more clusters`, shown.slice(OPEN_CLUSTERS).map(clusterDetails)) : undefined}`
}

const OPEN_CLUSTERS = 8

const clusterDetails = ({ excerpt = '', survivor, pairs, prompts, sources = [], members = [] }: Duplicates['largest'][number]): Markup =>
  details(
    html`<span class="count">${number(pairs ?? prompts ?? 0)}</span> <span class="excerpt" dir="auto">${cut(excerpt.replace(/\s+/g, ' '), 90)}</span>`,
    html`<blockquote dir="auto">${excerpt}</blockquote>
<p class="soft">Stays: <code>${survivor}</code>. ${sources.map(s => `${s.source} ${grouped(s.pairs)}`).join(', ')}</p>
${members.length > 0 && html`<ul class="plain">${members.map(memberLine)}</ul>`}`,
  )

const memberLine = (m: NonNullable<Duplicates['largest'][number]['members']>[number]): Markup =>
  html`<li><code>${m.pair_id}</code> ${m.source}, ${m.relation}${m.jaccard !== null && `, smallest Jaccard ${decimals(m.jaccard, 2)}`}, ${m.outcome}</li>`
