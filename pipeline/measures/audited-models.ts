/** What `goldpan audit-rm --json` found of reward models, as stages read it. */
import { z } from 'zod'
import { UserError } from '../errors.ts'
import { modelColumn } from '../kernels/recorded.ts'

const audit = z.looseObject({
  problems: z.number(),
  models: z.array(z.looseObject({ model: z.string(), excess: z.number().min(0), temperature: z.number().positive().nullable() })).min(1),
})

export interface AuditedModel {
  /** max(0, MRR - that of random scores) */
  readonly excess: number
  /** 1 / temperature; 0 where margins say nothing of what is right. */
  readonly scale: number
}

export interface AuditedModels {
  readonly problems: number
  /** By the name of a model in columns. */
  readonly models: ReadonlyMap<string, AuditedModel>
}

export function auditedModels(bytes: Uint8Array, path: string): AuditedModels {
  const parsed = audit.safeParse(jsonOf(bytes))
  if (!parsed.success) {
    const [{ path: at, message }] = parsed.error.issues
    throw new UserError(`${path}: ${at.join('.')}: expected what \`goldpan audit-rm FILE --json\` prints: ${message}`)
  }
  const { problems, models } = parsed.data
  return {
    problems,
    models: new Map(
      models.map(({ model, excess, temperature }) => [modelColumn(model), { excess, scale: temperature ? 1 / temperature : 0 }]),
    ),
  }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}
