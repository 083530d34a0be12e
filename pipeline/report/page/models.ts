/** Reward models, what they say of the labels, and what was decided. */
import { bars } from '../charts/bars.ts'
import { curve } from '../charts/curve.ts'
import { OUTCOMES } from '../charts/draw.ts'
import { histogram } from '../charts/histogram.ts'
import { matrix } from '../charts/matrix.ts'
import { reliability } from '../charts/reliability.ts'
import type { Models } from '../report-parts.ts'
import type { Report } from '../report-schema.ts'
import { html, type Markup, trusted } from './html.ts'
import { decimals, details, figure, NAMES, number, percent, type Section, shareOf, table } from './parts.ts'

export function modelsSection({ models, steps, facts, curves }: Report): Section | undefined {
  if (!models || models.models.length === 0) return undefined
  const body = [
    accuracy(models),
    ...notRead(steps),
    ...reliabilities(models),
    ...agreement(models),
    ...curves.map(curveFigure),
    ...facts.filter(f => f.step !== 'decide').map(otherFacts),
  ]
  return { id: 'models', title: 'Reward models', body }
}

function accuracy({ models, calibrated_on }: Models): Markup {
  return figure({
    title: 'How often each model prefers the chosen side',
    note: `The dashed line is chance.${calibrated_on === undefined ? '' : ` Calibrated on ${calibrated_on}.`}`,
    chart: width =>
      bars(
        'Accuracy of models',
        models.map(m => ({
          label: m.name,
          n: m.accuracy ?? 0,
          text: m.accuracy === null ? '–' : percent(m.accuracy),
          title: `${m.name}: ${m.accuracy === null ? '–' : percent(m.accuracy)} of ${number(m.pairs)} pairs`,
        })),
        width,
        0.5,
      ),
    table: {
      header: [
        'model',
        '>pairs',
        '>accuracy',
        '>AUC',
        '>temperature',
        '>weight',
        '>ECE before',
        '>ECE after',
        '>Brier before',
        '>Brier after',
      ],
      rows: models.map(m => [
        m.name,
        number(m.pairs),
        decimals(m.accuracy),
        decimals(m.auc),
        decimals(m.temperature),
        decimals(m.weight),
        decimals(m.before?.ece),
        decimals(m.after?.ece),
        decimals(m.before?.brier),
        decimals(m.after?.brier),
      ]),
    },
  })
}

/** What configured models could not read, or not whole. */
function notRead(steps: Report['steps']): Markup[] {
  const rows = steps.flatMap(({ unscored = {}, truncated = {} }) =>
    [...new Set([...Object.keys(unscored), ...Object.keys(truncated)])].map(column => [
      column.slice('margin_'.length),
      number(truncated[column] ?? 0),
      number(unscored[column] ?? 0),
    ]),
  )
  if (rows.length === 0) return []
  const header = ['model', '>texts whose prompt was cut', '>pairs without a score']
  return [
    html`<h3>Not read whole</h3><p>A text longer than a model takes loses the beginning of its prompt, never of its response.</p>${table({ header, rows })}`,
  ]
}

const PANEL = 270

function reliabilities({ models }: Models): Markup[] {
  const some = models.filter(m => m.bins.some(b => b.n > 0))
  if (some.length === 0) return []
  const rows = some.flatMap(m =>
    m.bins.map(b => [
      m.name,
      decimals(b.p, 2),
      number(b.n),
      number(b.right),
      shareOf(b.right, b.n),
      `${percent(b.low)} to ${percent(b.high)}`,
    ]),
  )
  return [
    html`<figure><figcaption><h3>Reliability</h3><p>How often a model is right against how sure it says it is, after calibration. On the dashed line it is as right as it says; larger dots stand for more pairs, thin lines are intervals of 95 %, and bins of fewer than 50 pairs are put together with the next.</p></figcaption>
<div class="panels">${some.map(m => html`<div><h4>${m.name}</h4>${trusted(reliability(m, PANEL))}</div>`)}</div>
${details('Numbers', table({ header: ['model', '>says', '>pairs', '>right', '>share', '>95 %'], rows }))}</figure>`,
  ]
}

function agreement({ models, agreement: two }: Models): Markup[] {
  if (two.length === 0) return []
  const names = models.map(m => m.name).filter(name => two.some(t => t.a === name || t.b === name))
  const cells = two.flatMap(t => {
    const share = t.pairs > 0 ? t.same / t.pairs : 0
    const cell = (row: string, column: string) => ({
      row,
      column,
      shade: Math.max(0, 2 * share - 1),
      text: t.pairs > 0 ? percent(share, 0) : '–',
      title: `${row} and ${column} prefer the same side of ${number(t.same)} of ${number(t.pairs)} pairs`,
    })
    return [cell(t.a, t.b), cell(t.b, t.a)]
  })
  return [
    figure({
      title: 'Agreement of models',
      note: 'Pairs on which both prefer the same side, of those on which both prefer one. By chance alone: 50 %.',
      chart: width => matrix('Agreement of models', cells, width, { rows: names, columns: names }),
      table: {
        header: ['model', 'other model', '>pairs', '>same', '>share'],
        rows: two.map(t => [t.a, t.b, number(t.pairs), number(t.same), shareOf(t.same, t.pairs)]),
      },
    }),
  ]
}

const curveFigure = (c: Report['curves'][number]): Markup =>
  figure({
    title: `${c.step}: ${c.name}`,
    chart: width => curve(c, Math.min(width, 560)),
    wide: 560,
    table: { header: [`>${c.x}`, `>${c.y}`], rows: c.points.map(p => [number(p.x), number(p.y)]) },
  })

const otherFacts = ({ step, facts }: Report['facts'][number]): Markup =>
  details(
    `Further figures of ${step}`,
    table({
      header: ['figure', '>value'],
      rows: Object.entries(facts).map(([name, value]) => [name, typeof value === 'number' ? number(value) : value]),
    }),
  )

export function decisionsSection(report: Report): Section | undefined {
  const { signals, steps, facts, totals } = report
  const decide = steps.find(s => s.stage === 'decide')
  const told = facts.filter(f => f.step === decide?.id)
  if (signals.length === 0 && told.length === 0) return undefined
  const ends: [string, number][] = [
    ['kept with their label', totals.train + totals.validation - totals.flipped],
    ['kept, label turned', totals.flipped],
    ['wait for people', totals.review],
    ['in quarantine', totals.quarantine],
    ['dropped', totals.dropped],
  ]
  const body = [
    table({ header: ['decision', '>pairs', '>of all'], rows: ends.map(([name, n]) => [name, number(n), shareOf(n, totals.pairs_in)]) }),
    ...(decide && told.length === 0
      ? [
          html`<p>How often these decisions are wrong is known once people have judged some of the pairs: <code>goldpan review DIR</code>.</p>`,
        ]
      : []),
    ...told.map(
      f =>
        html`<h3>Expected error</h3>${table({ header: ['figure', '>value'], rows: Object.entries(f.facts).map(([name, value]) => [name, typeof value === 'number' ? number(value) : value]) })}`,
    ),
    ...signals.map(signalFigure),
  ]
  return { id: 'decisions', title: 'Decisions', body }
}

/** A panel an outcome, each on a scale of its own: few turned labels would not be seen among many kept ones. */
function signalFigure({ signal, bins }: Report['signals'][number]): Markup {
  const [title, note] = SIGNALS[signal] ?? [signal, '']
  const panels = OUTCOMES.flatMap(outcome => {
    const of = bins.filter(b => b.outcome === outcome)
    const n = of.reduce((sum, b) => sum + b.n, 0)
    return n > 0 ? [html`<div><h4>${NAMES[outcome]} (${number(n)})</h4>${trusted(histogram({ signal, bins: of }, PANEL))}</div>`] : []
  })
  const rows = bins.map(b => [decimals(b.from, 2), decimals(b.to, 2), NAMES[b.outcome] ?? b.outcome, number(b.n)])
  return html`<figure><figcaption><h3>${title}</h3><p>${note} Each panel has its own scale.</p></figcaption>
<div class="panels">${panels}</div>
${details('Numbers', table({ header: ['>from', '>to', 'ended', '>pairs'], rows }))}</figure>`
}

const SIGNALS: Readonly<Record<string, readonly [string, string]>> = {
  p_mean: [
    'Is the label right, by all models',
    'p_mean: weighted mean of the calibrated probabilities of the label as it came in. Left: suspected wrong labels.',
  ],
  style_p: [
    'Does style explain the label',
    'style_p: probability of the label by style alone, out of fold. Right: labels that need no reading.',
  ],
  disagreement: ['Do models differ', 'disagreement: spread of the calibrated probabilities over the models.'],
}
