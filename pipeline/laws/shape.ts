/** Whether a stage gives what it declares: the columns, their lengths, reasons that it has. */
import { type Batch, batchOf, type Column, type Columns, type Field, layoutOf, type Schema } from '../batch.ts'
import { DamagedEntry } from '../entry-file.ts'
import { PendingError, UserError } from '../errors.ts'
import { AWAY, type MeasureUse, type Round, type Stage, schemaOf, type Verdict } from '../stage.ts'

/** Fails where a stage or measure gives other columns than it declares, or columns of another length. */
export function declared(columns: Readonly<Record<string, Column>>, schema: Schema, rows: number): Batch {
  const given = Object.keys(columns).sort().join(', ')
  const wanted = Object.keys(schema).sort().join(', ')
  if (given !== wanted) throw new Error(`declares columns ${wanted || 'none'}; gives ${given || 'none'}`)
  for (const [name, field] of Object.entries(schema)) {
    const n = rowsOf(columns[name], field)
    if (n !== rows) throw new Error(`column ${name} has ${n ?? 'no'} rows of ${rows}`)
  }
  return batchOf(schema, rows, columns as Columns<Schema>)
}

/** Rows of a column; undefined where it has not the arrays of its type. */
function rowsOf(column: Partial<Record<string, { length: number }>> | Column, field: Field): number | undefined {
  const { offsets, starts, values, bytes } = column as Record<string, { length: number } | undefined>
  if (field === 'utf8') return offsets && offsets.length - 1
  if (field === 'id') return bytes && bytes.length / 16
  if (typeof field === 'object' && 'list' in field) return starts && starts.length - 1
  return values && values.length / layoutOf(field)!.width
}

/** A verdict on so many rows; fails where it is none. */
export function checkVerdict({ add = {}, leave }: Verdict, adds: Schema, reasons: number, rows: number): void {
  declared(add as Readonly<Record<string, Column>>, adds, rows)
  if (leave === undefined) return
  if (leave.length !== rows) throw new Error(`leave has ${leave.length} rows of ${rows}`)
  const odd = leave.find(code => code > reasons && code !== AWAY)
  if (odd !== undefined) throw new Error(`leave holds ${odd}, but the stage has ${reasons} reasons`)
}

/** A stage from outside: what goes wrong in its judge, rounds or measures names it and its line, and every verdict is checked. */
export function checkedVerdicts(stage: Stage, path: string): Stage {
  const failed = failure(stage, path)
  return {
    ...stage,
    ...(stage.rounds && { rounds: stage.rounds.map((round, i) => checkedRound(round, failed, i + 1)) }),
    ...(stage.measures && { measures: params => stage.measures!(params).map(use => checkedMeasure(use, failed)) }),
    judge: async (params, context) => {
      const judge = await told(failed(), () => stage.judge(params, context))
      const adds = schemaOf(stage.adds, params, context.env)
      const reasons = Object.keys(stage.reasons?.(params) ?? {}).length
      return batch =>
        told(failed(), async () => {
          const verdict = await judge(batch)
          checkVerdict(verdict, adds, reasons, batch.rows)
          return verdict
        })
    },
  }
}

type Failed = (part?: string) => (error: unknown) => never

/** Errors of the build's own that a stage only passes on: the run mends or tells them itself. */
const OURS = [UserError, PendingError, DamagedEntry]

/** Makes one line of an error: stage, file and line, the part that failed, the first line of the message. */
const failure =
  ({ name }: Stage, path: string): Failed =>
  part =>
  error => {
    if (OURS.some(ours => error instanceof ours)) throw error
    const { message, stack = '' } = error instanceof Error ? error : new Error(String(error))
    const line = new RegExp(`${path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}:\\d+`).exec(stack)?.[0]
    throw new UserError(`stage ${name} (${line ?? path}): ${part ? `${part}: ` : ''}${message.split('\n')[0]}`)
  }

const told = async <T>(failed: (error: unknown) => never, work: () => T | PromiseLike<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    return failed(error)
  }
}

function checkedRound(round: Round<unknown>, failed: Failed, n: number): Round<unknown> {
  const observing = failed(`round ${n}, observe`)
  return {
    ...round,
    observe: async (params, context) => {
      const observe = await told(observing, () => round.observe(params, context))
      return batch => told(observing, () => observe(batch))
    },
    reduce: (params, context, rows, partition) =>
      told(failed(`round ${n}, reduce of partition ${partition}`), () => round.reduce(params, context, rows, partition)),
    combine: (params, context, parts) => told(failed(`round ${n}, combine`), () => round.combine(params, context, parts)),
  }
}

function checkedMeasure({ measure, ...use }: MeasureUse, failed: Failed): MeasureUse {
  const failing = failed(`measure ${measure.name}`)
  const open: typeof measure.open = async (params, context) => {
    const each = await told(failing, () => measure.open(params, context))
    return batch => told(failing, () => each(batch))
  }
  return { ...use, measure: { ...measure, open } }
}
