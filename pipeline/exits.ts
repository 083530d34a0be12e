/** How a command ends: exit codes of the contract, and the one line that goes with them. */
import { PendingError, UserError } from './errors.ts'
import { Interrupted } from './executors/executor.ts'

/** A check of the config's `expect` failed on the finished build: exit 4. */
export class ExpectationError extends Error {
  override readonly name = 'ExpectationError'
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UserError) return 2
  if (error instanceof PendingError) return 3
  if (error instanceof ExpectationError) return 4
  if (error instanceof Interrupted) return 130
  return 1
}

/** One line for what the user can mend; a stack for what only we can. */
export function say(error: unknown): void {
  if (exitCodeOf(error) !== 1) console.error(`goldpan: ${(error as Error).message}`)
  else console.error(`goldpan: a bug, please report it with this text:\n${(error as Error).stack ?? String(error)}`)
}
