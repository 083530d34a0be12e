/** What lies in a store, file by file. */
import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ioError } from '../errors.ts'

export interface Entry {
  readonly key: string
  readonly path: string
  readonly bytes: number
  /** When a build made it or used it last. */
  readonly used_ms: number
}

export function* entriesOf(root: string): Generator<Entry> {
  const objects = join(root, 'objects')
  for (const folder of namesIn(objects))
    for (const name of namesIn(join(objects, folder))) {
      const path = join(objects, folder, name)
      const found = statOf(path)
      // The time of a published file is that of the file in the output folder: its record tells when it was used.
      const told = statOf(`${path}.record`) ?? found
      if (found?.isFile()) yield { key: folder + name, path, bytes: found.size, used_ms: told!.mtimeMs }
    }
}

/** Files that an attempt began and did not finish, last written before `before_ms`. */
export const leftovers = (root: string, before_ms: number): Entry[] => filesIn(root, 'tmp').filter(({ used_ms }) => used_ms < before_ms)

/** Digests of input files, each noted when its file was last hashed. Without one, the file is only hashed again. */
export const notes = (root: string): Entry[] => filesIn(root, 'digests')

/** What reward models said of texts. No quota takes it: to ask them again may cost more than all the rest. */
export const keptScores = (root: string): Entry[] => filesIn(root, 'scores')

function filesIn(root: string, folder: string): Entry[] {
  return namesIn(join(root, folder)).flatMap(name => {
    const path = join(root, folder, name)
    const found = statOf(path)
    return found?.isFile() ? [{ key: `${folder}/${name}`, path, bytes: found.size, used_ms: found.mtimeMs }] : []
  })
}

export const remove = ({ path }: Entry): void => rmSync(path, { force: true })

/** Another process may take away what was there a moment ago; what cannot be read is not passed over. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw ioError(folder, error)
  }
}

function statOf(path: string) {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}
