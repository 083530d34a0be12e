import type { Command } from 'commander'
import { diffOf } from '../diff.ts'
import { openFinished } from '../finished.ts'
import { diffText } from '../report/diff-text.ts'
import { seedNumber, whole } from './option-values.ts'

interface Flags {
  readonly sample: number
  readonly seed: number
  readonly json?: boolean
}

export const register = (program: Command): void => {
  program
    .command('diff')
    .description(
      'compare two finished builds: which pairs ended otherwise, at which step and why, and which change of config or input did it',
    )
    .argument('<dir_a>', 'folder of the build before')
    .argument('<dir_b>', 'folder of the build after')
    .option('--sample <n>', 'pairs named for each way in which pairs moved', whole(0, 999_999_999), 1)
    .option('--seed <n>', 'of the drawing of these', seedNumber, 42)
    .option('--json', 'print causes, counts, movements and samples as JSON')
    .addHelpText('after', '\nExample: goldpan diff out/before out/after')
    .action(async (a: string, b: string, { json, ...options }: Flags) => {
      const diff = await diffOf(openFinished(a), openFinished(b), options)
      console.log(json ? JSON.stringify(diff, null, 2) : diffText(diff, process.stdout.isTTY ? process.stdout.columns : undefined))
    })
}
