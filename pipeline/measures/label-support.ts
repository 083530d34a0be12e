/** Whether anything beside style speaks for a label: two votes or more that came with a pair, or else scores. */
import type { Columns } from '../batch.ts'
import { pairFacts, votes as voteNames } from '../pair.ts'

export const supportReads = { votes: pairFacts.votes, scores: pairFacts.scores } as const

const CHOSEN = voteNames.indexOf('chosen')
const REJECTED = voteNames.indexOf('rejected')

/** One vote is the label itself. */
const LEAST_VOTES = 2

/** Of the rows named by `index`: 1 = most votes, or most models, are for the label, -1 = against it, 0 = undecided or unknown. */
export function labelSupport({ votes, scores }: Columns<typeof supportReads>, index: Int32Array): Int32Array {
  const { vote } = votes.items.columns
  const { chosen, rejected } = scores.items.columns
  return index.map(row => {
    let balance = 0
    if (votes.starts[row + 1] - votes.starts[row] >= LEAST_VOTES)
      for (let k = votes.starts[row]; k < votes.starts[row + 1]; k++)
        balance += vote.values[k] === CHOSEN ? 1 : vote.values[k] === REJECTED ? -1 : 0
    else for (let k = scores.starts[row]; k < scores.starts[row + 1]; k++) balance += Math.sign(chosen.values[k] - rejected.values[k]) || 0
    return Math.sign(balance)
  })
}
