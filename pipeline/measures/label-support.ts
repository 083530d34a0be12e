/** Whether anything beside style speaks for a label: two votes or more that came with a pair, or else reward models. */
import { type Batch, columnsOf, isValid, type Schema } from '../batch.ts'
import { pairFacts, votes as voteNames } from '../pair.ts'
import type { Env } from '../stage.ts'

const supportReads = { votes: pairFacts.votes, scores: pairFacts.scores } as const

/** Also `p_mean`, where an earlier step has asked reward models, and `flip`, where one may have turned labels. */
export const supportReadsOf = ({ upstream }: Env): Schema => ({
  ...supportReads,
  ...('p_mean' in upstream ? { p_mean: 'f32' } : {}),
  ...('flip' in upstream ? { flip: 'u8' } : {}),
})

/** Whether an earlier step turned the label of a row. */
export function turnedIn(batch: Batch): (row: number) => boolean {
  if (!('flip' in batch.columns)) return () => false
  const { flip } = columnsOf(batch, { flip: 'u8' })
  return row => isValid(flip, row) && flip.values[row] > 0
}

const CHOSEN = voteNames.indexOf('chosen')
const REJECTED = voteNames.indexOf('rejected')

/** One vote is the label itself. */
const LEAST_VOTES = 2

/** Of the rows named by `index`: 1 = most votes, or most models, are for the label as it is published, -1 = against it, 0 = undecided or unknown. */
export function labelSupport(batch: Batch, index: Int32Array): Int32Array {
  const { votes, scores } = columnsOf(batch, supportReads)
  const { vote } = votes.items.columns
  const { chosen, rejected } = scores.items.columns
  const p_mean = 'p_mean' in batch.columns ? columnsOf(batch, { p_mean: 'f32' }).p_mean : undefined
  const isTurned = turnedIn(batch)
  const support = (row: number): number => {
    let balance = 0
    if (votes.starts[row + 1] - votes.starts[row] >= LEAST_VOTES) {
      for (let k = votes.starts[row]; k < votes.starts[row + 1]; k++)
        balance += vote.values[k] === CHOSEN ? 1 : vote.values[k] === REJECTED ? -1 : 0
      return Math.sign(balance)
    }
    if (p_mean && isValid(p_mean, row)) return Math.sign(p_mean.values[row] - 0.5)
    for (let k = scores.starts[row]; k < scores.starts[row + 1]; k++) balance += Math.sign(chosen.values[k] - rejected.values[k]) || 0
    return Math.sign(balance)
  }
  return index.map(row => (isTurned(row) ? -support(row) : support(row)))
}
