/** Conversations given message by message, as a column. */
import { batchOf, listOf, type Turns, turnsOf, utf8Of } from '../batch.ts'

/** `role` is the place among `roles`. */
export interface GivenTurn {
  readonly role: number
  readonly content: string
}

/** One conversation a row. */
export function turnsColumn(rows: readonly (readonly GivenTurn[])[]): Turns {
  const turns = rows.flat()
  const role = { values: Uint8Array.from(turns, turn => turn.role) }
  return listOf(
    rows.map(row => row.length),
    batchOf(turnsOf.list, turns.length, { role, content: utf8Of(turns.map(turn => turn.content)) }),
  )
}
