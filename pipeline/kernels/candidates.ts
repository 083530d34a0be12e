/** Which pairs of a component are worth comparing: all of a few, else those that share a rare shingle. */
import { costOf, type Prefixes, prefixesOf } from './prefixes.ts'
import type { PairSets } from './similarity.ts'

/** Up to this many pairs an index costs more than it saves. */
const FEW = 16

/** Pairs added so far that may be near one of the component's pairs; all are numbered by their place in `rows`. */
export interface CandidateIndex {
  add(item: number): void
  /** Calls for every candidate once, until the visitor gives false. */
  visit(item: number, visitor: (candidate: number) => boolean): void
}

/** An index for the given rows; there is none while the pairs are few, as survivors of even large components mostly are. */
export function candidateIndex(sets: PairSets, rows: Int32Array, threshold: number): CandidateIndex {
  const items: number[] = []
  let index: CandidateIndex | undefined
  return {
    add(item) {
      items.push(item)
      if (index) index.add(item)
      else if (items.length > FEW) {
        index = indexByPrefix(sets, rows, threshold)
        for (const each of items) index.add(each)
      }
    },
    visit(item, visitor) {
      if (index) index.visit(item, visitor)
      else items.every(visitor)
    },
  }
}

/** Over that field whose rare shingles tell the rows best apart. */
function indexByPrefix(sets: PairSets, rows: Int32Array, threshold: number): CandidateIndex {
  const ways = sets.straight.map(field => onOwn(prefixesOf([field], rows, threshold)))
  if (sets.responses) {
    const [chosen, rejected] = prefixesOf(sets.responses, rows, threshold)
    ways.push({ indexed: chosen, asked: [chosen, rejected] }, { indexed: rejected, asked: [rejected, chosen] })
  }
  const costs = ways.map(({ indexed, asked }) => costOf(indexed, asked))
  return listByPrefix(ways[costs.indexOf(Math.min(...costs))], rows.length)
}

interface Way {
  readonly indexed: Prefixes
  /** Straight, and with the responses crossed. */
  readonly asked: readonly Prefixes[]
}

const onOwn = ([prefixes]: readonly Prefixes[]): Way => ({ indexed: prefixes, asked: [prefixes] })

function listByPrefix({ indexed, asked }: Way, items: number): CandidateIndex {
  const heads = new Int32Array(indexed.count).fill(-1)
  const next = new Int32Array(indexed.members.length)
  const owners = new Int32Array(indexed.members.length)
  const seen = new Int32Array(items).fill(-1)
  return {
    add(item) {
      for (let k = indexed.starts[item]; k < indexed.starts[item + 1]; k++) {
        owners[k] = item
        next[k] = heads[indexed.members[k]]
        heads[indexed.members[k]] = k
      }
    },
    visit(item, visitor) {
      for (const { starts, members } of asked)
        for (let k = starts[item]; k < starts[item + 1]; k++)
          for (let entry = heads[members[k]]; entry >= 0; entry = next[entry]) {
            if (seen[owners[entry]] === item) continue
            seen[owners[entry]] = item
            if (!visitor(owners[entry])) return
          }
    },
  }
}
