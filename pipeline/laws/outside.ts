/** A stage from outside, held to what it declares: what goes wrong in any part of it names the stage, its line and the part. */
import { type Batch, slice } from '../batch.ts'
import { DamagedEntry } from '../entry-file.ts'
import { PendingError, StageError, UserError } from '../errors.ts'
import { type Awaitable, type Measure, type MeasureUse, type Round, type Stage, schemaOf } from '../stage.ts'
import { checkAmong, checkEmitted, checkVerdict, declared } from './shape.ts'

/** Wraps every function of a stage: errors become a StageError, and all that it gives is checked. */
export function fromOutside(stage: Stage, path: string): Stage {
  const failed = failure(stage, path)
  const measures = stage.measures && guarded(stage, ['measures'], failed).measures!
  return {
    ...stage,
    ...guarded(stage, ['reads', 'adds', 'reasons', 'files', 'check', 'judgements', 'scored', 'cut'], failed),
    ...(stage.rounds && { rounds: stage.rounds.map((round, i) => checkedRound(round, part => failed(`round ${i + 1}, ${part}`))) }),
    ...(measures && { measures: params => measures(params).map(use => checkedMeasure(use, failed)) }),
    judge: async (params, context) => {
      const judge = await told(failed(), () => stage.judge(params, context))
      const adds = schemaOf(stage.adds, params, context.env)
      const reasons = Object.keys(stage.reasons?.(params) ?? {}).length
      if (typeof judge !== 'function') failed()(new Error(`judge gives ${typeof judge}, expected a function of a batch`))
      return byRow(failed(), async batch => {
        const verdict = await judge(batch)
        checkVerdict(verdict, adds, reasons, batch.rows)
        return verdict
      })
    },
  }
}

type Raise = (error: unknown, row?: number) => never
type Failed = (part?: string) => Raise

/** Errors of the build's own that a stage only passes on: the run mends or tells them itself. */
const OURS = [UserError, PendingError, DamagedEntry]

/** Makes one line of an error: stage, file and line, the part that failed, the first line of the message. */
const failure =
  ({ name }: Stage, path: string): Failed =>
  part =>
  (error, row) => {
    if (OURS.some(ours => error instanceof ours)) throw error
    const { message, stack = '' } = error instanceof Error ? error : new Error(String(error))
    const line = new RegExp(`${path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}:\\d+`).exec(stack)?.[0]
    throw new StageError(`stage ${name} (${line ?? path}): ${part ? `${part}: ` : ''}${message.split('\n')[0]}`, row)
  }

const told = async <T>(raise: Raise, work: () => Awaitable<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    return raise(error)
  }
}

/** Of a batch that it fails on, the rows are tried one by one, to tell which one it is: the one that fails in the same way. */
const byRow =
  <T>(raise: Raise, each: (batch: Batch) => Awaitable<T>) =>
  async (batch: Batch): Promise<T> => {
    try {
      return await each(batch)
    } catch (error) {
      for (let row = 0; row < batch.rows; row++)
        try {
          await each(slice(batch, row, row + 1))
        } catch (own) {
          if (String(own) === String(error)) return raise(own, row)
        }
      return raise(error)
    }
  }

/** Those of an object's members that are functions, each told by its name where it throws. */
function guarded<O extends object, K extends keyof O & string>(owner: O, keys: readonly K[], failed: Failed): Partial<Pick<O, K>> {
  const guard = (key: K, work: (...args: unknown[]) => unknown) =>
    function (this: unknown, ...args: unknown[]): unknown {
      try {
        const given = work.apply(owner, args)
        return given instanceof Promise ? given.catch(failed(key)) : given
      } catch (error) {
        return failed(key)(error)
      }
    }
  const functions = keys.flatMap(key => (typeof owner[key] === 'function' ? [[key, guard(key, owner[key] as never)] as const] : []))
  return Object.fromEntries(functions) as Partial<Pick<O, K>>
}

function checkedRound(round: Round<unknown>, failed: Failed): Round<unknown> {
  const plain: Round<unknown> = { ...round, ...guarded(round, ['reads', 'emits', 'returns', 'partitions', 'needed', 'among'], failed) }
  const partitions: typeof round.partitions = (params, corpus) => {
    const count = plain.partitions(params, corpus)
    if (Number.isSafeInteger(count) && count >= 0) return count
    return failed('partitions')(new Error(`expected a whole number, got ${String(count)}`))
  }
  return {
    ...plain,
    partitions,
    ...(plain.among && { among: checkedAmong(plain.among, failed('among')) }),
    observe: async (params, context) => {
      const observe = await told(failed('observe'), () => round.observe(params, context))
      const emits = schemaOf(plain.emits, params, context.env)
      const count = Math.max(1, partitions(params, context.corpus))
      return byRow(failed('observe'), async batch => {
        const emitted = await observe(batch)
        checkEmitted(emitted, emits, count)
        return emitted
      })
    },
    reduce: (params, context, rows, partition) =>
      told(failed(`reduce of partition ${partition}`), async () => {
        const part = await round.reduce(params, context, rows, partition)
        const returns = round.returns && schemaOf(round.returns, params, context.env)
        if (part.returns) declared(part.returns.columns, { ordinal: 'i32', ...returns }, part.returns.rows)
        return part
      }),
    combine: (params, context, parts) => told(failed('combine'), () => round.combine(params, context, parts)),
  }
}

function checkedAmong(among: NonNullable<Round<unknown>['among']>, raise: Raise): typeof among {
  return (params, context) => {
    const pick = among(params, context)
    return batch => {
      try {
        const index = pick(batch)
        checkAmong(index, batch.rows)
        return index
      } catch (error) {
        return raise(error)
      }
    }
  }
}

function checkedMeasure({ measure, params: own }: MeasureUse, failedAt: Failed): MeasureUse {
  const failed: Failed = part => failedAt(`measure ${measure.name}${part ? `, ${part}` : ''}`)
  const plain: Measure = { ...measure, ...guarded(measure, ['adds', 'files'], failed) }
  const open: typeof measure.open = async (params, context) => {
    const each = await told(failed(), () => measure.open(params, context))
    return byRow(failed(), async batch => declared(await each(batch), plain.adds(params), batch.rows).columns)
  }
  return { params: own, measure: { ...plain, open } }
}
