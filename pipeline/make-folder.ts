/** Folders, and those above them. */
import { existsSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { UserError } from './errors.ts'

/** One by one: Node's own `recursive` never ends in a file system that takes no folders, such as /proc. Others may make them meanwhile. */
export function makeFolder(path: string): void {
  if (isFolder(path)) return
  const above = dirname(path)
  if (above !== path) makeFolder(above)
  try {
    mkdirSync(path)
  } catch (error) {
    if (isFolder(path)) return
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new UserError(`${path}: is there, and no folder; choose another one`)
    // the folder above is there, so it takes none
    if (code === 'ENOENT') throw new UserError(`${path}: no folder can be made here; choose another one`)
    throw error
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

/** Whether a path is this folder or lies below it; both absolute. */
export function isWithin(folder: string, path: string): boolean {
  const inside = relative(folder, path)
  return inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside)
}

/** A path without links, of which the end need not be there yet. */
export function realOf(path: string): string {
  const whole = resolve(path)
  return existsSync(whole) || dirname(whole) === whole ? realpathSync(whole) : join(realOf(dirname(whole)), basename(whole))
}
