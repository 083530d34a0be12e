import { Piscina } from 'piscina'
import type { Build } from '../build.ts'
import { compiled } from '../compiled.ts'
import { UserError } from '../errors.ts'
import { type Order, type Reply, raised } from '../worker.ts'
import { type Executor, Interrupted } from './executor.ts'

/** Runs tasks in `threads` worker threads. Only task names cross to them: text goes through the store. */
export function threads(build: Build, width: number): Executor {
  const pool = new Piscina({
    filename: compiled('worker.js'),
    minThreads: 1,
    maxThreads: width,
    idleTimeout: 60_000,
    concurrentTasksPerWorker: 1,
  })
  let stopped = false
  return {
    width,
    async run(phase, tasks, done) {
      let next = 0
      let failed: Error | undefined
      const lane = async (): Promise<void> => {
        while (next < tasks.length && !failed && !stopped) {
          const task = tasks[next++]
          const order: Order = { planFile: build.planFile(), store: build.store.root, phase, task }
          const reply = (await pool.run(order).catch(endedOf)) as Reply
          if ('report' in reply) done(task, reply.report)
          else failed ??= raised(reply)
        }
      }
      await Promise.all(Array.from({ length: Math.min(width, tasks.length) }, lane))
      if (failed) throw failed
      if (stopped) throw new Interrupted('interrupted')
    },
    stop: () => {
      stopped = true
    },
    close: () => pool.close(),
  }
}

/** A worker that ended takes its task with it; what it committed is there for the next run. */
function endedOf(error: Error): never {
  if (!/worker exited/i.test(error.message)) throw error
  throw new UserError(
    `a worker thread ended before its task did (${error.message}); run again, the build continues: with fewer --threads if memory is short`,
  )
}
