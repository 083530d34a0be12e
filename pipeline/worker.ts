/** The worker side of the threads executor: runs tasks of one build, keeping open what its tasks opened. */
import { Build } from './build.ts'
import { Opened } from './context.ts'
import { DamagedEntry } from './entry-file.ts'
import { PendingError, UserError } from './errors.ts'
import { runTask, type TaskReport } from './task.ts'

export interface Order {
  readonly planFile: string
  readonly store: string
  /** Tasks of one phase share what they open; a new phase opens its own. */
  readonly phase: string
  readonly task: string
}

/** Errors cross threads as plain values, so that their kind survives. */
export type Reply =
  | { readonly report: TaskReport }
  | {
      readonly kind: string
      readonly message: string
      readonly stack?: string
      readonly damaged?: { readonly key: string; readonly what: string }
    }

let current: { build: Build; planFile: string; store: string } | undefined
let inPhase: string | undefined
const opened = new Opened()

/** Runs one task; never throws. */
export async function work({ planFile, store, phase, task }: Order): Promise<Reply> {
  try {
    if (current?.planFile !== planFile || current.store !== store) {
      current = { build: await Build.open(planFile, store), planFile, store }
      inPhase = undefined
    }
    if (inPhase !== phase) opened.forget()
    inPhase = phase
    return { report: await runTask(current.build, opened, task) }
  } catch (error) {
    const { name, message, stack } = error as Error
    return { kind: name, message, stack, damaged: error instanceof DamagedEntry ? { key: error.key, what: error.what } : undefined }
  }
}

/** The error that a reply stands for. */
export function raised(reply: Exclude<Reply, { report: TaskReport }>): Error {
  if (reply.kind === 'UserError') return new UserError(reply.message)
  if (reply.kind === 'PendingError') return new PendingError(reply.message)
  if (reply.damaged) return new DamagedEntry(reply.damaged.key, reply.damaged.what)
  const error = new Error(reply.message)
  error.stack = reply.stack
  return error
}

export const closeWorker = (): Promise<void> => opened.close()
export default work
