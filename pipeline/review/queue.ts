/** The pairs of a finished build that people are asked about: their order in memory, their texts in a file beside. */
import { createHash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '../errors.ts'
import type { Message } from '../explain.ts'
import type { Finished } from '../finished.ts'
import { openTables } from '../sql.ts'

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

export interface Queue {
  readonly pairs: readonly QueuedPair[]
  texts(place: number): PairTexts
  close(): void
}

type Row = PairTexts & { pair_id: string; outcome: string; draw: QueuedPair['draw'] }

const WAITING = `select r.pair_id, l.outcome, r.draw, r.prompt, r.chosen, r.rejected from review r
  join (select distinct pair_id, outcome from ledger where outcome = 'review' or draw is not null) l using (pair_id)`

/** Every pair of `review/` once. Memory: about 200 bytes a pair. */
export async function openQueue(finished: Finished, seed: number): Promise<Queue> {
  const spool = new Spool()
  const found = new Map<string, QueuedPair & { place: number }>()
  const tables = await openTables(finished)
  try {
    const answer = await tables.ask(WAITING)
    for await (const json of answer.json()) {
      const { pair_id, outcome, draw, prompt, chosen, rejected } = JSON.parse(json) as Row
      if (found.has(pair_id)) continue
      found.set(pair_id, { pair_id, escalated: outcome === 'review', draw, place: spool.add({ prompt, chosen, rejected }) })
    }
  } catch (error) {
    spool.close()
    throw error
  } finally {
    tables.close()
  }
  const order = inTurn([...found.values()], seed)
  if (order.length === 0) {
    spool.close()
    throw new UserError(
      `${finished.dir}: nothing to review: the build drew no sample and sent no pair to people (step verification-sample)`,
    )
  }
  return { pairs: order, texts: i => spool.read(order[i].place), close: () => spool.close() }
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

  read(place: number): PairTexts {
    const [from, to] = [this.ends[place], this.ends[place + 1]]
    const bytes = Buffer.alloc(to - from)
    for (let at = 0; at < bytes.length; ) {
      const got = readSync(this.fd, bytes, at, bytes.length - at, from + at)
      if (got === 0) throw new Error('the file with the texts of the queue was cut short')
      at += got
    }
    return JSON.parse(bytes.toString('utf8')) as PairTexts
  }

  close(): void {
    closeSync(this.fd)
  }
}
