/** Runs the tasks of one phase, in any order and at any width. */
import type { TaskReport } from '../task.ts'

export interface Executor {
  readonly width: number
  run(phase: string, tasks: readonly string[], done: (task: string, report: TaskReport) => void): Promise<void>
  /** Lets running tasks end and starts no more. */
  stop(): void
  close(): Promise<void>
}
