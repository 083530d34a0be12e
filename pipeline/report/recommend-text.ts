/** Recommended thresholds in words: what `goldpan recommend` prints. */
import type { Recommendation } from '../recommend.ts'
import { grouped, tableOf, visible } from './table.ts'

const share = (n: number): string => n.toFixed(3)
const between = ({ low, high }: { low: number; high: number }): string => `${share(low)} to ${share(high)}`

/** Lines without a last newline. */
export function recommendationText(found: Recommendation, dir: string): string {
  const { precision, answers, flips, kept } = found
  if (answers === 0) return `no pair that models judge was answered by people yet: goldpan review ${visible(dir)}`
  const turned = flips
    .filter(({ n, pairs }, i) => n > 0 && (i === 0 || pairs !== flips[i - 1].pairs || n !== flips[i - 1].n))
    .map(f => [share(f.below), grouped(f.pairs), grouped(f.n), share(f.share ?? 0), between(f)])
  const stay = kept
    .filter(({ n }, i) => i === 0 || n !== kept[i - 1].n)
    .map(k => [share(k.below), grouped(Math.round(k.pairs)), grouped(k.n), share(k.share), between(k)])
  return [
    `${grouped(answers)} answered pairs; wanted precision ${precision}`,
    ...(turned.length > 0 ? [tableOf(['flip_below', 'turned', 'answered', 'rightly', '95 % interval'], turned)] : []),
    chosen('flip_below', found.flip_below, precision, 'flips'),
    ...(stay.length > 0 ? [tableOf(['review_below', 'kept', 'audited', 'right', '95 % interval'], stay)] : []),
    chosen('review_below', found.review_below, precision, 'kept labels'),
  ].join('\n\n')
}

function chosen(param: string, { surely, estimate }: Recommendation['flip_below'], precision: number, what: string): string {
  if (surely !== null)
    return `decide: { ${param}: ${surely} }   ${what} are right in ${precision} or more, also at the low end of the interval`
  if (estimate === null) return `${param}: no threshold reaches ${precision} for ${what} by the answers there are`
  return `${param}: ${estimate} by the estimate, but more answers are needed to be sure of ${precision} for ${what}`
}
