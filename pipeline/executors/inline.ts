import { setImmediate as turn } from 'node:timers/promises'
import type { Build } from '../build.ts'
import { Interrupted } from '../errors.ts'
import { closeWorker, raised, work } from '../worker.ts'
import type { Executor } from './executor.ts'

/** Runs every task in this thread: for tests, debugging and small builds. */
export function inline(build: Build): Executor {
  let stopped = false
  return {
    width: 1,
    async run(phase, tasks, done) {
      for (const task of tasks) {
        // signals are heard and progress is drawn between turns of the event loop only
        await turn()
        if (stopped) throw new Interrupted('interrupted')
        const reply = await work({ planFile: build.planFile(), store: build.store.root, phase, task })
        if (!('report' in reply)) throw raised(reply)
        done(task, reply.report)
      }
    },
    stop: () => {
      stopped = true
    },
    close: closeWorker,
  }
}
