/**
 * A damaged Parquet file can take a whole process down: DuckDB trusts what the pages say (one of some thousand wrong bits is enough). So each
 * is first read in a process that may die, without its values coming here.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { UserError } from '../errors.ts'
import { compiled } from '../version.ts'
import { damaged } from './damage.ts'
import type { Reading } from './duckdb-parquet.ts'

let child: ChildProcess | undefined
let last: Promise<unknown> = Promise.resolve()

/** Ends once the file was read to its end, or refused with a message; throws UserError where the process died of it. Calls queue. */
export function tryReading(shown: string, reading: Reading): Promise<void> {
  const tried = last.then(() => tryAlone(shown, reading))
  last = tried.catch(() => undefined)
  return tried
}

async function tryAlone(shown: string, reading: Reading): Promise<void> {
  // it may have been killed while it had nothing to do
  if (!child?.connected) child = started()
  const running = child
  running.ref()
  running.channel?.ref()
  const died = await new Promise<string | undefined>(done => {
    running.once('message', () => done(undefined))
    running.once('exit', (code, signal) => done(signal ?? `exit ${code}`))
    running.once('error', error => done(error.message))
    running.send(reading, error => error && running.exitCode === null && running.signalCode === null && done(error.message))
  })
  running.removeAllListeners()
  if (died === undefined) {
    running.unref()
    running.channel?.unref()
    return
  }
  child = undefined
  if (died === 'SIGKILL') throw new UserError(`${shown}: the process that tried to read it was killed; run again, with more free memory`)
  throw damaged(shown, 'Parquet', `the reader breaks down over it (${died})`)
}

/** It ends with the thread that started it, whose channel it waits on. */
const started = (): ChildProcess =>
  fork(compiled('codecs/parquet-child.js'), { serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
