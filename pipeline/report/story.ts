/** What happened to a pair, in plain words: what `goldpan explain` prints. */
import type { Explained, LedgerRow, Message, PairTexts, Survivor } from '../explain.ts'
import type { Manifest } from '../manifest.ts'
import { visible } from './table.ts'

const ROWS_AT_MOST = 20
const TEXT_AT_MOST = 400

/** `full`: all rows, and texts whole. */
export function storyOf(manifest: Manifest, { rows, survivors, texts }: Explained, full: boolean): string {
  const shown = full ? rows : rows.slice(0, ROWS_AT_MOST)
  const stories = shown.map(row => [...head(row), ...steps(manifest, row), ...evidence(row, survivors), ...signals(row)].join('\n'))
  const more = rows.length > shown.length ? [`... and ${rows.length - shown.length} more rows; --full shows all`] : []
  const ids = [...new Set(shown.map(row => row.pair_id))]
  const ends = ids.map(id => textLines(shown.find(row => row.pair_id === id)!, texts[id], full).join('\n'))
  return [...(rows.length > 1 ? [`${rows.length} rows of the ledger match`] : []), ...stories, ...more, ...ends].join('\n\n')
}

const called = ({ source, source_id, file, row }: Survivor | LedgerRow): string =>
  `${visible(source)}${source_id === null ? '' : `:${visible(source_id)}`} (${visible(file)}, row ${row})`

function head(row: LedgerRow): string[] {
  const at = row.step === null ? '' : ` at step ${row.step}: ${row.reason}`
  const ended: Record<LedgerRow['outcome'], string> = {
    keep: `kept, in ${row.split}`,
    flip: `kept with the label turned${at}, in ${row.split}`,
    quarantine: `set aside in quarantine${at}`,
    review: `waits for people in review${at}`,
    drop: `dropped${at}`,
  }
  return [`pair ${row.pair_id}`, `  from     ${called(row)}`, `  outcome  ${ended[row.outcome]}`]
}

/** Steps between which a pair of a conflict was in review: from the one that sent it there to the one that took it out. */
function inReview(all: Manifest['steps'], row: LedgerRow): { from: number; to: number } | undefined {
  const sender = { swapped: 'exact-dedup', 'near-swapped': 'near-dup' }[row.relation ?? '']
  const takers = all.map(({ recalled }) => Object.keys(recalled ?? {}))
  const to = row.outcome === 'keep' ? takers.findLastIndex(of => of.length > 0) : all.findIndex(({ id }) => id === row.step)
  // a pair that was only marked went on, and models have judged it
  if (to < 0 || typeof row.p_mean === 'number') return undefined
  const from = all.findIndex(({ id, stage }) => stage === sender && takers[to].some(of => of.startsWith(`${id}: `)))
  return from < 0 ? undefined : { from, to }
}

function steps({ steps: all }: Manifest, row: LedgerRow): string[] {
  const { outcome, step, reason } = row
  const away = inReview(all, row)
  const width = Math.max(0, ...all.map(({ id }) => id.length))
  const end = outcome === 'keep' ? -1 : all.findIndex(({ id }) => id === step)
  const left = end >= 0 && outcome !== 'flip'
  const head = (i: number): string => `  ${i === 0 ? 'steps' : '     '}    ${all[i].id.padEnd(width)}  `
  return all.map((_, i) => {
    if (away && i >= away.from && i < away.to) return `${head(i)}${i === away.from ? 'sent to review' : 'waited in review'}`
    const happened = left && i > end ? 'not reached' : i !== end ? 'passed' : left ? `left here: ${reason}` : `label turned: ${reason}`
    return `${head(i)}${i === away?.to && !left ? 'taken back by people' : happened}`
  })
}

const RELATIONS: Readonly<Record<string, string>> = {
  exact: 'has the same prompt, chosen and rejected as',
  swapped: 'has the texts of another pair with chosen and rejected swapped, so the two labels contradict each other:',
  near: 'is nearly the same as',
  'near-swapped': 'is nearly another pair with chosen and rejected swapped, so the two labels contradict each other:',
  'no-signal': 'has nearly the same text on both sides',
  'same-prompt': 'was not drawn: its prompt has more pairs than max_per_prompt lets stay',
  semantic: 'asks nearly the same, by the embeddings of the prompts, as',
}

function evidence(row: LedgerRow, survivors: Explained['survivors']): string[] {
  const lines: string[] = []
  if (row.relation !== null) {
    const other = row.duplicate_of === null ? undefined : survivors[row.duplicate_of]
    const named =
      row.duplicate_of === null
        ? ''
        : ` ${other && row.relation !== 'exact' ? `${row.duplicate_of}, ` : ''}${other ? called(other) : row.duplicate_of}`
    lines.push(
      `${RELATIONS[row.relation] ?? row.relation}${named}${row.jaccard === null ? '' : `; smallest Jaccard ${figure(row.jaccard)}`}${typeof row.cosine === 'number' ? `; cosine ${figure(row.cosine)}` : ''}`,
    )
  }
  if (row.cluster_id !== null)
    lines.push(`is in cluster ${row.cluster_id}${row.cluster_size === null ? '' : ` of ${row.cluster_size} pairs`}`)
  for (const { benchmark, item, span, coverage } of row.contamination ?? [])
    lines.push(
      `shares with ${visible(benchmark)}, item ${visible(item)} (${figure(100 * coverage)} % of it): "${shortened(visible(span), TEXT_AT_MOST)}"`,
    )
  if (row.draw !== null)
    lines.push(
      `was drawn for the ${row.draw} sample${row.inclusion_probability === null ? '' : `, with probability ${figure(row.inclusion_probability)}`}`,
    )
  if (row.human !== null) lines.push(peopleLine(row.human))
  return lines.map((line, i) => `  ${i === 0 ? 'evidence' : '        '} ${line}`)
}

function peopleLine({ outcome, n, agreement }: NonNullable<LedgerRow['human']>): string {
  if (agreement === 0) return `people said neither: ${n} votes, as many for one side as for the other`
  return `people said ${outcome}: ${n} votes, ${figure(100 * agreement)} % of them so`
}

/** Every score, of the label as it came in. */
function signals(row: LedgerRow): string[] {
  const models = Object.keys(row).flatMap(name => (/^(?:margin|p)_(?!mean$)(.+)$/.exec(name) ?? []).slice(1))
  const lines = [...new Set(models)].flatMap(model => {
    const said = [named(row, `margin_${model}`, 'margin'), named(row, `p_${model}`, 'p')].filter(text => text !== '')
    return said.length > 0 ? [`${model}: ${said.join(', ')}`] : []
  })
  for (const name of ['p_mean', 'disagreement', 'against', 'style_p', 'weight'])
    if (named(row, name, name) !== '') lines.push(named(row, name, name))
  return lines.map((line, i) => `  ${i === 0 ? 'signals' : '       '}  ${line}`)
}

const named = (row: LedgerRow, column: string, as: string): string =>
  typeof row[column] === 'number' ? `${as} ${figure(row[column])}` : ''

/** Four digits that count. */
const figure = (value: number): string => (Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4))))

function textLines(row: LedgerRow, texts: PairTexts | undefined, full: boolean): string[] {
  if (!texts) return [`texts of ${row.pair_id}: ${whereTexts(row)}`]
  const turned = row.outcome === 'flip' ? ', sides already turned' : ''
  const limit = full ? Number.POSITIVE_INFINITY : TEXT_AT_MOST
  const part = (title: string, messages: readonly Message[] | undefined): string[] =>
    (messages ?? []).flatMap(({ role, content }) => [`  ${title} (${role})`, ...indented(shortened(content, limit))])
  return [
    `texts of ${row.pair_id}, from ${texts.table}${turned}`,
    ...part('prompt', texts.prompt),
    ...part('chosen', texts.chosen),
    ...part('rejected', texts.rejected),
  ]
}

const whereTexts = ({ split, file, row }: LedgerRow): string =>
  split === null
    ? `a build keeps none of dropped pairs; the input is ${visible(file)}, row ${row}`
    : `in ${split}/, in Arrow files, which are not read here`

const indented = (text: string): string[] => text.split('\n').map(line => `    ${visible(line)}`)

function shortened(text: string, limit: number): string {
  const characters = text.length > limit ? [...text.slice(0, 2 * limit + 2)] : []
  return characters.length <= limit ? text : `${characters.slice(0, limit).join('')}… (${text.length} characters in all)`
}
