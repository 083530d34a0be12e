/** Which columns a step reads, and whether they are there when it runs. */
import type { Field, Schema } from './batch.ts'
import type { LoadedConfig, StepConfig } from './config.ts'
import { hint, UserError } from './errors.ts'
import { stageOf } from './own-stages.ts'
import { pairFacts, pairTexts, placeFacts, recallFacts, sizeFacts } from './pair.ts'
import type { PlannedStep } from './plan.ts'
import { type Declared, type Env, type Json, type Stage, schemaOf, typeName } from './stage.ts'

/** All columns that a stage reads of a pair, in its rounds and its judge. */
export function readsOf(stage: Stage, params: unknown, env: Env): Schema {
  const rounds = (stage.rounds ?? []).map(round => schemaOf(round.reads, params, env))
  return Object.assign({}, ...rounds, schemaOf(stage.reads, params, env)) as Schema
}

/** What the first n steps have added, as a stage of the next step sees it. */
export function envAfter(steps: readonly PlannedStep[], n: number, models: readonly string[], recorded: readonly string[]): Env {
  let env: Env = { models, recorded, upstream: {} }
  for (const step of steps.slice(0, n)) {
    const adds = schemaOf(stageOf(step)!.adds as Declared<unknown>, step.params, env)
    env = { ...env, upstream: { ...env.upstream, ...adds } }
  }
  return env
}

/** Refuses a step that reads a column which it has not, or has in another type; names the stages that would add it. */
export function checkReads(
  loaded: LoadedConfig,
  step: StepConfig,
  stages: ReadonlyMap<string, { readonly stage: Stage }>,
  params: Json,
  env: Env,
): void {
  const { stage } = stages.get(step.stage)!
  const given = givenTo(stage, params, env)
  for (const [column, field] of Object.entries(readsOf(stage, params, env))) {
    const where = `${loaded.at(step.place)}: steps.${step.id}`
    if (!(column in given)) {
      const adding = providers(column, [...stages.values()], params, env)
      const help = adding.length > 0 ? `; put ${adding.join(' or ')} before it` : hint(column, Object.keys(given))
      throw new UserError(`${where}: reads column ${column}, which no earlier step adds${help}`)
    }
    if (typeName(given[column]) !== typeName(field))
      throw new UserError(`${where}: reads column ${column} as ${typeName(field)}, but it is ${typeName(given[column])}`)
  }
}

/** Refuses a step that adds a column which an earlier one has added in another type: the ledger holds one column of a name. */
export function checkAdds(loaded: LoadedConfig, step: StepConfig, stage: Stage, params: Json, env: Env): void {
  for (const [column, field] of Object.entries(schemaOf(stage.adds, params, env))) {
    const before = env.upstream[column]
    if (before === undefined || typeName(before) === typeName(field)) continue
    throw new UserError(
      `${loaded.at(step.place)}: steps.${step.id}: adds column ${column} as ${typeName(field)}, which an earlier step adds as ${typeName(before)}; give the column of your own stage another name`,
    )
  }
}

/** Every column that a step may read. */
function givenTo(stage: Stage, params: Json, env: Env): Readonly<Record<string, Field>> {
  const measured = (stage.measures?.(params) ?? []).map(use => use.measure.adds(use.params))
  const returned = (stage.rounds ?? []).map(round => (round.returns ? schemaOf(round.returns, params, env) : {}))
  return Object.assign(
    { ...pairFacts, ...sizeFacts, ...pairTexts, ...placeFacts, ...recallFacts, ...env.upstream },
    ...measured,
    ...returned,
  ) as Schema
}

const providers = (column: string, stages: readonly { readonly stage: Stage }[], params: Json, env: Env): string[] =>
  stages.flatMap(({ stage }) => {
    const defaults = stage.params.safeParse({})
    return column in schemaOf(stage.adds, defaults.success ? defaults.data : params, env) ? [stage.name] : []
  })
