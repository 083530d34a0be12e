import { expect, it } from 'vitest'
import { z } from 'zod'
import { batchOf, type Schema } from '../pipeline/batch.ts'
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

const giving = async (verdict: unknown, adds: Schema): Promise<string> => {
  const stage = defineStage({
    name: 'mine',
    doc: 'Gives what it is told.',
    version: 1,
    params: z.strictObject({}),
    reads: {},
    adds: adds as never,
    judge: () => () => verdict as never,
  }) as unknown as Stage
  const judge = await fromOutside(stage, 'mine.ts').judge({}, { env: {} } as Context)
  return Promise.resolve(judge(batchOf({}, 2, {}))).then(
    () => 'taken',
    (thrown: unknown) => (thrown as Error).message,
  )
}

const LABELS = { x: { labels: ['a', 'b'] } } as const
const LISTS = { x: { list: { n: 'f32' } } } as const
const listed = (...values: number[]) => ({
  starts: Int32Array.of(0, 1, 2),
  items: { schema: LISTS.x.list, rows: 2, columns: { n: { values: Float32Array.from(values) } } },
})

it.each<[string, unknown, Schema, string]>([
  ['no verdict', undefined, {}, 'judge gives undefined, expected an object: leave, add, or both'],
  ['leave as a list', { leave: [0, 0] }, {}, 'leave is Array, expected Uint8Array'],
  ['a column that is no object', { add: { x: 1 } }, { x: 'f32' }, 'column x is 1, expected its arrays'],
  [
    'NaN',
    { add: { x: { values: Float32Array.of(1, NaN) } } },
    { x: 'f32' },
    'column x holds NaN; where there is no number, set valid to 0',
  ],
  ['NaN in a null', { add: { x: { values: Float32Array.of(1, NaN), valid: Uint8Array.of(1, 0) } } }, { x: 'f32' }, 'taken'],
  ['Infinity', { add: { x: { values: Float64Array.of(1, -Infinity) } } }, { x: 'f64' }, 'column x holds -Infinity'],
  ['no such label', { add: { x: { values: Uint8Array.of(1, 2) } } }, LABELS, 'column x holds 2; it has 2 labels, counted from 0'],
  [
    'offsets as a list',
    { add: { x: { bytes: new Uint8Array(2), offsets: [0, 1, 2] } } },
    { x: 'utf8' },
    'column x holds Array as offsets, expected Int32Array',
  ],
  [
    'too few flags',
    { add: { x: { values: new Int32Array(2), valid: new Uint8Array(1) } } },
    { x: 'i32' },
    'column x has 1 flags of 2 in valid',
  ],
  ['a list', { add: { x: listed(1, 2) } }, LISTS, 'taken'],
  ['NaN in a list', { add: { x: listed(1, NaN) } }, LISTS, 'column n holds NaN'],
])('refuses %s', async (_, verdict, adds, message) => {
  expect(await giving(verdict, adds)).toContain(message)
})
