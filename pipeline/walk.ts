/** The files below a folder. What cannot be looked into is named, not left out: rows that nobody misses are the worst to lose. */
import { type Dirent, readdirSync, realpathSync, type Stats, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import picomatch from 'picomatch'
import { ioError, UserError } from './errors.ts'

interface Walk {
  /** Paths, relative to where the walk began, of the files that are wanted. */
  readonly wants: (file: string) => boolean
  /** Of the folders that are looked into. */
  readonly enters: (folder: string) => boolean
  /** The place in the config, for complaints. */
  readonly where: string
}

/** Files by their paths below `root`, sorted. Links are followed, but into no folder that holds them. Hidden files and folders are passed over. */
export const filesBelow = (root: string, walk: Walk): string[] => [...walked(root, '', [], walk)].sort()

/** Files that a glob matches; one that matches a folder means all in it. */
export function filesMatching(root: string, glob: string, where: string): string[] {
  return filesBelow(root, { wants: picomatch([glob, `${glob}/**`]), enters: foldersTowards(glob), where })
}

/** `holders`: the real folders that hold the links by which the walk came here. */
function* walked(root: string, folder: string, holders: readonly string[], walk: Walk): Generator<string> {
  for (const entry of entriesOf(join(root, folder), walk.where)) {
    if (entry.name.startsWith('.')) continue
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    const found = entry.isSymbolicLink() ? behind(root, path, walk) : entry
    if (found?.isFile() && walk.wants(path)) yield path
    if (!found?.isDirectory() || !walk.enters(path)) continue
    const all = entry.isSymbolicLink() ? [...holders, realpathSync(join(root, folder))] : holders
    if (!entry.isSymbolicLink() || !all.some(holder => isIn(holder, realpathSync(join(root, path))))) yield* walked(root, path, all, walk)
  }
}

const isIn = (folder: string, above: string): boolean => `${folder}${sep}`.startsWith(`${above}${sep}`)

function entriesOf(folder: string, where: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    throw ioError(`${where}: ${folder}`, error)
  }
}

/** What a link leads to; nothing if it leads nowhere and is none of the files that are wanted. */
function behind(root: string, path: string, { wants, where }: Walk): Stats | undefined {
  try {
    return statSync(join(root, path))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ELOOP') throw ioError(`${where}: ${join(root, path)}`, error)
    if (wants(path))
      throw new UserError(`${where}: ${join(root, path)}: a link that leads nowhere; fetch what it should lead to, or remove it`)
    return undefined
  }
}

/** Folders in which a match may lie: segment by segment up to the first `**`; all where braces or brackets span segments. */
function foldersTowards(glob: string): (folder: string) => boolean {
  const segments = /[{(][^})]*\//.test(glob) ? ['**'] : glob.split('/')
  const open = segments.findIndex(segment => segment.includes('**'))
  const matchers = segments.slice(0, open < 0 ? undefined : open).map(segment => picomatch(segment))
  return folder => folder.split('/').every((name, depth) => depth >= matchers.length || matchers[depth](name))
}
