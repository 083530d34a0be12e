/** A stage described from its code alone. */
import { z } from 'zod'
import { stages } from '../stages/index.ts'
import { type Declared, type Stage, schemaOf, typeName } from './stage.ts'
import { ledgerColumns } from './tables.ts'

/** What JSON Schema says of a param. */
export interface Property {
  readonly type?: string
  readonly enum?: readonly string[]
  readonly default?: unknown
  readonly description?: string
  readonly properties?: Readonly<Record<string, Property>>
  readonly [more: string]: unknown
}

const paramsOf = (stage: Stage): Readonly<Record<string, Property>> =>
  (z.toJSONSchema(stage.params, { io: 'input', unrepresentable: 'any' }).properties ?? {}) as Record<string, Property>

/** A column of a stage of goldpan's; all those of a user's stage are in the ledger. */
const inLedger = (name: string, adds: Readonly<Record<string, string>>): boolean =>
  ledgerColumns(Object.keys(adds)).some(column => column.name === name)

const NOTHING = { models: [], recorded: [], upstream: {} }

/** The least that a stage takes: empty lists for the params that have no default. */
function required(stage: Stage): Record<string, unknown[]> {
  const schema = z.toJSONSchema(stage.params, { io: 'input', unrepresentable: 'any' }) as { required?: string[] }
  return Object.fromEntries((schema.required ?? []).map(name => [name, []]))
}

/** One stage as data, with its default params: what `goldpan stages --json` prints. */
export function reference(stage: Stage) {
  const params = stage.params.safeParse(required(stage))
  const columns = (declared: Declared<unknown>): Record<string, string> =>
    params.success
      ? Object.fromEntries(Object.entries(schemaOf(declared, params.data, NOTHING)).map(([name, field]) => [name, typeName(field)]))
      : {}
  const adds = columns(stage.adds as Declared<unknown>)
  return {
    name: stage.name,
    doc: stage.doc,
    version: stage.version,
    corpus_wide: stage.rounds !== undefined,
    params: paramsOf(stage),
    adds,
    /** Those of `adds` that no table shows: later steps read them. */
    unseen: stages.has(stage.name) ? Object.keys(adds).filter(name => !inLedger(name, adds)) : [],
    reasons: params.success ? (stage.reasons?.(params.data) ?? {}) : {},
  }
}
export type Reference = ReturnType<typeof reference>
