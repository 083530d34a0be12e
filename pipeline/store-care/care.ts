/** Looks after a store: how large it is, what may be thrown out, what is damaged. */

import { DamagedEntry } from '../entry-file.ts'
import { digestOf } from '../keys.ts'
import type { Store } from '../store.ts'
import { type Entry, entriesOf, keptScores, leftovers, notes, remove } from './entries.ts'
import { refuseInUse, type User, users } from './usage.ts'

const DAY_MS = 86_400_000

export interface Status {
  readonly root: string
  readonly format: number
  readonly entries: number
  readonly bytes: number
  /** Bytes of entries not used for so many days or more. */
  readonly unused_bytes: { readonly days_7: number; readonly days_30: number; readonly days_90: number }
  /** Remembered digests of input files; not among the entries. */
  readonly notes: { readonly files: number; readonly bytes: number }
  /** What reward models said, which gc leaves; not among the entries. */
  readonly scores: { readonly files: number; readonly bytes: number }
  readonly leftovers: { readonly files: number; readonly bytes: number }
  readonly users: readonly User[]
}

export function statusOf(store: Store, now_ms = Date.now()): Status {
  const all = [...entriesOf(store.root)]
  const files = (of: readonly Entry[]) => ({ files: of.length, bytes: bytesOf(of) })
  const unused = (days: number): number => bytesOf(all.filter(entry => now_ms - entry.used_ms >= days * DAY_MS))
  return {
    root: store.root,
    format: store.format,
    entries: all.length,
    bytes: bytesOf(all),
    unused_bytes: { days_7: unused(7), days_30: unused(30), days_90: unused(90) },
    notes: files(notes(store.root)),
    scores: files(keptScores(store.root)),
    leftovers: files(leftovers(store.root, Number.POSITIVE_INFINITY)),
    users: users(store.root),
  }
}

export interface Collected {
  readonly removed: number
  readonly removed_bytes: number
  readonly kept: number
  readonly kept_bytes: number
  readonly leftovers: number
  /** Remembered digests of input files that went; their bytes are in removed_bytes, those of the others in kept_bytes. */
  readonly notes: number
  readonly dry_run: boolean
}

export interface Quota {
  /** Entries that no build used for so long go. */
  readonly older_than_ms?: number
  /** Then those that were not used for longest, until the rest fits. */
  readonly max_bytes?: number
  readonly dry_run: boolean
}

/** Throws out what the quota says. What a later build misses, it makes again. */
export function collectGarbage(store: Store, { older_than_ms, max_bytes, dry_run }: Quota, now_ms = Date.now()): Collected {
  if (!dry_run) refuseInUse(store.root, 'run gc')
  const entries = [...entriesOf(store.root)]
  const all = [...entries, ...notes(store.root)].sort((a, b) => b.used_ms - a.used_ms || (a.key < b.key ? -1 : 1))
  let kept_bytes = 0
  const go = all.filter(({ bytes, used_ms }) => {
    const old = older_than_ms !== undefined && now_ms - used_ms > older_than_ms
    const over = max_bytes !== undefined && kept_bytes + bytes > max_bytes
    if (!old && !over) kept_bytes += bytes
    return old || over
  })
  const unfinished = [...leftovers(store.root, now_ms - DAY_MS)]
  const forgotten = go.filter(({ key }) => key.startsWith('digests/')).length
  if (!dry_run) for (const entry of [...go, ...unfinished]) remove(entry)
  return {
    removed: go.length - forgotten,
    removed_bytes: bytesOf([...go, ...unfinished]),
    kept: entries.length - go.length + forgotten,
    kept_bytes,
    leftovers: unfinished.length,
    notes: forgotten,
    dry_run,
  }
}

export interface Checked {
  readonly entries: number
  readonly bytes: number
  readonly damaged: readonly { readonly key: string; readonly what: string }[]
  readonly dry_run: boolean
}

/** Reads every byte; entries that do not hold what was written are thrown out, and made again by the next build that needs them. */
export async function checkStore(store: Store, dry_run: boolean): Promise<Checked> {
  const damaged: { key: string; what: string }[] = []
  let [entries, bytes] = [0, 0]
  for (const entry of entriesOf(store.root)) {
    entries++
    bytes += entry.bytes
    const what = await damageOf(store, entry)
    if (what === undefined) continue
    damaged.push({ key: entry.key, what })
    if (!dry_run) for (const key of [entry.key, `${entry.key}.record`]) store.drop(key)
  }
  return { entries, bytes, damaged, dry_run }
}

/** A published file is known by the record beside it; all else carries its checksums. */
async function damageOf(store: Store, { key, path }: Entry): Promise<string | undefined> {
  try {
    if (!store.has(`${key}.record`)) {
      store.check(key)
      return undefined
    }
    const { sha256 } = store.readJson<{ sha256: string }>(`${key}.record`)
    return (await digestOf(path)) === sha256 ? undefined : 'sha256 does not match its record'
  } catch (error) {
    if (error instanceof DamagedEntry) return error.what
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Throws out entries that are shorter than they were written, without reading what is in them; how many. */
export function dropCut(store: Store): number {
  let dropped = 0
  for (const { key, bytes } of entriesOf(store.root)) {
    try {
      if (!store.has(`${key}.record`)) store.checkEnd(key)
      else if (store.readJson<{ bytes: number }>(`${key}.record`).bytes !== bytes) throw new DamagedEntry(key, 'is cut off')
    } catch (error) {
      if (!(error instanceof DamagedEntry)) throw error
      store.drop(key)
      dropped++
    }
  }
  return dropped
}

const bytesOf = (entries: readonly Entry[]): number => entries.reduce((sum, entry) => sum + entry.bytes, 0)
