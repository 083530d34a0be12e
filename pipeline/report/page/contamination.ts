/** What shares text with benchmarks, what is like their items, and what people say of the flags. */
import { intervals } from '../charts/intervals.ts'
import { matrix } from '../charts/matrix.ts'
import type { Contamination } from '../report-parts.ts'
import type { Report } from '../report-schema.ts'
import { grouped } from '../table.ts'
import { html, type Markup } from './html.ts'
import { details, figure, number, percent, type Section, shareOf, table } from './parts.ts'

export function contaminationSection({ contamination, people }: Report): Section | undefined {
  if (contamination.length === 0) return undefined
  const body = [...contamination.flatMap(contaminationBody), ...(people?.flags ? checkedFlags(people.flags) : [])]
  return { id: 'contamination', title: 'Contamination', body }
}

type Found = Contamination['found'][number]
const flagged = (f: Found): number => f.exact + f.whole + f.ngram

function contaminationBody({ step, benchmarks, items, stopped, found, flags, second_look, evidence }: Contamination): Markup[] {
  const head = html`<p>${number(items)} items of ${number(benchmarks)} benchmark files were looked for at <b>${step}</b>.</p>`
  const look = [...(second_look ? secondLook(second_look) : []), ...(stopped && stopped.passages > 0 ? [boilerplate(stopped)] : [])]
  if (found.length === 0) return [head, html`<p>None was found.</p>`, ...look]
  return [
    head,
    ...(flags && flags.drawn > 0
      ? [
          html`<p>${number(flags.drawn)} of ${number(flags.pairs)} flagged pairs were drawn for people to check: <code>goldpan review DIR</code>.</p>`,
        ]
      : []),
    foundFigure(found),
    ...look,
    html`<h3>Evidence</h3>${evidence.map(e =>
      details(
        html`<b>${e.benchmark}</b> ${e.item} <span class="soft">in ${e.source}, ${percent(e.coverage, 0)} of the item</span>`,
        html`<blockquote dir="auto">${e.span}</blockquote><p class="soft">Pair <code>${e.pair_id}</code>, ${e.outcome}.</p>`,
      ),
    )}`,
  ]
}

function foundFigure(found: readonly Found[]): Markup {
  const names = (of: 'benchmark' | 'source'): string[] => [...new Set(found.map(f => f[of]))].sort()
  const most = Math.max(1, ...found.map(flagged))
  const sum = (of: (f: Found) => number): number => found.reduce((n, f) => n + of(f), 0)
  const [low, all] = [sum(f => f.low_coverage ?? 0), sum(flagged)]
  return figure({
    title: 'Pairs that hold an item, by source and benchmark',
    note: `Low coverage: flags with less than 80 % of the item, the ones to look at first: ${grouped(low)} of ${grouped(all)} (${shareOf(low, all)}).`,
    chart: width =>
      matrix(
        'Contaminated pairs',
        found
          .filter(f => flagged(f) > 0)
          .map(f => ({
            row: f.source,
            column: f.benchmark,
            shade: Math.sqrt(flagged(f) / most),
            text: grouped(flagged(f)),
            title: `${f.source}, ${f.benchmark}: ${grouped(f.exact)} say the item, ${grouped(f.whole)} hold a short one whole, ${grouped(f.ngram)} share n-grams; ${grouped(f.low_coverage ?? 0)} of these with low coverage; ${grouped(f.below)} below the threshold`,
          })),
        width,
        { rows: names('source'), columns: names('benchmark') },
      ),
    table: {
      header: ['benchmark', 'source', '>exact', '>whole', '>n-grams', '>low coverage', '>its share', '>below the threshold'],
      rows: found.map(f => {
        const little = f.low_coverage ?? 0
        const kinds = [f.exact, f.whole, f.ngram, little].map(number)
        return [f.benchmark, f.source, ...kinds, shareOf(little, flagged(f)), number(f.below)]
      }),
    },
  })
}

const boilerplate = ({ ngrams, passages, most }: NonNullable<Contamination['stopped']>): Markup =>
  html`<h3>What does not count</h3><p>${number(ngrams)} n-grams of items, ${number(passages)} passages, are boilerplate: many prompts of a source share them. Those of most prompts:</p>${table(
    {
      header: ['passage', 'source', '>prompts'],
      rows: most.map(({ text, source, prompts }) => [html`<span dir="auto">${text}</span>`, source, number(prompts)]),
    },
  )}`

function secondLook({ threshold, found }: NonNullable<Contamination['second_look']>): Markup[] {
  return [
    html`<h3>Second look</h3><p>Pairs whose prompt is like an item by an embedding, with a cosine of ${threshold} or more. They are marked in the ledger's <code>second_look</code>; none leaves for that.</p>`,
    found.length === 0
      ? html`<p>None was found.</p>`
      : table({
          header: ['benchmark', 'source', '>pairs', '>that no shared words flag'],
          rows: found.map(f => [f.benchmark, f.source, number(f.pairs), number(f.unflagged)]),
        }),
  ]
}

type Checked = NonNullable<NonNullable<Report['people']>['flags']>

/** False flags with Wilson's interval, as people found them. */
function checkedFlags({ drawn, all, by_benchmark, undecided }: Checked): Markup[] {
  const head = `${grouped(all.n)} of ${grouped(drawn)} drawn flags have a verdict of people${undecided > 0 ? `, ${grouped(undecided)} are undecided` : ''}.`
  if (all.n === 0) return [html`<h3>False flags</h3><p>${head}</p>`]
  const rows = [{ label: 'all flags', ...all }, ...Object.entries(by_benchmark).map(([label, of]) => ({ label, ...of }))]
  const estimates = rows.map(r => ({ label: r.label, value: r.share ?? 0, low: r.low, high: r.high }))
  return [
    figure({
      title: 'False flags',
      note: `Share of flags that people call false, with Wilson's interval of 95 %. ${head}`,
      chart: width => intervals('False flags', estimates, width, { percent: true }),
      table: {
        header: ['flags of', '>checked', '>false', '>share', '>low', '>high'],
        rows: rows.map(r => [r.label, number(r.n), number(r.false), percent(r.share ?? 0), percent(r.low), percent(r.high)]),
      },
    }),
  ]
}
