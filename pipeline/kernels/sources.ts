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
    const order = (a: Between, b: Between) => b.pairs - a.pairs || (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)
    return [...this.#counts.values()].sort(order).slice(0, most)
  }
}
