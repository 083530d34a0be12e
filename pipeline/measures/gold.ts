/** What people say of a label beside the label itself: the judgement log, else two or more votes that came with the pair. */
import { type Batch, type ColumnOf, columnsOf } from '../batch.ts'
import { pairFacts, votes as voteNames } from '../pair.ts'
import type { JudgedPairs } from '../stage.ts'

export const goldReads = { pair_id: 'id', votes: pairFacts.votes } as const

const CHOSEN = voteNames.indexOf('chosen')
const REJECTED = voteNames.indexOf('rejected')
/** One vote is the label itself. */
const FEWEST_VOTES = 2

/** 1 where most of two or more votes are for chosen, -1 for rejected, else 0; ties have no side. */
export const majorityOf = ({ starts, items }: ColumnOf<typeof pairFacts.votes>, i: number): number =>
  majorityAt(starts, items.columns.vote.values, i)

/** The same of every row. */
export function majoritiesOf({ starts, items }: ColumnOf<typeof pairFacts.votes>, rows: number): Int8Array {
  const { values } = items.columns.vote
  const sides = new Int8Array(rows)
  for (let i = 0; i < rows; i++) sides[i] = majorityAt(starts, values, i)
  return sides
}

function majorityAt(starts: Int32Array, values: Uint8Array, i: number): number {
  let [chosen, rejected] = [0, 0]
  for (let k = starts[i]; k < starts[i + 1]; k++) {
    if (values[k] === CHOSEN) chosen++
    if (values[k] === REJECTED) rejected++
  }
  const cast = starts[i + 1] - starts[i]
  if (cast < FEWEST_VOTES) return 0
  if (chosen * 2 > cast) return 1
  return rejected * 2 > cast ? -1 : 0
}

/** 1 = the label is right, -1 = the other side is better, 0 = nobody was asked or no side is better. */
export function goldOf(batch: Batch, judged: JudgedPairs): Int32Array {
  const { pair_id, votes } = columnsOf(batch, goldReads)
  return Int32Array.from({ length: batch.rows }, (_, i) => {
    const verdict = judged.of(pair_id, i)?.verdict
    if (!verdict) return majorityOf(votes, i)
    return verdict === 'chosen' ? 1 : verdict === 'rejected' ? -1 : 0
  })
}
