/** Counts by names that come from data, among which `__proto__` and `constructor` are names like any other. */
export type Tally = Record<string, number>

/** An object for any name: it inherits nothing. */
export const byAnyName = <T>(): Record<string, T> => Object.create(null) as Record<string, T>

/** Counts a name `n` times more. */
export function count(tally: Tally, name: string, n = 1): void {
  tally[name] = (tally[name] ?? 0) + n
}

/** Adds counts to others. */
export function addTally(into: Tally, from: Readonly<Tally>): void {
  for (const [name, n] of Object.entries(from)) count(into, name, n)
}

/** The sum of counts, the largest first; names of equal counts in their order. */
export function summed(counts: readonly Readonly<Tally>[]): Tally {
  const sum = byAnyName<number>()
  for (const one of counts) addTally(sum, one)
  return Object.fromEntries(Object.entries(sum).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)))
}
