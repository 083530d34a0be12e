/** Puts a finished build's files in the output folder. manifest.json comes last: a folder without it is no build. */
import {
  accessSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type OutputFile, outputsOf } from './accounts.ts'
import { folders } from './arrange.ts'
import type { Build } from './build.ts'
import { describedBy } from './described.ts'
import { DamagedEntry } from './entry-file.ts'
import { guarded, UserError } from './errors.ts'
import { digestOf } from './keys.ts'
import { isWithin, makeFolder, realOf } from './make-folder.ts'
import { canonicalJson, type Manifest } from './manifest.ts'
import { SEAL, seal, UNPUBLISHED } from './seal.ts'
import { WRITING } from './writing.ts'

/** Says that the folder is goldpan's although its manifest is not there yet. */
export const MARKER = '.goldpan-incomplete'
export const INCOMING = '.goldpan-incoming'
/** Written after the manifest, of which they are a view. */
export const REPORTS = ['report.html', 'report.json']

function liesWithin(...folders: readonly [string, string]): boolean {
  const [a, b] = folders.map(realOf)
  return isWithin(a, b) || isWithin(b, a)
}

/** Refuses an output folder that holds something else than a build or the store, lies in it, or cannot be written. Touches nothing. */
export function checkOut(out: string, store?: string): void {
  if (store !== undefined && liesWithin(store, out))
    throw new UserError(`--out ${out} and --store ${store}: one lies in the other; choose folders beside one another`)
  if (/[[\]]/.test(resolve(out)))
    throw new UserError(`--out ${out}: "[" or "]" in the path: dataset loaders would find nothing there; choose another folder`)
  const there = nearest(resolve(out))
  try {
    accessSync(there, constants.W_OK)
  } catch {
    throw new UserError(`--out ${out}: ${there} cannot be written to; choose another folder`)
  }
  if (there !== resolve(out)) {
    if (!statSync(there).isDirectory()) throw new UserError(`--out ${out}: ${there} is not a folder`)
    return
  }
  let entries: string[]
  try {
    entries = readdirSync(out).filter(name => name !== WRITING)
  } catch {
    throw new UserError(`--out ${out}: is not a folder, or not readable`)
  }
  if (entries.length === 0 || entries.includes(MARKER) || isBuild(out)) return
  throw new UserError(
    `--out ${out}: holds something else than a goldpan build (${entries.slice(0, 3).join(', ')}...); choose an empty or new folder`,
  )
}

/** The folder itself, or the one above in which it would have to be made. */
function nearest(path: string): string {
  return existsSync(path) ? path : nearest(dirname(path))
}

function isBuild(out: string): boolean {
  try {
    return typeof (JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')) as Manifest).goldpan === 'string'
  } catch {
    return false
  }
}

/** Replaces what a former build left at `out` by this one. `written`: keys of the files that this run itself wrote, digests and all. */
export async function install(
  build: Build,
  manifest: Manifest,
  runReport: object,
  out: string,
  written: ReadonlySet<string>,
): Promise<void> {
  checkOut(out)
  const files = outputsOf(build)
  const incoming = join(out, INCOMING)
  await guardedAsync(out, async () => {
    makeFolder(resolve(out))
    writeFileSync(join(out, MARKER), '')
    rmSync(incoming, { recursive: true, force: true })
    for (const file of files) await place(build, file, join(incoming, file.path), written.has(file.key))
    const described = Object.entries(describedBy(manifest))
    for (const [name, text] of described) writeDurably(join(incoming, name), text)
    writeDurably(join(incoming, 'run.json'), `${JSON.stringify(runReport, null, 2)}\n`)
    for (const file of ['manifest.json', SEAL, UNPUBLISHED, ...REPORTS]) rmSync(join(out, file), { force: true })
    for (const folder of folders) swap(incoming, out, folder)
    for (const file of ['croissant.json', 'LICENSES.md']) rmSync(join(out, file), { force: true })
    for (const file of ['run.json', ...described.map(([name]) => name)]) renameSync(join(incoming, file), join(out, file))
    writeDurably(join(incoming, 'manifest.json'), canonicalJson(manifest))
    renameSync(join(incoming, 'manifest.json'), join(out, 'manifest.json'))
    seal(out)
    rmSync(incoming, { recursive: true, force: true })
    rmSync(join(out, MARKER), { force: true })
  })
}

function swap(incoming: string, out: string, folder: string): void {
  rmSync(join(out, folder), { recursive: true, force: true })
  if (existsSync(join(incoming, folder))) renameSync(join(incoming, folder), join(out, folder))
}

/** Links the file, or copies it where the store is on another file system. One that lay in the store is read first: its checksum is that of the manifest. */
async function place(build: Build, file: OutputFile, target: string, isWritten: boolean): Promise<void> {
  const from = build.store.path(file.key)
  makeFolder(dirname(target))
  if (!isWritten && (await digestOf(from)) !== file.sha256) throw new DamagedEntry(file.key, 'file does not match its checksum')
  try {
    linkSync(from, target)
  } catch {
    copyFileSync(from, target)
  }
  sync(target)
}

function writeDurably(path: string, text: string): void {
  makeFolder(dirname(path))
  writeFileSync(path, text)
  sync(path)
}

function sync(path: string): void {
  const fd = openSync(path, 'r')
  fsyncSync(fd)
  closeSync(fd)
}

async function guardedAsync(where: string, write: () => Promise<void>): Promise<void> {
  try {
    await write()
  } catch (error) {
    guarded(where, () => {
      throw error
    })
  }
}
