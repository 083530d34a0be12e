/** A stage described from its code alone. */
import { z } from 'zod'
import { type Declared, type Stage, schemaOf, typeName } from './stage.ts'

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
  return {
    name: stage.name,
    doc: stage.doc,
    version: stage.version,
    corpus_wide: stage.rounds !== undefined,
    params: paramsOf(stage),
    adds: columns(stage.adds as Declared<unknown>),
    reasons: params.success ? (stage.reasons?.(params.data) ?? {}) : {},
  }
}
export type Reference = ReturnType<typeof reference>
