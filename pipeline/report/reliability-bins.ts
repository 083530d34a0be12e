/** Bins of a reliability diagram, so that each says something. */

import type { ReliabilityBin } from '../kernels/calibration.ts'
import { wilson } from '../kernels/intervals.ts'
import type { Bin } from './report-parts.ts'

/** Fewer pairs are put together with those of the next bin. */
const LEAST = 50

/** Bins by rising p with Wilson's interval of right / n, of at least 50 pairs each where there are as many; `p` is the mean over the pairs of a bin. */
export function toldBins(bins: readonly ReliabilityBin[]): Bin[] {
  const out: ReliabilityBin[] = []
  let open: ReliabilityBin | undefined
  for (const bin of bins) {
    open = open ? together(open, bin) : bin
    if (open.n < LEAST) continue
    out.push(open)
    open = undefined
  }
  if (open && open.n > 0) out.push(out.length > 0 ? together(out.pop()!, open) : open)
  return out.map(bin => ({ ...bin, ...rounded(wilson(bin.right / bin.n, bin.n)) }))
}

const together = (a: ReliabilityBin, b: ReliabilityBin): ReliabilityBin => ({
  p: digits((a.p * a.n + b.p * b.n) / Math.max(1, a.n + b.n)),
  n: a.n + b.n,
  right: a.right + b.right,
})
const rounded = ({ low, high }: { low: number; high: number }) => ({ low: digits(low), high: digits(high) })
const digits = (x: number): number => Number(x.toFixed(6))
