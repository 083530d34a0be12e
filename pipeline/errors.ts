import { closest, distance } from 'fastest-levenshtein'

/** The user's config or input is wrong: one line, exit 2, no stack. */
export class UserError extends Error {
  override readonly name = 'UserError'
}

/** A stage of the user's failed; `row` of the batch is the one on which it did, where a row alone is enough to tell. */
export class StageError extends UserError {
  readonly row: number | undefined
  constructor(message: string, row?: number) {
    super(message)
    this.row = row
  }
}

/** People or a model must answer before the build can go on: exit 3. */
export class PendingError extends Error {
  override readonly name = 'PendingError'
}

/** A check of the config's `expect` failed on the finished build: exit 4. */
export class ExpectationError extends Error {
  override readonly name = 'ExpectationError'
}

/** The user asked to stop: what is committed stays, the next run goes on from there. Exit 130. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

/** ` - did you mean "near-dup"?` where one of the known names is close, and the list of them. */
export function hint(wrong: string, known: readonly string[]): string {
  if (known.length === 0) return ''
  const near = closest(wrong, [...known])
  const meant = distance(wrong, near) <= Math.max(2, wrong.length / 3) ? `; did you mean "${near}"?` : ''
  return `${meant} (known: ${known.join(', ')})`
}

/** Runs a write; a full disk or a missing permission is the user's to mend, and named as such. */
export function guarded<T>(where: string, write: () => T): T {
  try {
    return write()
  } catch (error) {
    throw ioError(where, error)
  }
}

const MENDABLE: Record<string, string> = {
  ENOSPC: 'no space left on the disk; free some and run again, the build continues',
  EDQUOT: 'disk quota exceeded; free some and run again, the build continues',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many open files; raise `ulimit -n`',
  EIO: 'the disk gave a read or write error; check it, then run again, the build continues',
  ENOTDIR: 'a part of this path is not a folder',
}

/** What else the user can mend where nobody foresaw it: a path of theirs that is not what it should be. */
const UNFORESEEN: Record<string, string> = {
  ENOENT: 'no such file or folder',
  EISDIR: 'is a folder, not a file',
  ENAMETOOLONG: 'the name is too long for this file system',
  ELOOP: 'links that lead in a circle',
  EPERM: 'operation not permitted',
  ...MENDABLE,
}

/** An error of the file system that names a path, as one of the user; any other as it is. */
export function pathError(error: unknown): unknown {
  const { code = '', path } = (error ?? {}) as NodeJS.ErrnoException
  return path !== undefined && code in UNFORESEEN ? new UserError(`${path}: ${UNFORESEEN[code]}`) : error
}

export function ioError(where: string, error: unknown): unknown {
  const mend = MENDABLE[(error as NodeJS.ErrnoException).code ?? '']
  return mend ? new UserError(`${where}: ${mend}`) : error
}
