/** The funnel of a build in words and numbers: what came in, what left where and why, where everything is. */
import { join } from 'node:path'
import type { Manifest, Outcomes } from '../manifest.ts'
import { bytesText, grouped, tableOf } from './table.ts'

const numbers = (from: number, count: number): boolean[] => Array.from({ length: count }, (_, i) => i >= from)

/** Lines without a last newline. `dir` is where the build lies, for the names of its files. */
export function funnelOf(manifest: Manifest, dir = '.'): string {
  const { totals } = manifest
  const kept = totals.train + totals.validation
  const share = totals.pairs_in === 0 ? '' : ` (${((100 * kept) / totals.pairs_in).toFixed(1)} %)`
  const rejected = totals.rejected > 0 ? `; ${grouped(totals.rejected)} input rows could not be read` : ''
  return [
    `${manifest.name}: ${grouped(totals.pairs_in)} pairs in, ${grouped(kept)} kept${share}, ${grouped(totals.flipped)} of them with the label turned${rejected}`,
    sourceTable(manifest),
    stepTable(manifest),
    fileTable(manifest, dir),
    `report: goldpan report ${dir}; dataset card: ${join(dir, 'README.md')}; figures: ${join(dir, 'manifest.json')}, ${join(dir, 'run.json')}`,
  ].join('\n\n')
}

const outcomeNames = ['train', 'validation', 'flipped', 'quarantine', 'review', 'dropped'] as const satisfies readonly (keyof Outcomes)[]

function sourceTable({ sources, totals }: Manifest): string {
  const row = (name: string, pairs_in: number, counts: Outcomes): string[] => [
    name,
    grouped(pairs_in),
    ...outcomeNames.map(o => grouped(counts[o])),
  ]
  const rows = sources.map(source => row(source.source, source.pairs_in, source))
  if (sources.length > 1) rows.push(row('all', totals.pairs_in, totals))
  return tableOf(['source', 'pairs in', ...outcomeNames], rows, { right: numbers(1, 8) })
}

function stepTable({ steps }: Manifest): string {
  const rows = steps.map(({ id, rows_in, rows_out, dropped, recalled = {}, unscored = {} }) => {
    const reasons = Object.entries(dropped).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    return [
      id,
      grouped(rows_in),
      grouped(rows_in - rows_out),
      grouped(rows_out),
      [
        ...reasons,
        ...Object.entries(recalled).map(([from, n]) => [`back from ${from}`, n] as const),
        ...Object.entries(unscored).map(([column, n]) => [`unscored by ${column.slice('margin_'.length)}`, n] as const),
      ]
        .map(([reason, n]) => `${reason} ${grouped(n)}`)
        .join(', '),
    ]
  })
  return tableOf(['step', 'rows in', 'left', 'rows out', 'why'], rows, { right: [false, true, true, true, false] })
}

function fileTable({ outputs }: Manifest, dir: string): string {
  const folders = [...new Set(outputs.map(({ path }) => path.split('/')[0]))]
  const rows = folders.map(folder => {
    const files = outputs.filter(({ path }) => path.startsWith(`${folder}/`))
    const sum = (of: 'rows' | 'bytes'): number => files.reduce((n, file) => n + file[of], 0)
    return [join(dir, folder), String(files.length), grouped(sum('rows')), bytesText(sum('bytes'))]
  })
  return tableOf(['folder', 'files', 'rows', 'size'], rows, { right: numbers(1, 4) })
}
