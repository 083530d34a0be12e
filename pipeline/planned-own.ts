/** Steps whose stage is the user's, as a plan has them. */
import type { Field } from './batch.ts'
import type { LoadedConfig, StepConfig } from './config.ts'
import { UserError } from './errors.ts'
import type { Own, OwnStep } from './own-columns.ts'
import { outcomes, pairFacts, pairTexts, placeFacts, sizeFacts } from './pair.ts'
import { type Env, type Json, type Stage, schemaOf } from './stage.ts'

/** Columns of the ledger that are not a stage's to fill. */
const TAKEN = [
  'file',
  'row',
  'outcome',
  'split',
  'step',
  'reason',
  'human',
  'flipped',
  'recalled',
  ...Object.keys({ ...pairFacts, ...sizeFacts, ...pairTexts, ...placeFacts }),
]

const TYPES: readonly unknown[] = ['utf8', 'id', 'u8', 'i32', 'f32', 'f64']
/** Types are not checked where a stage is loaded. */
const isField = (field: Field): boolean =>
  typeof field === 'object' && field !== null ? 'labels' in field || 'vector' in field || 'list' in field : TYPES.includes(field)

/** Where a pair may go that leaves. */
const ENDS: readonly string[] = outcomes.filter(end => end !== 'keep' && end !== 'flip')

/** What the plan says of a step whose stage is the user's; refuses columns that cannot be in the ledger. */
export function ownStep(
  loaded: LoadedConfig,
  step: StepConfig,
  stage: Stage,
  { params, env, ...own }: Own & { params: Json; env: Env },
): OwnStep {
  const adds = schemaOf(stage.adds, params, env)
  for (const [name, field] of Object.entries(adds)) {
    const where = `${loaded.at(step.place)}: steps.${step.id}: ${own.path}: adds column ${name}`
    if (TAKEN.includes(name)) throw new UserError(`${where}, which every pair has; give it another name`)
    if (!isField(field))
      throw new UserError(`${where}: ${JSON.stringify(field)} is no type; expected ${TYPES.join(', ')}, {labels} or {list}`)
    if (typeof field === 'object' && 'vector' in field) throw new UserError(`${where}: a vector cannot be in the ledger; add numbers of it`)
  }
  const reasons = stage.reasons?.(params) ?? {}
  for (const [reason, end] of Object.entries(reasons))
    if (!ENDS.includes(end))
      throw new UserError(
        `${loaded.at(step.place)}: steps.${step.id}: ${own.path}: reason ${reason}: a pair may end in ${ENDS.join(', ')}, not in ${JSON.stringify(end)}`,
      )
  return { ...own, adds, reasons }
}
