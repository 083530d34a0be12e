/** Draws that are stable: a larger budget only adds to them. */
import type { Ids } from '../batch.ts'
import { lanesOf } from './groups.ts'
import { mix32 } from './mix.ts'

/** The place of each pair in the order in which a draw takes them: 52 bits of its id, the seed and what tells draws apart. */
export function drawPlaces(pair_id: Ids, rows: number, seed: number, draw: number): Float64Array {
  const [high, low] = lanesOf(pair_id, rows)
  const key = mix32(seed ^ draw)
  const values = new Float64Array(rows)
  for (let i = 0; i < rows; i++) values[i] = mix32(high[i] ^ key) * 2 ** 20 + (mix32(low[i] ^ key) & 0xfffff)
  return values
}

/**
 * How many of each stratum are drawn. Places are given one by one: first one to each stratum, the largest first, then to the stratum with
 * the most rows a place (Sainte-Laguë, divisors 2n + 1), so no stratum ever loses a place to a larger budget. Never more than its rows.
 */
export function allocate(counts: readonly number[], budget: number): number[] {
  const places = counts.map(() => 0)
  const priority = (s: number): number => {
    if (places[s] >= counts[s]) return -1
    return places[s] === 0 ? Number.POSITIVE_INFINITY : counts[s] / (2 * places[s] + 1)
  }
  const queue = new Queue<number>(
    (a, b) => priority(a) > priority(b) || (priority(a) === priority(b) && (counts[a] > counts[b] || (counts[a] === counts[b] && a < b))),
  )
  for (let s = 0; s < counts.length; s++) if (counts[s] > 0) queue.push(s)
  for (let given = 0; given < budget; given++) {
    const stratum = queue.pop()
    if (stratum === undefined) break
    places[stratum]++
    if (places[stratum] < counts[stratum]) queue.push(stratum)
  }
  return places
}

/** A binary heap: `pop` gives what comes before all others. */
export class Queue<T> {
  readonly #items: T[] = []
  readonly #before: (a: T, b: T) => boolean

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  /** What `pop` would give. */
  get first(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let at = items.length
    items.push(item)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#before(item, items[parent])) break
      items[at] = items[parent]
      at = parent
    }
    items[at] = item
  }

  pop(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (items.length === 0 || last === undefined) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= items.length) break
      if (child + 1 < items.length && this.#before(items[child + 1], items[child])) child++
      if (!this.#before(items[child], last)) break
      items[at] = items[child]
      at = child
    }
    items[at] = last
    return first
  }
}

/** The first `most` row numbers in the order `before`, without sorting the rest; in that order. */
export function firstRows(rows: Iterable<number>, most: number, before: (a: number, b: number) => boolean): number[] {
  const worst = new Queue<number>((a, b) => before(b, a))
  for (const row of rows) {
    if (worst.size >= most) {
      if (most === 0 || !before(row, worst.first!)) continue
      worst.pop()
    }
    worst.push(row)
  }
  const sorted: number[] = []
  while (worst.size > 0) sorted.push(worst.pop()!)
  return sorted.reverse()
}
