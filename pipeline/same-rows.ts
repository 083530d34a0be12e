/**
 * Files that a change leaves as they were: a file is a function of its rows and columns, so one whose rows an earlier build has written already
 * is linked, not written again. A larger sample for people, or another threshold that moves no pair of a shard, writes no shard.
 */
import { createHash } from 'node:crypto'
import type { Published } from './accounts.ts'
import { type Batch, select } from './batch.ts'
import { type Build, FILE_VERSION } from './build.ts'
import { encodeBatch } from './codecs/columns.ts'
import { digestOf, keyOf } from './keys.ts'
import { pairTexts } from './pair.ts'

/** Names rows in their order, row group by row group, by all that is written of them, but for their texts by where they come from. */
export class RowsDigest {
  private readonly hash = createHash('sha256')
  private readonly names: readonly string[]

  /** `names`: of the columns that a file is made of. */
  constructor(names: ReadonlySet<string>) {
    this.names = [...names].filter(name => !(name in pairTexts)).sort()
  }

  /** `places`: of the texts of each row. */
  add(rows: Batch, places: readonly (string | Int32Array)[]): void {
    const known = this.names.filter(name => name in rows.schema)
    for (const bytes of encodeBatch(select(rows, known))) this.hash.update(bytes)
    for (const place of places) this.hash.update(place)
  }

  /** Of the rows so far. `form`: what else decides on the bytes of the file. */
  key(of: 'rows' | 'beginning', form: string): string {
    return keyOf(of, FILE_VERSION, form, this.hash.copy().digest('hex'))
  }
}

interface Noted extends Published {
  readonly key: string
}

/** Notes that the file `key` holds the rows of this name; `beginning` names the first row group of them. */
export function noteRows({ store }: Build, beginning: string, rows: string, key: string, { rows: n, bytes, sha256 }: Published): void {
  store.drop(rows)
  store.writeJson(rows, { key, rows: n, bytes, sha256 })
  if (!store.has(beginning)) store.writeJson(beginning, {})
}

/** Makes a file of the same rows the one of `key` too, where there is one and it is still what was written. */
export async function linkSame(build: Build, rows: string, key: string): Promise<Published | undefined> {
  const { store } = build
  if (!store.has(rows)) return undefined
  const { key: other, ...published } = store.readJson<Noted>(rows)
  if (!store.has(other) || (await digestOf(store.path(other))) !== published.sha256) return undefined
  store.share(other, key)
  return published
}
