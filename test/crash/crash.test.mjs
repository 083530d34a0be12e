/** The short form of `make crash`. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { everyError, everyPoint, randomKills, signals, synthetic, workerDeaths } from './harness.mjs'

const SEED = 42
let subject
beforeAll(() => {
  console.log(`crash seed ${SEED}`)
  subject = synthetic(240)
}, 60_000)
afterAll(() => subject?.remove())

it('survives kills at random moments, some with loss of what was not flushed', async () => {
  expect(await randomKills(subject, 2, SEED)).toMatchObject({ survived: 2, tried: 2 })
}, 120_000)

it('survives death before, in and after any operation on its files', () => {
  const { covered, of, deaths } = everyPoint(subject, SEED, 2)
  expect([covered, of > 50, deaths >= 4]).toEqual([2, true, true])
}, 120_000)

it('tells of a full disk and too many open files in one line, and goes on', () => {
  const { tried, told } = everyError(subject, SEED, 2)
  expect(tried).toBe(2)
  expect(told).toBeGreaterThan(0)
}, 120_000)

it('stops when asked to, and goes on when a worker died', async () => {
  expect((await signals(subject, SEED, 1)).tried).toBe(1)
  expect(workerDeaths(subject, SEED, 1)).toEqual({ tried: 1, ended: 1 })
}, 120_000)
