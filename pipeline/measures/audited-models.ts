/** What `goldpan audit-rm --json` found of reward models, as stages read it. */
import { z } from 'zod'
import { UserError } from '../errors.ts'
import { modelColumn } from '../kernels/recorded.ts'
import type { Context, Json } from '../stage.ts'

const audit = z.looseObject({
  problems: z.number(),
  models: z.array(z.looseObject({ model: z.string(), excess: z.number().min(0), temperature: z.number().positive().nullable() })).min(1),
})

interface AuditedModel {
  /** max(0, MRR - that of random scores); 0 where margins say nothing of what is right. */
  readonly weight: number
  /** 1 / temperature; 0 where margins say nothing of what is right. */
  readonly scale: number
}

export interface Audit {
  /** By the name of a model in columns: those of the build that the file has. */
  readonly of: ReadonlyMap<string, AuditedModel>
  /** For the report. */
  readonly told: Record<string, Json>
}

/**
 * Temperatures and weights that the file `audit` gives the models of a build; undefined where `weights` asks for none. Throws UserError where
 * the file is needed and not named, is no audit, or knows none of the models.
 */
export async function auditFor(
  { audit, weights }: { readonly audit?: string; readonly weights: string },
  { file }: Pick<Context, 'file'>,
  models: readonly string[],
): Promise<Audit | undefined> {
  if (audit === undefined) {
    if (weights === 'audit')
      throw new UserError('disagreement: weights: audit needs a file under `audit`, as `goldpan audit-rm FILE --json` prints it')
    return undefined
  }
  if (weights !== 'audit' && weights !== 'auto') return undefined
  const { models: known, problems } = auditedModels(await file(audit), audit)
  const found = models.filter(model => known.has(model))
  if (models.length > 0 && found.length === 0)
    throw new UserError(`${audit}: names none of the models of this build (${models.join(', ')}); it has ${[...known.keys()].join(', ')}`)
  const missing = models.filter(model => !known.has(model))
  return {
    of: new Map(found.map(model => [model, known.get(model)!])),
    told: { file: audit, problems, ...(missing.length > 0 ? { not_audited: missing } : {}) },
  }
}

function auditedModels(bytes: Uint8Array, path: string): { problems: number; models: Map<string, AuditedModel> } {
  const parsed = audit.safeParse(jsonOf(bytes))
  if (!parsed.success) {
    const [{ path: at, message }] = parsed.error.issues
    throw new UserError(`${path}: ${at.join('.')}: expected what \`goldpan audit-rm FILE --json\` prints: ${message}`)
  }
  const { problems, models } = parsed.data
  return {
    problems,
    models: new Map(
      models.map(({ model, excess, temperature }) => [
        modelColumn(model),
        { weight: temperature ? excess : 0, scale: temperature ? 1 / temperature : 0 },
      ]),
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
