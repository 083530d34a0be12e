/**
 * Prompts that begin with the same question of a user belong together: the turns of one conversation, the branches of a tree, one question
 * under several system prompts. A pair of the first turn tells the answer that a prompt of the second turn holds.
 */
import { type Batch, batchOf, columnsOf, type Ids, isValid, roles, type Turns } from '../batch.ts'
import { gather } from '../gather.ts'
import { type ClusterNames, joinNames, mergeNames, nameClusters, namesOf } from '../kernels/cluster-names.ts'
import { groupsOf, lanesOf, membersOf } from '../kernels/groups.ts'
import { turnsIds } from '../kernels/ids.ts'
import { copyId } from '../kernels/rank.ts'
import { pairTexts } from '../pair.ts'
import { defineMeasure, type Part, type Summary } from '../stage.ts'

export const openingField = { opening_id: 'id' } as const

/** The prompt_id that the first turn of the user would have by itself; null where it is the prompt, and where there is none. */
export const opening = defineMeasure<null>({
  name: 'opening',
  version: 1,
  reads: { prompt: pairTexts.prompt },
  adds: () => openingField,
  open: () => batch => ({ opening_id: openingIds(columnsOf(batch, { prompt: pairTexts.prompt }).prompt, batch.rows) }),
})

const USER = roles.indexOf('user')

function openingIds({ starts, items }: Turns, rows: number): Ids {
  const role = items.columns.role.values
  const openings: number[] = []
  const valid = new Uint8Array(rows)
  for (let i = 0; i < rows; i++) {
    let turn = starts[i]
    while (turn < starts[i + 1] && role[turn] !== USER) turn++
    if (turn === starts[i + 1] || starts[i + 1] - starts[i] === 1) continue
    valid[i] = 1
    openings.push(turn)
  }
  const turns = { starts: Int32Array.from({ length: openings.length + 1 }, (_, k) => k), items: gather(items, Int32Array.from(openings)) }
  const found = { bytes: turnsIds(turns, openings.length) }
  const ids = { bytes: new Uint8Array(rows * 16), valid }
  for (let i = 0, k = 0; i < rows; i++) if (valid[i] === 1) copyId(ids, i, found, k++)
  return ids
}

export const asked = { prompt_id: 'id', opening: 'id' } as const

/** Prompts with their openings. */
export function openingsOf(batch: Batch): Batch<typeof asked> {
  const { prompt_id, opening_id } = columnsOf(batch, { prompt_id: 'id', ...openingField })
  const opening = { bytes: prompt_id.bytes.slice(0, batch.rows * 16) }
  for (let i = 0; i < batch.rows; i++) if (isValid(opening_id, i)) copyId(opening, i, opening_id, i)
  return batchOf(asked, batch.rows, { prompt_id, opening })
}

/** Clusters of the prompts of each opening, where these are no more than `most`: an opening of more is a template. */
export function linksOf(batch: Batch, most: number): Part {
  const { prompt_id, opening } = columnsOf(batch, asked)
  const { starts, rows } = membersOf(groupsOf(lanesOf(opening, batch.rows)))
  const names = new Int32Array(batch.rows).fill(-1)
  const facts = { openings: 0, common: 0 }
  for (let g = 0; g + 1 < starts.length; g++) {
    const size = starts[g + 1] - starts[g]
    if (size > most) facts.common++
    if (size === 1 || size > most) continue
    facts.openings++
    nameClusters(prompt_id, rows.subarray(starts[g], starts[g + 1]), new Int32Array(size), names)
  }
  return { tables: { links: namesOf(prompt_id, names) as Batch }, facts }
}

/** The clusters of near-duplicate prompts, put together where prompts begin alike. */
export function withLinks({ facts, tables }: Summary, parts: readonly Part[]): Summary {
  const links = joinNames(parts.map(part => part.tables!.links as ClusterNames))
  const sum = (of: 'openings' | 'common') => parts.reduce((n, part) => n + (part.facts as Record<string, number>)[of], 0)
  const told = { shared: sum('openings'), prompts: links.rows, too_common: sum('common') }
  return {
    facts: { ...(facts as object), openings: told },
    tables: { names: mergeNames(tables!.names as ClusterNames, links) as Batch },
  }
}
