/** The texts of training shards in the layouts that trainers read: sides turned, turns joined; byte ranges are copied, nothing is decoded. */
import { type Batch, batchOf, hexAt, type Ids, type List, type Numbers, slice, type Turns, turnsOf } from './batch.ts'
import type { OutBatch, Struct } from './codecs/out-columns.ts'
import { concat } from './concat.ts'
import { UserError } from './errors.ts'
import { gather } from './gather.ts'
import { type Judged, type PeopleVerdict, verdicts } from './judgement.ts'
import { type pairFacts, type pairTexts, votes } from './pair.ts'
import { human, type Layout, quarantineLayout } from './tables.ts'

export * from './tables.ts'

type Texts = Batch<typeof pairTexts>
type OutColumns = OutBatch['columns']

/**
 * One batch of train, validation or flipped: where `flipped` is 1 the sides have changed places, as `pickTexts` does it, and `margin` changes
 * its sign. `columns` are all others of trainColumns, as they came in. Refuses a pair that the layout cannot hold, and a margin that is null or not finite.
 */
export function trainBatch(layout: Layout, texts: Texts, flipped: Uint8Array, columns: OutColumns): OutBatch {
  const pair = (i: number): string => `pair ${hexAt(columns.pair_id as Ids, i)}`
  if (layout !== 'conversations') checkTurns(layout, texts, pair)
  const { margin } = columns as { margin?: Numbers<Float32Array> }
  return {
    rows: texts.rows,
    columns: {
      ...columns,
      ...laidOut(layout, texts),
      flipped: { values: flipped },
      ...(margin ? { margin: turnedMargin(margin, flipped, pair) } : {}),
    },
  }
}

/** One batch of quarantine: nothing is turned. `columns` are all others of quarantineColumns but `flipped`. */
export function quarantineBatch(layout: Layout, texts: Texts, columns: OutColumns): OutBatch {
  const flipped = new Uint8Array(texts.rows)
  return { rows: texts.rows, columns: { ...columns, ...laidOut(quarantineLayout(layout), texts), flipped: { values: flipped } } }
}

function checkTurns(layout: Layout, texts: Texts, pair: (i: number) => string): void {
  const { prompt, chosen, rejected } = texts.columns
  for (let i = 0; i < texts.rows; i++) {
    if (prompt.starts[i + 1] === prompt.starts[i])
      throw new UserError(`output.layout ${layout}: ${pair(i)} has no prompt; put the step structure first, or take layout conversations`)
    if (chosen.starts[i + 1] - chosen.starts[i] !== 1 || rejected.starts[i + 1] - rejected.starts[i] !== 1)
      throw new UserError(
        `output.layout ${layout}: ${pair(i)} has a side of several turns; put the step structure first, or take layout conversations`,
      )
  }
}

function laidOut(layout: Layout, texts: Texts): OutColumns {
  const { prompt, chosen, rejected } = texts.columns
  if (layout === 'prompt') return { prompt, chosen, rejected }
  if (layout === 'message') return { prompt, chosen: messageOf(chosen, texts.rows), rejected: messageOf(rejected, texts.rows) }
  return { chosen: joined(prompt, chosen, texts.rows), rejected: joined(prompt, rejected, texts.rows) }
}

/** Each row's prompt and, after it, its side. */
function joined(prompt: Turns, side: Turns, rows: number): Turns {
  const items = concat(turnsOf.list, [prompt.items, side.items])
  const starts = new Int32Array(rows + 1)
  for (let i = 0; i < rows; i++) starts[i + 1] = starts[i] + turnsIn(prompt, i) + turnsIn(side, i)
  const index = new Int32Array(starts[rows])
  let at = 0
  for (let i = 0; i < rows; i++) {
    for (let k = prompt.starts[i]; k < prompt.starts[i + 1]; k++) index[at++] = k
    for (let k = side.starts[i]; k < side.starts[i + 1]; k++) index[at++] = prompt.items.rows + k
  }
  return { starts, items: gather(items, index) }
}

const turnsIn = ({ starts }: Turns, i: number): number => starts[i + 1] - starts[i]

const messageOf = ({ starts, items }: Turns, rows: number): Struct => ({ items: slice(items, starts[0], starts[rows]) })

function turnedMargin({ values, valid }: Numbers<Float32Array>, flipped: Uint8Array, pair: (i: number) => string): Numbers<Float32Array> {
  return {
    values: Float32Array.from(flipped, (flip, i) => {
      // One null stops a training run, and a NaN makes its loss 0 without a word.
      if ((valid && !valid[i]) || !Number.isFinite(values[i]))
        throw new UserError(
          `output.margin: ${pair(i)} has no finite margin; name a model that scores every pair, or drop the pairs without`,
        )
      return flip ? 0 - values[i] : values[i]
    }),
  }
}

/**
 * What people said of each pair: the votes that came with it where `byPeople` is 1, and answers of the judgement log, whose verdict stands
 * above a mere majority of all; how many there were, and the share of them that says so. Both bad counts as a tie; null without any.
 */
export function humanOf(
  cast: List<(typeof pairFacts)['votes']['list']>,
  rows: number,
  byPeople: Uint8Array = new Uint8Array(rows).fill(1),
  judged: (i: number) => Judged | undefined = () => undefined,
): Struct {
  const outcome = new Uint8Array(rows)
  const valid = new Uint8Array(rows)
  const n = new Int32Array(rows)
  const agreement = new Float32Array(rows)
  const { values } = cast.items.columns.vote
  for (let i = 0; i < rows; i++) {
    const said = judged(i)
    if (!said && (byPeople[i] === 0 || cast.starts[i] === cast.starts[i + 1])) continue
    const counts = [0, 0, 0]
    for (let k = cast.starts[i]; byPeople[i] === 1 && k < cast.starts[i + 1]; k++) counts[values[k]]++
    said?.counts.forEach((count, v) => {
      if (verdicts[v] !== 'cannot_tell') counts[voteOf(verdicts[v])] += count
    })
    n[i] = counts[0] + counts[1] + counts[2]
    outcome[i] = said?.verdict && said.verdict !== 'cannot_tell' ? voteOf(said.verdict) : majorityOf(counts)
    agreement[i] = n[i] > 0 ? counts[outcome[i]] / n[i] : 0
    if (n[i] > 0) valid[i] = 1
  }
  const items = batchOf(human, rows, { outcome: { values: outcome }, n: { values: n }, agreement: { values: agreement } })
  return { items, valid }
}

const voteOf = (verdict: PeopleVerdict): number => votes.indexOf(verdict === 'chosen' || verdict === 'rejected' ? verdict : 'tie')

/** As many for one side as for the other is a tie, whatever was voted beside. */
function majorityOf([chosen, rejected, tie]: readonly number[]): number {
  if (chosen === rejected || (tie > chosen && tie > rejected)) return votes.indexOf('tie')
  return votes.indexOf(chosen > rejected ? 'chosen' : 'rejected')
}
