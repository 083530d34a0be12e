/** How long the texts of kept pairs are, in UTF-8 bytes: quantiles of counts, exact for pairs, within .2 % for sides. */
import { type Batch, columnsOf, stringAt } from './batch.ts'
import { textGroups } from './kernels/text-groups.ts'
import { outcomes, sizeFacts } from './pair.ts'
import { splits } from './settle.ts'

export interface PairBytes {
  readonly median: number
  readonly p99: number
  readonly max: number
}
/** Of one side, its quartiles. */
export interface Quarters {
  readonly quarter: number
  readonly median: number
  readonly three_quarters: number
}
export interface SideBytes {
  readonly chosen: Quarters
  readonly rejected: Quarters
}

/** How often each size occurs. */
type Counts = Map<number, number>
type Sides = { readonly chosen: Counts; readonly rejected: Counts }

const facts = { ...sizeFacts, source: 'utf8' } as const
const FLIP = outcomes.indexOf('flip')
const [NONE, TRAIN] = [splits.indexOf('none'), splits.indexOf('train')]

/** Beyond so many sources their sides are not told apart: nobody reads that, and it would not fit in memory. */
const MOST_SOURCES = 1000

export class Lengths {
  private readonly pairs: Counts = new Map()
  private readonly sides = new Map<string, Sides>()
  private readonly by_source: boolean

  /** `sources`: how many there are. */
  constructor(sources: number) {
    this.by_source = sources <= MOST_SOURCES
  }

  /** Counts the kept pairs of a shard, and the sides of those in train as they stand there. */
  add(batch: Batch, outcome: Uint8Array, split: Uint8Array): void {
    const { text_bytes, chosen_bytes, rejected_bytes, source } = columnsOf(batch, facts)
    const { of, firsts } = textGroups(source, batch.rows)
    const sides = firsts.map(row => (this.by_source ? this.sidesOf(stringAt(source, row)) : undefined))
    countRows(
      { total: text_bytes.values, chosen: chosen_bytes.values, rejected: rejected_bytes.values, of, outcome, split },
      this.pairs,
      sides,
    )
  }

  private sidesOf(source: string): Sides {
    const known = this.sides.get(source)
    if (known) return known
    const sides = { chosen: new Map(), rejected: new Map() }
    this.sides.set(source, sides)
    return sides
  }

  /** Of prompts with their longer side; undefined where no pair has a text. */
  ofPairs(): PairBytes | undefined {
    const at = quantiles(this.pairs)
    return at && { median: at(0.5), p99: at(0.99), max: at(1) }
  }

  /** Of the sides, by source; sources without a pair in train are left out. */
  ofSides(): [source: string, SideBytes][] {
    return [...this.sides].flatMap(([source, { chosen, rejected }]): [string, SideBytes][] => {
      const of = [chosen, rejected].map(quartersOf)
      return of[0] && of[1] ? [[source, { chosen: of[0], rejected: of[1] }]] : []
    })
  }
}

/** Plain arrays of all rows of a shard; `of`: the source. */
interface Rows {
  readonly total: Int32Array
  readonly chosen: Int32Array
  readonly rejected: Int32Array
  readonly of: Int32Array
  readonly outcome: Uint8Array
  readonly split: Uint8Array
}

function countRows({ total, chosen, rejected, of, outcome, split }: Rows, pairs: Counts, sides: readonly (Sides | undefined)[]): void {
  for (let i = 0; i < of.length; i++) {
    if (split[i] === NONE) continue
    if (total[i] > 0) count(pairs, total[i] - Math.min(chosen[i], rejected[i]))
    const own = sides[of[i]]
    if (split[i] !== TRAIN || !own) continue
    const turned = outcome[i] === FLIP
    count(own.chosen, rounded(turned ? rejected[i] : chosen[i]))
    count(own.rejected, rounded(turned ? chosen[i] : rejected[i]))
  }
}

/** Ten binary digits of a size, so that a source has some thousands of them at most. */
function rounded(size: number): number {
  const less = Math.max(0, 22 - Math.clz32(size))
  return (size >> less) << less
}

function count(counts: Counts, size: number): void {
  counts.set(size, (counts.get(size) ?? 0) + 1)
}

function quartersOf(counts: Counts): Quarters | undefined {
  const at = quantiles(counts)
  return at && { quarter: at(0.25), median: at(0.5), three_quarters: at(0.75) }
}

/** The size that a share of all sizes do not exceed. */
function quantiles(counts: Counts): ((q: number) => number) | undefined {
  const sizes = [...counts.keys()].sort((a, b) => a - b)
  const total = sizes.reduce((n, size) => n + counts.get(size)!, 0)
  if (total === 0) return undefined
  return q => {
    const wanted = Math.min(total - 1, Math.floor(q * total))
    let before = 0
    return sizes.find(size => (before += counts.get(size)!) > wanted)!
  }
}
