/** Which tasks a plan has, for whoever runs them by name. */
import { type Arranged, folders } from './arrange.ts'
import { arrangedKey, type Build, partitionsOf } from './build.ts'
import { UserError } from './errors.ts'
import { segmentsOf } from './pass.ts'

/** Of each kind how many there are, number by number of its name. */
const counts: Readonly<Record<string, (build: Build, numbers: readonly number[]) => number[]>> = {
  cut: build => [build.plan.inputs.length],
  ingest: build => [build.pieces().length],
  measure: build => [build.shards().length],
  pass: build => [segmentsOf(build).length, build.shards().length],
  observe: (build, [step]) => [build.steps().length, roundsOf(build, step), build.shards().length],
  reduce: (build, [step, round]) => [
    build.steps().length,
    roundsOf(build, step),
    round < roundsOf(build, step) ? partitionsOf(build, build.steps()[step], round) : 0,
  ],
  combine: (build, [step]) => [build.steps().length, roundsOf(build, step)],
  settle: build => [build.shards().length],
  arrange: () => [],
  publish: (build, [folder]) => [
    folders.length,
    folder < folders.length ? build.store.readJson<Arranged>(arrangedKey(build)).parts[folders[folder]].length : 0,
  ],
}

const roundsOf = (build: Build, step: number): number => build.steps()[step]?.code.rounds?.length ?? 0

/** Refuses a name that is none of a task of this plan. */
export function checkTaskName(build: Build, task: string): void {
  const [kind, ...written] = task.split('/')
  const known = Object.hasOwn(counts, kind) ? counts[kind] : undefined
  if (!known || written.some(text => !/^(0|[1-9]\d{0,8})$/.test(text)))
    throw new UserError(`task ${task}: no such task; known: ${Object.keys(counts).join(', ')}, each with its numbers, such as pass/0/12`)
  const numbers = written.map(Number)
  const among = known(build, numbers)
  if (numbers.length !== among.length) throw new UserError(`task ${task}: ${kind} takes ${among.length} numbers, got ${numbers.length}`)
  const odd = numbers.findIndex((number, i) => number >= among[i])
  if (odd >= 0)
    throw new UserError(`task ${task}: there is no ${numbers[odd]} among ${among[odd]} (number ${odd + 1} of its name, counted from 0)`)
}
