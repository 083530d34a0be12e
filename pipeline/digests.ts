/** Digests of input files, remembered in the store: a large corpus is not read again only to see that it is the same. */
import { readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { NamedFile } from './files.ts'
import { digestOf, keyOf } from './keys.ts'
import { makeFolder } from './make-folder.ts'
import type { PlannedFile } from './planned-file.ts'

/** What must all be the same for a digest to be taken at its word. ctime tells of changes that put the mtime back. */
interface Seen {
  readonly path: string
  readonly size: string
  readonly mtime_ns: string
  readonly ctime_ns: string
  readonly inode: string
}

/** A file that changed so shortly before it was hashed may change again within one tick of its clock: it is not remembered. */
const SETTLED_NS = 2_000_000_000n

/** The digest of a file, from the store at `root` unless the file changed or `rehash`. */
export const remembered =
  (root: string, rehash: boolean) =>
  async ({ shown, path }: NamedFile): Promise<PlannedFile> => {
    const seen = await seenOf(path)
    const note = join(root, 'digests', `${keyOf('digest', path)}.json`)
    const known = rehash ? undefined : recall(note, seen)
    const sha256 = known ?? (await digestOf(path))
    if (known !== undefined) touch(note)
    const settled = BigInt(Date.now()) * 1_000_000n - SETTLED_NS
    if (known === undefined && BigInt(seen.mtime_ns) < settled && BigInt(seen.ctime_ns) < settled && same(seen, await seenOf(path)))
      noteDown(note, { ...seen, sha256 })
    return { path: shown, bytes: Number(seen.size), sha256 }
  }

async function seenOf(path: string): Promise<Seen> {
  const { size, mtimeNs, ctimeNs, ino } = await stat(path, { bigint: true })
  return { path, size: `${size}`, mtime_ns: `${mtimeNs}`, ctime_ns: `${ctimeNs}`, inode: `${ino}` }
}

const same = (a: Seen, b: Seen): boolean =>
  a.path === b.path && a.size === b.size && a.mtime_ns === b.mtime_ns && a.ctime_ns === b.ctime_ns && a.inode === b.inode

/** A note that is missing or damaged is no note. */
function recall(note: string, seen: Seen): string | undefined {
  try {
    const { sha256, ...noted } = JSON.parse(readFileSync(note, 'utf8')) as Seen & { sha256: string }
    return same(noted, seen) && /^[0-9a-f]{64}$/.test(sha256) ? sha256 : undefined
  } catch {
    return undefined
  }
}

/** Without a note the file is only hashed again, so a store that cannot be written to is no fault here. */
function noteDown(note: string, noted: Seen & { readonly sha256: string }): void {
  try {
    makeFolder(join(note, '..'))
    const aside = `${note}.${process.pid}`
    writeFileSync(aside, JSON.stringify(noted))
    renameSync(aside, note)
  } catch {}
}

/** `store gc` goes by when a note was last of use. */
function touch(note: string): void {
  try {
    const now = new Date()
    utimesSync(note, now, now)
  } catch {}
}
