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
