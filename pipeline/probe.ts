/** A look at every input before any work: a file that cannot be read stops the run before it writes. */
import { Build, ingestKey } from './build.ts'
import { DamagedEntry } from './entry-file.ts'
import { probe, type SourceFile } from './ingest.ts'
import type { LocatedPlan, PlannedInput } from './plan.ts'
import type { Progress } from './progress.ts'
import { isStore, Store } from './store.ts'

export const sourceFile = (input: PlannedInput, paths: LocatedPlan['paths']): SourceFile =>
  ({ ...input, shown: input.path, path: paths[input.path] }) as SourceFile

/** Says which format was recognised where the config left it open. Files that the store holds the rows of were looked at before. */
export async function probeInputs(located: LocatedPlan, store: string, progress: Progress): Promise<void> {
  const { plan, paths } = located
  const isKnown = knownIn(located, store)
  for (const [i, input] of plan.inputs.entries()) {
    if (isKnown(i)) continue
    const found = await probe(sourceFile(input, paths))
    if (input.format === 'auto')
      progress.note(
        `${input.path}: read as ${found.format} (${found.container}${found.compression === 'none' ? '' : `, ${found.compression}`})`,
      )
  }
}

/** Whether the rows of input i are in the store, which is not made here. */
function knownIn(located: LocatedPlan, store: string): (i: number) => boolean {
  if (!isStore(store)) return () => false
  const build = new Build({ ...located, judged: {} }, new Store(store))
  return i => {
    try {
      return build.piecesOf(i).every(piece => build.store.has(ingestKey(piece)))
    } catch (error) {
      // the run mends it
      if (error instanceof DamagedEntry) return false
      throw error
    }
  }
}
