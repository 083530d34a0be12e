/** The model of `output.margin` is looked for before any work: among those of the config, and in the first rows of the inputs. */
import type { Schema } from './batch.ts'
import type { LoadedConfig } from './config.ts'
import { hint, UserError } from './errors.ts'
import { recordedIn, type SourceFile } from './ingest.ts'

/** Refuses a model that no step gives a margin of. `added` are the columns that the steps add where the rows bring scores of these models. */
export async function checkMargin(
  loaded: LoadedConfig,
  added: (recorded: readonly string[]) => Schema,
  inputs: readonly SourceFile[],
): Promise<void> {
  const { margin } = loaded.config.output
  const models = (recorded: readonly string[]): string[] =>
    Object.keys(added(recorded)).flatMap(name => /^margin_(.+)$/.exec(name)?.[1] ?? [])
  if (margin === undefined || models([]).includes(margin)) return
  const recorded = new Set<string>()
  for (const input of inputs) for (const model of await recordedIn(input)) recorded.add(model)
  const known = models([...recorded].sort())
  if (known.includes(margin)) return
  const wanted = known.length > 0 ? hint(margin, known) : '; add the step score'
  throw new UserError(`${loaded.at(['output', 'margin'])}: output.margin: no step gives a margin of a model "${margin}"${wanted}`)
}
