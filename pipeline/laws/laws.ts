/** The laws of a stage, on pairs given literally: whoever breaks one gets another build with other threads. */
import type { Batch } from '../batch.ts'
import { type Stage, schemaOf } from '../stage.ts'
import { type Driven, type DriveOptions, driveStage } from './drive.ts'
import type { PairInput } from './pairs.ts'

/** What must not change a word of what a stage says. */
export const laws: Readonly<Record<string, DriveOptions>> = {
  'says the same twice': {},
  'says the same for batches of one pair': { batch_rows: 1 },
  'says the same for batches of seven': { batch_rows: 7 },
  'is blind to the order of rows and parts in reduce and combine': { shuffle_seed: 7 },
}

/**
 * Runs a stage over the pairs in every way of the laws, and throws at the first difference with the pair and both verdicts. Give many pairs,
 * with repeated prompts and responses. `upstream` are the columns that earlier steps would add, `files` the bytes of the files it names.
 */
export async function lawsOf<P>(
  stage: Stage<P>,
  params: unknown,
  pairs: readonly PairInput[] | Batch,
  options: DriveOptions = {},
): Promise<Driven> {
  describedWell(stage, params)
  const first = await driveStage(stage, params, pairs, options)
  for (const [law, way] of Object.entries(laws)) {
    const again = await driveStage(stage, params, pairs, { ...options, ...way })
    const differs = difference(first, again)
    if (differs) throw new Error(`stage ${stage.name} breaks the law "${law}": ${differs}`)
  }
  return first
}

function difference(a: Driven, b: Driven): string | undefined {
  for (const [i, verdict] of a.verdicts.entries()) {
    const [one, other] = [text(verdict), text(b.verdicts[i])]
    if (one !== other) return `pair ${i} is first ${one}, then ${other}`
  }
  const [facts, others] = [text(a.summary), text(b.summary)]
  return facts === others ? undefined : `its summary is first ${facts}, then ${others}`
}

/** Columns of bytes and numbers included; NaN and -0 are values of their own. */
const text = (value: unknown): string =>
  JSON.stringify(value, (_, v) =>
    ArrayBuffer.isView(v) ? Array.from(v as Uint8Array, String) : typeof v === 'number' ? (Object.is(v, -0) ? '-0' : String(v)) : v,
  )

function describedWell<P>(stage: Stage<P>, params: unknown): void {
  const wrong = (what: string): never => {
    throw new Error(`stage ${stage.name}: ${what}`)
  }
  if (!/^[A-Z].{20,}\.$/.test(stage.doc)) wrong('doc: expected one sentence, from a capital to a full stop')
  const { shape = {} } = stage.params as unknown as { shape?: Record<string, { description?: string }> }
  for (const [name, param] of Object.entries(shape)) if (!param.description) wrong(`param ${name}: expected .describe('meaning; unit')`)
  const parsed = stage.params.safeParse(params)
  if (!parsed.success) throw new Error(`stage ${stage.name}: params: ${parsed.error.issues[0].message}`)
  for (const name of Object.keys(schemaOf(stage.adds, parsed.data, { models: [], recorded: [], upstream: {} })))
    if (!/^[a-z][a-z0-9_]*$/.test(name)) wrong(`column ${name}: expected small letters, digits and "_"`)
}
