/** The pairs of a finished build that people are asked about: their order in memory, their texts in the build's own files. */
import { hash } from 'node:crypto'
import { ParquetRows } from '../codecs/parquet-rows.ts'
import { UserError } from '../errors.ts'
import type { Message } from '../explain.ts'
import { drewFlags, type Finished, filesOf } from '../finished.ts'
import { openTables } from '../sql.ts'

export interface QueuedPair {
  readonly pair_id: string
  /** The build waits for this one. */
  readonly escalated: boolean
  /** Models would turn its label, and do once people found enough of such turns right. */
  readonly would_turn: boolean
  readonly draw: 'audit' | 'targeted' | null
  /** Of review/, from 0: texts are read fastest in this order. */
  readonly row: number
}

export interface PairTexts {
  readonly prompt: readonly Message[]
  readonly chosen: readonly Message[]
  readonly rejected: readonly Message[]
}

/** A flag of contamination that people shall check. */
export interface QueuedFlag {
  readonly pair_id: string
  readonly benchmark: string
  readonly item: string
  /** Where the item was found: a turn of the prompt or of a side. */
  readonly field: keyof PairTexts
  readonly turn: number
  readonly row: number
}

/** The pair's texts with what the benchmark says. */
export type FlagTexts = PairTexts & { readonly flag_item: string }

export interface Queue {
  readonly pairs: readonly QueuedPair[]
  readonly flags: readonly QueuedFlag[]
  texts(place: number): Promise<PairTexts>
  flagTexts(place: number): Promise<FlagTexts>
  close(): Promise<void>
}

const TEXTS = ['prompt', 'chosen', 'rejected']

/** Every pair of `review/` once, and every flag that was drawn. Memory: about 300 bytes a pair. */
export async function openQueue(finished: Finished, seed: number): Promise<Queue> {
  const rows = await ParquetRows.open(filesOf(finished, 'review'))
  try {
    const pairs = inTurn(pairsOf(rows, await waitingIn(finished)), seed)
    const flags = drewFlags(finished) ? flagsOf(rows, seed) : []
    if (pairs.length + flags.length === 0)
      throw new UserError(
        `${finished.dir}: nothing to review: the build drew no sample and sent no pair to people (step verification-sample)`,
      )
    return {
      pairs,
      flags,
      texts: async place => rows.row(pairs[place].row, TEXTS) as unknown as PairTexts,
      flagTexts: async place => rows.row(flags[place].row, [...TEXTS, 'flag_item']) as unknown as FlagTexts,
      close: async () => rows.close(),
    }
  } catch (error) {
    rows.close()
    throw error
  }
}

/** By pair_id, whether models would turn its label. */
async function waitingIn(finished: Finished): Promise<ReadonlyMap<string, boolean>> {
  const tables = await openTables(finished)
  try {
    const waiting = await tables.rows<{ pair_id: string; would_turn: boolean }>(
      `select pair_id, bool_or(reason = 'models_against') as would_turn from ledger where outcome = 'review' group by pair_id`,
    )
    return new Map(waiting.map(({ pair_id, would_turn }) => [pair_id, would_turn]))
  } finally {
    tables.close()
  }
}

function pairsOf(rows: ParquetRows, waiting: ReadonlyMap<string, boolean>): QueuedPair[] {
  const found = new Map<string, QueuedPair>()
  for (const [row, { pair_id, draw }] of (rows.all(['pair_id', 'draw']) as unknown as Pick<QueuedPair, 'pair_id' | 'draw'>[]).entries()) {
    const escalated = waiting.has(pair_id)
    if ((escalated || draw !== null) && !found.has(pair_id))
      found.set(pair_id, { pair_id, escalated, would_turn: waiting.get(pair_id) ?? false, draw, row })
  }
  return [...found.values()]
}

interface FlagRow {
  readonly pair_id: string
  readonly flag_probability: number | null
  readonly contamination: readonly Omit<QueuedFlag, 'pair_id' | 'row'>[]
}

/** In the order of a hash: whoever stops early leaves a random part. */
function flagsOf(rows: ParquetRows, seed: number): QueuedFlag[] {
  const flags = new Map<string, QueuedFlag>()
  const marked = rows.all(['pair_id', 'flag_probability', 'contamination']) as unknown as FlagRow[]
  for (const [row, { pair_id, flag_probability, contamination }] of marked.entries()) {
    if (flag_probability === null || flags.has(pair_id)) continue
    const { benchmark, item, field, turn } = contamination[0]
    flags.set(pair_id, { pair_id, benchmark, item, field, turn, row })
  }
  const ranks = new Map([...flags.keys()].map(pair_id => [pair_id, hashOf('flag', seed, pair_id)]))
  return [...flags.values()].sort((a, b) => (ranks.get(a.pair_id)! < ranks.get(b.pair_id)! ? -1 : 1))
}

/**
 * Turns that models would make, other pairs that wait, audited and targeted ones by turns, each kind in the order of a hash: whoever stops
 * early leaves a random part of each. All audited pairs are of one kind, whether they wait or not: those answered stand for those that are not.
 */
export function inTurn<T extends QueuedPair>(pairs: readonly T[], seed: number): T[] {
  const ranked = pairs.map(pair => ({ pair, rank: hashOf(seed, pair.pair_id) })).sort((a, b) => (a.rank < b.rank ? -1 : 1))
  const kinds = [
    (p: T) => p.draw !== 'audit' && p.would_turn,
    (p: T) => p.draw !== 'audit' && p.escalated && !p.would_turn,
    (p: T) => p.draw === 'audit',
    (p: T) => p.draw !== 'audit' && !p.escalated,
  ]
  const lists = kinds.map(is => ranked.filter(({ pair }) => is(pair)).map(({ pair }) => pair))
  const longest = Math.max(...lists.map(list => list.length))
  return Array.from({ length: longest }, (_, i) => lists.flatMap(list => list.slice(i, i + 1))).flat()
}

/** Hex digits that depend on the texts given and nothing else. */
export const hashOf = (...parts: readonly (string | number)[]): string => hash('sha256', JSON.stringify(parts))

/** A number from 0 to 1, below 1, likewise. */
export const share = (...parts: readonly (string | number)[]): number => Number.parseInt(hashOf(...parts).slice(0, 8), 16) / 2 ** 32

/** By place: 1 where a hash chooses a pair for this annotator, 0 elsewhere. */
export const chosenFor = (
  what: string,
  seed: number,
  name: string,
  pairs: readonly Pick<QueuedPair, 'pair_id'>[],
  portion: number,
): Uint8Array => Uint8Array.from(pairs, ({ pair_id }) => (portion > 0 && share(what, seed, name, pair_id) < portion ? 1 : 0))
