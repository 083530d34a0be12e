/** A look at every input before any work: a file that cannot be read stops the run before it writes. */
import { probe, type SourceFile } from './ingest.ts'
import type { LocatedPlan, PlannedInput } from './plan.ts'
import type { Progress } from './progress.ts'

export const sourceFile = (input: PlannedInput, paths: LocatedPlan['paths']): SourceFile =>
  ({ ...input, shown: input.path, path: paths[input.path] }) as SourceFile

/** Says which format was recognised where the config left it open. */
export async function probeInputs({ plan, paths }: LocatedPlan, progress: Progress): Promise<void> {
  for (const input of plan.inputs) {
    const found = await probe(sourceFile(input, paths))
    if (input.format === 'auto')
      progress.note(
        `${input.path}: read as ${found.format} (${found.container}${found.compression === 'none' ? '' : `, ${found.compression}`})`,
      )
  }
}
