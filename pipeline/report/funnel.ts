/** The funnel of a build in words and numbers: what came in, what left where and why, where everything is. */
import { join } from 'node:path'
import type { Manifest, Outcomes } from '../manifest.ts'
import { headed, type Look, PLAIN } from './ink.ts'
import { bytesText, grouped, tableOf } from './table.ts'
import { wrapped } from './wrap.ts'

const numbers = (from: number, count: number): boolean[] => Array.from({ length: count }, (_, i) => i >= from)

/** Lines without a last newline. `dir` is where the build lies, for the names of its files. */
export function funnelOf(manifest: Manifest, dir = '.', look: Look = PLAIN): string {
  const { totals } = manifest
  const kept = totals.train + totals.validation
  const share = totals.pairs_in === 0 ? '' : ` (${((100 * kept) / totals.pairs_in).toFixed(1)} %)`
  const rejected = totals.rejected > 0 ? `; ${grouped(totals.rejected)} input rows could not be read` : ''
  return [
    `${look.ink.strong(manifest.name)}: ${grouped(totals.pairs_in)} pairs in, ${grouped(kept)} kept${share}, ${grouped(totals.flipped)} of them with the label turned${rejected}`,
    headed(look, sourceTable(manifest, look)),
    headed(look, stepTable(manifest, look)),
    ...errorTable(manifest, look),
    headed(look, fileTable(manifest, dir, look)),
    wrapped(
      `report: ${join(dir, 'report.html')}; dataset card: ${join(dir, 'README.md')}; figures: ${join(dir, 'report.json')}, ${join(dir, 'manifest.json')}, ${join(dir, 'run.json')}`,
      look.width,
    ),
  ].join('\n\n')
}

const outcomeNames = ['train', 'validation', 'flipped', 'quarantine', 'review', 'dropped'] as const satisfies readonly (keyof Outcomes)[]

function sourceTable({ sources, totals }: Manifest, { width }: Look): string {
  const row = (name: string, pairs_in: number, counts: Outcomes): string[] => [
    name,
    grouped(pairs_in),
    ...outcomeNames.map(o => grouped(counts[o])),
  ]
  const rows = sources.map(source => row(source.source, source.pairs_in, source))
  if (sources.length > 1) rows.push(row('all', totals.pairs_in, totals))
  return tableOf(['source', 'pairs in', ...outcomeNames], rows, { right: numbers(1, 8), width: Math.min(width ?? WIDEST, WIDEST) })
}

/** A source may have any name. */
const WIDEST = 240

/** On a wide terminal with bars of what is left. */
function stepTable({ steps }: Manifest, { width }: Look): string {
  const most = Math.max(1, ...steps.map(step => step.rows_in))
  const drawn = width !== undefined && width >= BARS_FROM
  const rows = steps.map(({ id, rows_in, rows_out, dropped, recalled = {}, unscored = {}, truncated = {} }) => {
    const reasons = Object.entries(dropped).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    return [
      id,
      grouped(rows_in),
      grouped(rows_in - rows_out),
      grouped(rows_out),
      ...(drawn ? [bar(rows_out / most)] : []),
      [
        ...reasons,
        ...Object.entries(recalled).map(([from, n]) => [`back from ${from}`, n] as const),
        ...Object.entries(unscored).map(([column, n]) => [`unscored by ${column.slice('margin_'.length)}`, n] as const),
        ...Object.entries(truncated).map(([column, n]) => [`texts cut for ${column.slice('margin_'.length)}`, n] as const),
      ]
        .map(([reason, n]) => `${reason} ${grouped(n)}`)
        .join(', '),
    ]
  })
  const header = ['step', 'rows in', 'left', 'rows out', ...(drawn ? ['of all'] : []), 'why']
  return tableOf(header, rows, { right: [false, true, true, true], width })
}

interface Judged {
  readonly n: number
  readonly error: number
  readonly low: number
  readonly high: number
}

interface Told {
  readonly expected_error?: Readonly<Record<string, Judged>>
}

/** How often decisions of models are wrong, where people have judged some of the pairs. */
function errorTable({ steps }: Manifest, look: Look): string[] {
  const tables = steps.flatMap(({ id, summary }) => {
    const errors = Object.entries((summary as Told | undefined)?.expected_error ?? {})
    const percent = (share: number): string => (100 * share).toFixed(1)
    const rows = errors.map(([outcome, { n, error, low, high }]) => [
      `${id}: ${outcome}`,
      grouped(n),
      percent(error),
      `${percent(low)} to ${percent(high)}`,
    ])
    return rows.length > 0
      ? [tableOf(['decided by models', 'answered', 'wrong %', '95 % interval'], rows, { right: [false, true, true] })]
      : []
  })
  return tables.map(table => headed(look, table))
}

const BARS_FROM = 90
const BAR = 20

/** A share as a bar in eighths of a character. */
export function bar(share: number): string {
  const eighths = Math.round(share * BAR * 8)
  return '█'.repeat(eighths >> 3) + (eighths & 7 ? '▏▎▍▌▋▊▉'[(eighths & 7) - 1] : '')
}

function fileTable({ outputs }: Manifest, dir: string, { width }: Look): string {
  const folders = [...new Set(outputs.map(({ path }) => path.split('/')[0]))]
  const rows = folders.map(folder => {
    const files = outputs.filter(({ path }) => path.startsWith(`${folder}/`))
    const sum = (of: 'rows' | 'bytes'): number => files.reduce((n, file) => n + file[of], 0)
    return [join(dir, folder), String(files.length), grouped(sum('rows')), bytesText(sum('bytes'))]
  })
  return tableOf(['folder', 'files', 'rows', 'size'], rows, { right: numbers(1, 4), width })
}
