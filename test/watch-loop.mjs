/** Given to node by --import: writes to the file WATCHED, at its end, when the main thread's loop came round and how long it had run itself since; ms. */
import { readFileSync, writeFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

/** CPU time of the main thread alone (proc(5) schedstat; ns), so that a busy machine makes no block longer. */
const ownMs = () => Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6

if (isMainThread) {
  const turns = []
  let last = ownMs()
  setInterval(() => {
    const now = ownMs()
    turns.push({ at: Date.now(), ran_ms: now - last })
    last = now
  }, 5).unref()
  process.on('exit', () => writeFileSync(process.env.WATCHED, JSON.stringify(turns)))
}
