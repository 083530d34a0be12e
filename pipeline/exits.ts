/** How a command ends: exit codes of the contract, and the one line that goes with them. */
import { ExpectationError, Interrupted, PendingError, pathError, UserError } from './errors.ts'

/** What each exit code says; --help and the README have it from here. */
export const exits: Readonly<Record<number, string>> = {
  0: 'done',
  1: 'a bug: the text that was printed asks to be reported',
  2: 'config, input, command line or machine are wrong, or `verify` found damage; one line says what to mend',
  3: 'people or a model must answer first; what is done stays',
  4: 'a check of `expect` failed, or `store fsck --dry-run` found damage',
  130: 'interrupted; run again to go on',
}

export function exitCodeOf(error: unknown): number {
  if (pathError(error) instanceof UserError) return 2
  if (error instanceof PendingError) return 3
  if (error instanceof ExpectationError) return 4
  if (error instanceof Interrupted) return 130
  return 1
}

/** One line for what the user can mend; a stack for what only we can. */
export function say(error: unknown): void {
  if (exitCodeOf(error) !== 1) console.error(`goldpan: ${(pathError(error) as Error).message}`)
  else console.error(`goldpan: a bug, please report it with this text:\n${(error as Error).stack ?? String(error)}`)
}
