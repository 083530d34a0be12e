/** make fuzz: broken files for every reader, long form. May be set: INPUTS (100000), SEED (42), ONLY (readers, comma). */
import { fuzz } from './harness.mjs'

const seed = Number(process.env.SEED ?? 42)
const inputs = Number(process.env.INPUTS ?? 100_000)
console.log(`seed ${seed}`)
const totals = await fuzz({ inputs, seed, only: process.env.ONLY?.split(',') })
const sum = { tried: 0, read: 0, refused: 0, rows: 0, rejects: 0, crashes: 0 }
for (const { reader, tried, read, refused, rows, rejects, faults, peak_bytes } of totals) {
  console.log(`${reader}: ${tried} inputs, ${read} read (${rows} rows, ${rejects} rejects), ${refused} refused, ${faults.length} crashes, at most ${Math.round(peak_bytes / 2 ** 20)} MiB`)
  for (const { index, what } of faults) console.log(`  input ${index}: ${what}`)
  for (const [name, n] of Object.entries({ tried, read, refused, rows, rejects, crashes: faults.length })) sum[name] += n
}
console.log(`inputs tried ${sum.tried}, refusals ${sum.refused}, rejects ${sum.rejects}, crashes ${sum.crashes}`)
if (sum.crashes > 0) process.exitCode = 1
