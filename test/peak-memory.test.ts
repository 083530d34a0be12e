import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { highest, peakDuring } from '../pipeline/peak-memory.ts'

const MIB = 2 ** 20

it('sees what was held meanwhile and is gone again, and not what was held before', async () => {
  const quiet = await peakDuring(async () => void (await pause(60)))
  const busy = await peakDuring(async () => {
    // Written to, so that the pages are there.
    const block = new Uint8Array(256 * MIB).fill(1)
    await pause(1)
    expect(block[255 * MIB]).toBe(1)
  })
  expect(busy).toBeGreaterThan(quiet + 200 * MIB)
  expect(busy).toBeLessThanOrEqual(highest())
})

it('ends with what the work throws', async () => {
  await expect(peakDuring(() => Promise.reject(new Error('no luck')))).rejects.toThrow('no luck')
})
