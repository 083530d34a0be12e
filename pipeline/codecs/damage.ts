/** A file that cannot be read as what it is: one line that names the file, the place and what to do. */
import { UserError } from '../errors.ts'

export const damaged = (shown: string, place: string, what: string): UserError =>
  new UserError(`${shown}: ${place === '' ? '' : `${place}: `}${what}; the file is damaged or cut off: get it again`)

/** The first line of a foreign library's message. */
export const messageOf = (error: unknown): string => String((error as Error)?.message ?? error).split('\n')[0]

/** The operating system's refusal to open or read a file, in words. */
export function unreadable(shown: string, error: unknown): UserError {
  const code = (error as NodeJS.ErrnoException).code
  const words: Record<string, string> = {
    ENOENT: 'no such file',
    EISDIR: 'is a folder, expected a file',
    EACCES: 'no permission to read it',
    EPERM: 'no permission to read it',
    ENOTDIR: 'no such file',
  }
  return new UserError(`${shown}: ${words[code ?? ''] ?? messageOf(error)}`)
}
