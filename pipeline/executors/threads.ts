import { Piscina } from 'piscina'
import type { Build } from '../build.ts'
import { Interrupted, UserError } from '../errors.ts'
import { compiled } from '../version.ts'
import { type Order, type Reply, raised } from '../worker.ts'
import type { Executor } from './executor.ts'

/** Runs tasks in `threads` worker threads. Only task names cross to them: text goes through the store. */
export function threads(build: Build, width: number): Executor {
  // Made with the first task: a run that finds everything in the store starts no worker.
  let pool: Piscina | undefined
  const started = (): Piscina => {
    pool ??= new Piscina({
      filename: compiled('worker.js'),
      minThreads: 1,
      maxThreads: width,
      idleTimeout: 60_000,
      concurrentTasksPerWorker: 1,
    })
    return pool
  }
  let stopped = false
  let broken = false
  /** A worker that ended takes its task with it; what it committed is there for the next run. */
  const endedOf = (error: Error): never => {
    if (!/worker exited|memory limit/i.test(error.message)) throw error
    broken = true
    throw new UserError(
      `a worker thread ended before its task did (${error.message}); run again, the build continues: with fewer --threads if memory is short`,
    )
  }
  return {
    width,
    async run(phase, tasks, done) {
      let next = 0
      let failed: Error | undefined
      const lane = async (): Promise<void> => {
        while (next < tasks.length && !failed && !stopped) {
          const task = tasks[next++]
          const order: Order = { planFile: build.planFile(), store: build.store.root, phase, task }
          const reply = (await started().run(order).catch(endedOf)) as Reply
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
    // A pool that has lost a worker waits for its tasks for ever.
    close: async () => (broken ? pool?.destroy() : pool?.close()),
  }
}
