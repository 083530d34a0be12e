/** Who works with a store right now. Nothing is thrown out of a store that a build is working with. */
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { guarded, UserError } from '../errors.ts'
import { makeFolder } from '../make-folder.ts'

/** A mark is renewed so often, and believed of another machine for so long. */
const RENEWED_MS = 20_000
const BELIEVED_MS = 5 * 60_000

export interface User {
  readonly what: string
  readonly pid: number
  readonly host: string
}

/** Marks this process as working with the store until the function that is returned is called, or the process ends. */
export function use(root: string, what: string): () => void {
  const folder = join(root, 'users')
  return guarded(root, () => {
    makeFolder(folder)
    return keepMark(join(folder, `${hostname()}-${process.pid}-${randomUUID()}.json`), what)
  })
}

/** Writes a file that names this process, which must not be there yet, and renews it until the function that is returned is called. */
export function keepMark(mark: string, what: string): () => void {
  const user: User = { what, pid: process.pid, host: hostname() }
  writeFileSync(mark, JSON.stringify(user), { flag: 'wx' })
  const renew = setInterval(() => {
    try {
      utimesSync(mark, new Date(), new Date())
    } catch {}
  }, RENEWED_MS)
  renew.unref()
  return () => {
    clearInterval(renew)
    rmSync(mark, { force: true })
  }
}

/** Processes other than this one that work with the store. Marks of those that ended are swept. */
export function users(root: string): User[] {
  const folder = join(root, 'users')
  return listed(folder).flatMap(name => {
    const user = readMark(join(folder, name))
    if (!user || (user.pid === process.pid && user.host === hostname())) return []
    if (isAlive(user, join(folder, name))) return [user]
    rmSync(join(folder, name), { force: true })
    return []
  })
}

/** Refuses to go on while others work with the store. */
export function refuseInUse(root: string, command: string): void {
  const [user] = users(root)
  if (user)
    throw new UserError(`${root}: ${user.what} (process ${user.pid} on ${user.host}) works with this store; ${command} when it has ended`)
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder).filter(name => name.endsWith('.json'))
  } catch {
    return []
  }
}

/** Undefined where there is none, or it is not written yet. */
export function readMark(mark: string): User | undefined {
  try {
    return JSON.parse(readFileSync(mark, 'utf8')) as User
  } catch {
    return undefined
  }
}

/** Of this machine the system knows; of another one only how long ago it said so. */
export function isAlive({ pid, host }: User, mark: string): boolean {
  if (host !== hostname()) return Date.now() - (statSync(mark, { throwIfNoEntry: false })?.mtimeMs ?? 0) < BELIEVED_MS
  try {
    process.kill(pid, 0)
    return !isZombie(pid)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Killed, but not yet waited for by its parent: the system still knows the number. */
function isZombie(pid: number): boolean {
  try {
    return /\) Z [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}
