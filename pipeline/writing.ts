/** One run at a time writes an output folder: two would put files of both beside the manifest of one. */
import { existsSync, rmdirSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { guarded, UserError } from './errors.ts'
import { makeFolder } from './make-folder.ts'
import { isAlive, keepMark, readMark, type User } from './store-care/usage.ts'

/** Names the run that writes the folder it lies in. */
export const WRITING = '.goldpan-writing'

const held = new Set<string>()

/** Does `work`, which writes `out`, while no other run does; refuses where one is at it. What a killed run left behind is passed over. */
export async function whileWriting<T>(out: string, work: () => Promise<T>): Promise<T> {
  const folder = resolve(out)
  const made = !existsSync(folder)
  const mark = join(folder, WRITING)
  guarded(out, () => makeFolder(folder))
  const ended = guarded(out, () => begin(out, folder, mark))
  held.add(folder)
  try {
    return await work()
  } finally {
    ended()
    held.delete(folder)
    if (made) removeEmpty(folder)
  }
}

const TRIES = 3

function begin(out: string, folder: string, mark: string, tries = TRIES): () => void {
  try {
    return keepMark(mark, `goldpan run --out ${out}`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || tries === 0) throw error
    const other = readMark(mark)
    if (other && isAtIt(other, folder, mark))
      throw new UserError(
        `--out ${out}: process ${other.pid} on ${other.host} writes this folder; wait for its end or choose another folder (if there is no such run, remove ${mark})`,
      )
    rmSync(mark, { force: true })
    return begin(out, folder, mark, tries - 1)
  }
}

/** A killed run may have had the number that this process has, as the first process of a container always does. */
const isAtIt = (other: User, folder: string, mark: string): boolean =>
  other.pid === process.pid && other.host === hostname() ? held.has(folder) : isAlive(other, mark)

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {}
}
