/** Folders, and those above them. */
import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
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
    // the folder above is there, so it takes none
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new UserError(`${path}: no folder can be made here; choose another one`)
    throw error
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
