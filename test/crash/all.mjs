/**
 * make crash: every kind of crash, long form, two jobs at once. May be set: KILLS (200), SEED (42).
 * A job is a subject and a kind of crash; with one as arguments, this is the process that does it.
 */
import { spawn } from 'node:child_process'
import { everyError, everyPoint, quickstart, randomKills, signals, synthetic, workerDeaths } from './harness.mjs'

const seed = Number(process.env.SEED ?? 42)
const kills = Number(process.env.KILLS ?? 200)
const subjects = { quickstart, synthetic }

const kinds = {
  async points(subject) {
    const { covered, of, deaths } = everyPoint(subject, seed)
    return `fault points covered ${covered} / ${of}, ${deaths} deaths before, in and after them`
  },
  async kills(subject) {
    const { survived, tried, builds } = await randomKills(subject, kills / 2, seed)
    return `random kills survived ${survived} / ${tried}, over ${builds} builds`
  },
  async rest(subject) {
    const errors = everyError(subject, seed)
    const asked = await signals(subject, seed, 10)
    const workers = workerDeaths(subject, seed, 10)
    return [
      `ENOSPC, EMFILE and EIO survived ${errors.tried} / ${errors.tried}, ${errors.told} of them told in a line`,
      `SIGINT and SIGTERM survived ${asked.tried} / ${asked.tried}, ${asked.stopped} in the middle of the build`,
      `dead workers survived ${workers.tried} / ${workers.tried}, ${workers.ended} of them ended the run`,
    ].join('; ')
  },
}

async function one(name, kind) {
  const subject = subjects[name]()
  try {
    console.log(`${name}: ${await kinds[kind](subject)}; rows lost 0 of ${subject.rows}, manifests equal: all`)
  } finally {
    subject.remove()
  }
}

/** The code with which the job's process ends. */
const inProcess = job => new Promise(done => spawn(process.execPath, [import.meta.filename, ...job], { stdio: 'inherit' }).on('close', done))

async function all() {
  console.log(`seed ${seed}`)
  const jobs = Object.keys(kinds).flatMap(kind => Object.keys(subjects).map(name => [name, kind]))
  const lane = async () => {
    for (let job = jobs.shift(); job; job = jobs.shift()) if ((await inProcess(job)) !== 0) process.exitCode = 1
  }
  await Promise.all([lane(), lane()])
}

const job = process.argv.slice(2)
await (job.length === 2 ? one(...job) : all())
