/** What pairs weigh in training, before weights are scaled to a mean of 1. */
import { isValid, type Numbers } from './batch.ts'
import { type Build, declared } from './build.ts'
import type { ShardColumns } from './columns.ts'

/** Pair i's weight, 1 where no step gave one; once its label is turned that of its new label, where the step that weighs says so. */
export function weighing(build: Build, columns: ShardColumns, weight: Numbers | undefined): (i: number, isTurned: boolean) => number {
  const step = build.steps().findLast(s => 'weight' in declared(s, s.code.adds))
  const tells = step !== undefined && 'weight_turned' in declared(step, step.code.adds)
  const turned = tells ? (columns.verdict(step).columns.weight_turned as Numbers) : undefined
  return (i, isTurned) => (isTurned ? at(turned, i) : undefined) ?? at(weight, i) ?? 1
}

const at = (column: Numbers | undefined, i: number): number | undefined => (column && isValid(column, i) ? column.values[i] : undefined)
