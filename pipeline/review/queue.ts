/** The pairs of a finished build that people are asked about: their order in memory, their texts in a file beside. */
import { createHash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '../errors.ts'
import type { Message } from '../explain.ts'
import { drewFlags, type Finished } from '../finished.ts'
import { openTables, type Tables } from '../sql.ts'

export interface QueuedPair {
  readonly pair_id: string
  /** The build waits for this one. */
  readonly escalated: boolean
  readonly draw: 'audit' | 'targeted' | null
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
}

/** The pair's texts with what the benchmark says. */
export type FlagTexts = PairTexts & { readonly flag_item: string }

export interface Queue {
  readonly pairs: readonly QueuedPair[]
  readonly flags: readonly QueuedFlag[]
  texts(place: number): PairTexts
  flagTexts(place: number): FlagTexts
  close(): void
}

type Row = PairTexts & { pair_id: string; draw: QueuedPair['draw'] }

const ASKED = `select pair_id, bool_or(outcome = 'review') as escalated from ledger where outcome = 'review' or draw is not null group by pair_id`
/** Not joined with the ledger by DuckDB, which would hold the texts in memory. */
const TEXTS = 'select pair_id, draw, prompt, chosen, rejected from review'

type FlagRow = FlagTexts & { pair_id: string; evidence: Omit<QueuedFlag, 'pair_id'> }

const FLAGGED = `select distinct on (pair_id) pair_id, contamination[1] as evidence, flag_item, prompt, chosen, rejected
  from review where flag_probability is not null order by pair_id`

/** Every pair of `review/` once, and every flag that was drawn. Memory: about 200 bytes a pair. */
export async function openQueue(finished: Finished, seed: number): Promise<Queue> {
  const spool = new Spool()
  const found = new Map<string, QueuedPair & { place: number }>()
  const flags: (QueuedFlag & { place: number })[] = []
  const tables = await openTables(finished)
  try {
    const asked = await tables.rows<{ pair_id: string; escalated: boolean }>(ASKED)
    const waiting = new Map(asked.map(({ pair_id, escalated }) => [pair_id, escalated]))
    const answer = await tables.ask(TEXTS)
    for await (const json of answer.json()) {
      const { pair_id, draw, prompt, chosen, rejected } = JSON.parse(json) as Row
      const escalated = waiting.get(pair_id)
      if (escalated === undefined || found.has(pair_id)) continue
      found.set(pair_id, { pair_id, escalated, draw, place: spool.add({ prompt, chosen, rejected }) })
    }
    if (drewFlags(finished)) flags.push(...(await flagsOf(tables, spool, seed)))
  } catch (error) {
    spool.close()
    throw error
  } finally {
    tables.close()
  }
  const order = inTurn([...found.values()], seed)
  if (order.length + flags.length === 0) {
    spool.close()
    throw new UserError(
      `${finished.dir}: nothing to review: the build drew no sample and sent no pair to people (step verification-sample)`,
    )
  }
  return {
    pairs: order,
    flags,
    texts: i => spool.read(order[i].place) as PairTexts,
    flagTexts: i => spool.read(flags[i].place) as FlagTexts,
    close: () => spool.close(),
  }
}

/** In the order of a hash: whoever stops early leaves a random part. */
async function flagsOf(tables: Tables, spool: Spool, seed: number): Promise<(QueuedFlag & { place: number })[]> {
  const flags: (QueuedFlag & { place: number })[] = []
  const answer = await tables.ask(FLAGGED)
  for await (const json of answer.json()) {
    const { pair_id, evidence, ...texts } = JSON.parse(json) as FlagRow
    const { benchmark, item, field, turn } = evidence
    flags.push({ pair_id, benchmark, item, field, turn, place: spool.add(texts) })
  }
  const ranks = new Map(flags.map(({ pair_id }) => [pair_id, hashOf('flag', seed, pair_id)]))
  return flags.sort((a, b) => (ranks.get(a.pair_id)! < ranks.get(b.pair_id)! ? -1 : 1))
}

/** Pairs that wait, audit and targeted ones by turns, each kind in the order of a hash: whoever stops early leaves a random part of each. */
export function inTurn<T extends QueuedPair>(pairs: readonly T[], seed: number): T[] {
  const ranked = pairs.map(pair => ({ pair, rank: hashOf(seed, pair.pair_id) })).sort((a, b) => (a.rank < b.rank ? -1 : 1))
  const kinds = [(p: T) => p.escalated, (p: T) => !p.escalated && p.draw === 'audit', (p: T) => !p.escalated && p.draw !== 'audit']
  const lists = kinds.map(is => ranked.filter(({ pair }) => is(pair)).map(({ pair }) => pair))
  const longest = Math.max(...lists.map(list => list.length))
  return Array.from({ length: longest }, (_, i) => lists.flatMap(list => list.slice(i, i + 1))).flat()
}

/** Hex digits that depend on the texts given and nothing else. */
export const hashOf = (...parts: readonly (string | number)[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex')

/** A number from 0 to 1, below 1, likewise. */
export const share = (...parts: readonly (string | number)[]): number => Number.parseInt(hashOf(...parts).slice(0, 8), 16) / 2 ** 32

/** JSON values one after the other in a file that has no name any more: whatever ends the process, nothing stays behind. */
class Spool {
  private readonly fd: number
  private readonly ends: number[] = [0]

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), 'goldpan-review-'))
    this.fd = openSync(join(folder, 'texts'), 'w+', 0o600)
    rmSync(folder, { recursive: true, force: true })
  }

  add(value: unknown): number {
    const bytes = Buffer.from(JSON.stringify(value))
    const from = this.ends.at(-1)!
    for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at, bytes.length - at, from + at)
    return this.ends.push(from + bytes.length) - 2
  }

  read(place: number): unknown {
    const [from, to] = [this.ends[place], this.ends[place + 1]]
    const bytes = Buffer.alloc(to - from)
    for (let at = 0; at < bytes.length; ) {
      const got = readSync(this.fd, bytes, at, bytes.length - at, from + at)
      if (got === 0) throw new Error('the file with the texts of the queue was cut short')
      at += got
    }
    return JSON.parse(bytes.toString('utf8'))
  }

  close(): void {
    closeSync(this.fd)
  }
}

/** By place: 1 where a hash chooses a pair for this annotator, 0 elsewhere. */
export const chosenFor = (
  what: string,
  seed: number,
  name: string,
  pairs: readonly Pick<QueuedPair, 'pair_id'>[],
  portion: number,
): Uint8Array => Uint8Array.from(pairs, ({ pair_id }) => (portion > 0 && share(what, seed, name, pair_id) < portion ? 1 : 0))
