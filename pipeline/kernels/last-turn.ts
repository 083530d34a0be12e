/** Sides as reward models take them: a prompt and one response. */
import { batchOf, type Turns, turnsOf, type Utf8 } from '../batch.ts'
import { concat } from '../concat.ts'
import { gather } from '../gather.ts'

export interface Exchange {
  readonly prompt: Turns
  readonly response: Utf8
  /** 0 where the side has no turn. */
  readonly answered: Uint8Array
}

/** The last turn of each side as the response, its earlier turns added to the prompt. Shares the columns where each side is one turn. */
export function exchangeOf(prompt: Turns, side: Turns, rows: number): Exchange {
  const answered = Uint8Array.from({ length: rows }, (_, i) => (side.starts[i + 1] > side.starts[i] ? 1 : 0))
  if (side.items.rows === rows && side.starts[0] === 0 && answered.every(Boolean))
    return { prompt, response: side.items.columns.content, answered }
  const shift = prompt.items.rows
  const items = concat(turnsOf.list, [prompt.items, side.items])
  const turns: number[] = []
  const starts = new Int32Array(rows + 1)
  const last = new Int32Array(rows)
  for (let i = 0; i < rows; i++) {
    for (let turn = prompt.starts[i]; turn < prompt.starts[i + 1]; turn++) turns.push(turn)
    for (let turn = side.starts[i]; turn < side.starts[i + 1] - 1; turn++) turns.push(shift + turn)
    starts[i + 1] = turns.length
    last[i] = answered[i] ? side.starts[i + 1] - 1 : -1
  }
  const { content } = gather(batchOf({ content: 'utf8' }, side.items.rows, { content: side.items.columns.content }), last).columns
  return { prompt: { starts, items: gather(items, Int32Array.from(turns)) }, response: content, answered }
}
