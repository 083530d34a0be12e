import { expect, it } from 'vitest'
import { Opened } from '../pipeline/context.ts'

const fails = async (): Promise<never> => {
  throw new Error('not there')
}

it('opens once what opens, and tries again what did not', async () => {
  const opened = new Opened()
  await expect(opened.once('judge', fails)).rejects.toThrow('not there')
  expect(await opened.once('judge', async () => 7)).toBe(7)
  expect(await opened.once('judge', fails)).toBe(7)
})

it('closes though a model could not be opened', async () => {
  const opened = new Opened()
  await expect(opened.scorer('rm', fails)).rejects.toThrow('not there')
  await expect(opened.close()).resolves.toBeUndefined()
})
