/** What people said, by the bytes of a pair's id. */
import { hexAt, type Ids, isValid } from '../batch.ts'
import type { Judged } from '../judgement.ts'
import type { JudgedPairs } from '../stage.ts'

/** The first four bytes sort out nearly every pair that nobody judged, without a string being made of its id. */
export function lookupOf(judged: Readonly<Record<string, Judged>>): JudgedPairs {
  const pairs = new Map(Object.entries(judged))
  const beginnings = new Set([...pairs.keys()].map(id => Number.parseInt(id.slice(0, 8), 16)))
  const beginning = ({ bytes }: Ids, i: number): number => {
    const at = i * 16
    return bytes[at] * 2 ** 24 + ((bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3])
  }
  return {
    size: pairs.size,
    of: (ids, i) => (pairs.size > 0 && isValid(ids, i) && beginnings.has(beginning(ids, i)) ? pairs.get(hexAt(ids, i)) : undefined),
  }
}
