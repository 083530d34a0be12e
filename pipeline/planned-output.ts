/** What `output` asks for is looked for before any work: among the columns that steps add, and in the first rows of the inputs. */
import type { Schema } from './batch.ts'
import type { LoadedConfig } from './config.ts'
import { hint, UserError } from './errors.ts'
import type { OwnStep } from './own-columns.ts'
import { ledgerColumns, ownColumns, signalColumns } from './tables.ts'

/** A name of output.signals or output.margin that may be that of a model of the rows. */
const OF_MODEL = /^(p|margin)_/

/** Refuses columns of `output` that no step adds. `added` are the columns that the steps add where rows bring scores of these models,
 * `recorded` such models. */
export async function checkOutput(
  loaded: LoadedConfig,
  steps: readonly { readonly own?: OwnStep }[],
  added: (recorded: readonly string[]) => Schema,
  recorded: () => Promise<readonly string[]>,
): Promise<void> {
  const { margin, signals } = loaded.config.output
  const where = `${loaded.at(['output', 'signals'])}: output.signals`
  signalColumns(signals, ownColumns(steps), where)
  const wanted = [...signals, ...(margin === undefined ? [] : [`margin_${margin}`])].filter(name => name !== 'human')
  const plain = added([])
  if (wanted.every(name => name in plain)) return
  const all = Object.keys(added(await recorded()))
  const ledger = new Set(ledgerColumns(all, ownColumns(steps)).map(column => column.name))
  const known = all.filter(name => ledger.has(name))
  for (const name of signals)
    if (wanted.includes(name) && !known.includes(name))
      throw new UserError(`${where}: no step adds "${name}"${hint(name, known)}${OF_MODEL.test(name) ? stepFor(name, known) : ''}`)
  if (margin === undefined || known.includes(`margin_${margin}`)) return
  const models = known.flatMap(name => /^margin_(.+)$/.exec(name)?.[1] ?? [])
  const others = models.length > 0 ? hint(margin, models) : '; add the step score'
  throw new UserError(`${loaded.at(['output', 'margin'])}: output.margin: no step gives a margin of a model "${margin}"${others}`)
}

/** The step that would give scores of models, where none does. */
function stepFor(name: string, known: readonly string[]): string {
  const prefix = name.startsWith('p_') ? 'p_' : 'margin_'
  if (known.some(other => other.startsWith(prefix))) return ''
  return `; add the step ${prefix === 'p_' ? 'disagreement' : 'score'}`
}
