import { expect, it } from 'vitest'
import { z } from 'zod'
import { batchOf } from '../pipeline/batch.ts'
import { DamagedEntry } from '../pipeline/entry-file.ts'
import { PendingError, UserError } from '../pipeline/errors.ts'
import { fromOutside } from '../pipeline/laws/outside.ts'
import { type Context, defineStage, type Stage } from '../pipeline/stage.ts'

const failing = (error: unknown) =>
  fromOutside(
    defineStage({
      name: 'mine',
      doc: 'Fails.',
      version: 1,
      params: z.strictObject({}),
      reads: {},
      adds: {},
      judge: () => () => {
        throw error
      },
    }) as unknown as Stage,
    'mine.ts',
  )

const thrownBy = async (error: unknown): Promise<unknown> => {
  const judge = await failing(error).judge({}, { env: {} } as Context)
  return Promise.resolve(judge(batchOf({}, 1, {}))).catch((thrown: unknown) => thrown)
}

it('passes on what the build mends or tells by itself', async () => {
  for (const error of [new DamagedEntry('k', 'is missing'), new PendingError('no server'), new UserError('no file')])
    expect(await thrownBy(error)).toBe(error)
})

it('names the stage in any other error', async () => {
  const thrown = await thrownBy(new TypeError('no luck\nat all'))
  expect(thrown).toBeInstanceOf(UserError)
  expect((thrown as Error).message).toMatch(/^stage mine \(.*mine\.ts.*\): no luck$/)
})
