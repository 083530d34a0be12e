/** Which sources duplicates fall between. */
import type { Utf8 } from '../batch.ts'
import { stringAt } from '../batch.ts'
import { textGroups } from './text-groups.ts'

/** The place of each row's source in the list of sources. */
export function sourceNumbers(column: Utf8, sources: readonly string[]): Int32Array {
  const known = new Map(sources.map((source, i) => [source, i]))
  const { of, firsts } = textGroups(column, column.offsets.length - 1)
  const numbers = Int32Array.from(firsts, row => known.get(stringAt(column, row))!)
  return of.map(group => numbers[group])
}

/** Pairs that stand in a relation to a survivor, by the two sources. */
export type Between = {
  readonly relation: string
  readonly source: string
  readonly survivor_source: string
  readonly pairs: number
}

/** Pairs of a source that stand in a relation to a survivor: of the source itself, and of others. */
export type OfSource = { readonly relation: string; readonly source: string; readonly within: number; readonly across: number }

/** What a manifest says of relations. `between` is the matrix source x source without its zeros. */
export type TallyFacts = {
  readonly relations: Readonly<Record<string, number>>
  readonly by_source: readonly OfSource[]
  readonly between: readonly Between[]
}

/** Counts by relation and sources. Tallies of parts add up. */
export class Tally {
  readonly #counts = new Map<string, Between>()

  add(relation: string, source: string, survivor_source: string, pairs = 1): void {
    const key = JSON.stringify([relation, source, survivor_source])
    const before = this.#counts.get(key)?.pairs ?? 0
    this.#counts.set(key, { relation, source, survivor_source, pairs: before + pairs })
  }

  addAll(counts: readonly Between[]): void {
    for (const { relation, source, survivor_source, pairs } of counts) this.add(relation, source, survivor_source, pairs)
  }

  /** Pairs by relation, over all sources. */
  totals(): Record<string, number> {
    const totals: Record<string, number> = {}
    for (const { relation, pairs } of this.#counts.values()) totals[relation] = (totals[relation] ?? 0) + pairs
    return totals
  }

  /** The most frequent first, at most `most` of them. */
  list(most = Number.POSITIVE_INFINITY): Between[] {
    return mostFrequent([...this.#counts.values()], count => count.pairs, most)
  }

  /** By relation and source, the most frequent first, at most `most` of them. */
  bySource(most: number): OfSource[] {
    const sums = new Map<string, { relation: string; source: string; within: number; across: number }>()
    for (const { relation, source, survivor_source, pairs } of this.#counts.values()) {
      const key = JSON.stringify([relation, source])
      const sum = sums.get(key) ?? { relation, source, within: 0, across: 0 }
      sum[source === survivor_source ? 'within' : 'across'] += pairs
      sums.set(key, sum)
    }
    return mostFrequent([...sums.values()], sum => sum.within + sum.across, most)
  }

  /** At most `most` entries in each list. */
  facts(most: number): TallyFacts {
    return { relations: this.totals(), by_source: this.bySource(most), between: this.list(most) }
  }
}

const mostFrequent = <T>(counts: readonly T[], size: (count: T) => number, most: number): T[] =>
  counts.toSorted((a, b) => size(b) - size(a) || (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)).slice(0, most)
