/** Two builds compared, in words: what `goldpan diff` prints. */
import type { Cause } from '../causes.ts'
import type { Diff, End, Movement } from '../diff.ts'
import { cut, grouped, tableOf, visible } from './table.ts'

const SHOWN = 20
const VALUE_WIDTH = 60

/** Lines without a last newline. `width` is the terminal's. */
export function diffText(diff: Diff, width?: number): string {
  return [
    `A ${visible(diff.a.dir)}  ->  B ${visible(diff.b.dir)}`,
    `What was changed\n${causeLines(diff.causes).join('\n')}`,
    `What each build came to\n${totalsTable(diff)}`,
    `What became of the pairs\n${countLines(diff.pairs).join('\n')}`,
    ...(diff.movements.length > 0 ? [movementTable(diff, width), ...sampleLines(diff)] : []),
  ].join('\n\n')
}

function causeLines(causes: readonly Cause[]): string[] {
  if (causes.length === 0) return ['  nothing that moves a pair: steps, params, inputs, versions and judgements are the same']
  const rows = causes
    .slice(0, SHOWN)
    .map(({ what, from = 'not set', to = 'not set' }) => [
      `  ${what}`,
      cut(visible(from), VALUE_WIDTH),
      '->',
      cut(visible(to), VALUE_WIDTH),
    ])
  const more = causes.length > SHOWN ? [`  ... and ${causes.length - SHOWN} more; --json lists all`] : []
  return [...tableOf(['', '', '', ''], rows).split('\n').slice(1), ...more]
}

const TOTALS = ['pairs_in', 'train', 'validation', 'flipped', 'quarantine', 'review', 'dropped', 'rejected'] as const
const CALLED: Readonly<Record<string, string>> = { pairs_in: 'pairs in', flipped: 'label turned', rejected: 'unreadable rows' }

function totalsTable({ a, b }: Diff): string {
  const rows = TOTALS.filter(name => a.totals[name] + b.totals[name] > 0).map(name => {
    const change = b.totals[name] - a.totals[name]
    return [`  ${CALLED[name] ?? name}`, grouped(a.totals[name]), grouped(b.totals[name]), change === 0 ? '' : signed(change)]
  })
  return tableOf(['', 'A', 'B', 'change'], rows, { right: [false, true, true, true] })
}

const signed = (n: number): string => (n < 0 ? `-${grouped(-n)}` : `+${grouped(n)}`)

function countLines({ in_both, alike, changed, only_a, only_b, other_weight }: Diff['pairs']): string[] {
  const lines = [`  ${grouped(in_both)} are in both builds: ${grouped(alike)} ended alike, ${grouped(changed)} otherwise`]
  if (only_a > 0) lines.push(`  ${grouped(only_a)} are in A only`)
  if (only_b > 0) lines.push(`  ${grouped(only_b)} are in B only`)
  if (other_weight > 0) lines.push(`  ${grouped(other_weight)} that ended alike have another training weight`)
  return lines
}

function movementTable({ movements }: Diff, width: number | undefined): string {
  const rows = movements.slice(0, SHOWN).map((m, i) => [String(i + 1), grouped(m.pairs), endText(m.a), endText(m.b), becauseText(m)])
  const more = movements.length > SHOWN ? `\n... and ${movements.length - SHOWN} more ways; --json lists all` : ''
  return `${tableOf(['#', 'pairs', 'in A', 'in B', 'because of'], rows, { right: [true, true], width })}${more}`
}

const ENDED: Readonly<Record<End['outcome'], string>> = {
  keep: 'kept',
  flip: 'label turned',
  quarantine: 'quarantined',
  review: 'sent to review',
  drop: 'dropped',
}

function endText(end: End | null): string {
  if (end === null) return 'not there'
  const { outcome, split, step, reason } = end
  const where = split === null ? '' : `, in ${split}`
  return `${ENDED[outcome]}${step === null ? '' : ` by ${step}: ${reason}`}${where}`
}

function becauseText({ because, indirectly, a, b }: Movement): string {
  if (because.length === 0) return a === null || b === null ? 'other rows read' : 'no change that is known'
  const [first, ...more] = because
  return `${indirectly ? 'in consequence of ' : ''}${first}${more.length > 0 ? ` and ${more.length} more` : ''}`
}

function sampleLines({ a, b, movements }: Diff): string[] {
  const rows = movements.slice(0, SHOWN).flatMap((m, i) =>
    m.sample.map(({ pair_id, file, row, source, source_id }) => {
      const dirs = [...(m.a ? [a.dir] : []), ...(m.b ? [b.dir] : [])]
      return [
        String(i + 1),
        `${pair_id}`,
        `${source}${source_id === null ? '' : `:${source_id}`}`,
        `${file}, row ${row}`,
        dirs.length === 2 ? 'A, B' : m.a ? 'A' : 'B',
      ]
    }),
  )
  if (rows.length === 0) return []
  const of = movements.find(m => m.sample.length > 0)!
  const example = `goldpan explain ${of.b ? b.dir : a.dir} ${of.sample[0].pair_id}`
  return [
    `Some of them, drawn by chance; to read one's whole story: ${example}\n${tableOf(['#', 'pair_id', 'name', 'from', 'in'], rows, { right: [true] })}`,
  ]
}
