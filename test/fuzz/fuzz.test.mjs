/** The short form of `make fuzz`. */
import { expect, it } from 'vitest'
import { fuzz } from './harness.mjs'

const SEED = 42

it('no broken file crashes, hangs or fills the memory, and none loses rows in silence', async () => {
  const totals = await fuzz({ inputs: 2000, seed: SEED })
  const sum = name => totals.reduce((all, total) => all + total[name], 0)
  const faults = totals.flatMap(({ reader, faults }) => faults.map(fault => ({ reader, ...fault })))
  console.log(`fuzz seed ${SEED}: inputs tried ${sum('tried')}, refusals ${sum('refused')}, rejects ${sum('rejects')}, crashes ${faults.length}`)
  expect(faults).toEqual([])
  expect([sum('tried'), sum('read') + sum('refused')]).toEqual([2000, 2000])
  for (const { reader, refused, read } of totals) expect([reader, refused > 50, reader === 'gzip' || read > 5]).toEqual([reader, true, true])
}, 180_000)
