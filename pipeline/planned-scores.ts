/** Scores that `output` asks for are looked for before any work: among the models of the config, and in the first rows of the inputs. */
import type { Schema } from './batch.ts'
import type { LoadedConfig } from './config.ts'
import { hint, UserError } from './errors.ts'
import { recordedIn, type SourceFile } from './ingest.ts'

/** Refuses a model of `output.margin`, and a score of `output.signals`, that no step gives. `added` are the columns that the steps add where the
 * rows bring scores of these models. */
export async function checkScores(
  loaded: LoadedConfig,
  added: (recorded: readonly string[]) => Schema,
  inputs: readonly SourceFile[],
): Promise<void> {
  const { margin, signals } = loaded.config.output
  const wanted = [...signals.filter(name => /^(p|margin)_/.test(name)), ...(margin === undefined ? [] : [`margin_${margin}`])]
  if (wanted.every(name => name in added([]))) return
  const recorded = new Set<string>()
  for (const input of inputs) for (const model of await recordedIn(input)) recorded.add(model)
  const known = Object.keys(added([...recorded].sort()))
  for (const name of signals)
    if (wanted.includes(name) && !known.includes(name)) {
      const prefix = name.startsWith('p_') ? 'p_' : 'margin_'
      const step = known.some(other => other.startsWith(prefix)) ? '' : `; add the step ${prefix === 'p_' ? 'disagreement' : 'score'}`
      throw new UserError(`${loaded.at(['output', 'signals'])}: output.signals: no step adds "${name}"${hint(name, known)}${step}`)
    }
  if (margin === undefined || known.includes(`margin_${margin}`)) return
  const models = known.flatMap(name => /^margin_(.+)$/.exec(name)?.[1] ?? [])
  const others = models.length > 0 ? hint(margin, models) : '; add the step score'
  throw new UserError(`${loaded.at(['output', 'margin'])}: output.margin: no step gives a margin of a model "${margin}"${others}`)
}
