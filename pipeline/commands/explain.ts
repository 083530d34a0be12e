import type { Command } from 'commander'
import { explainPair } from '../explain.ts'
import { openFinished } from '../finished.ts'
import { storyOf } from '../report/story.ts'
import { openTables } from '../sql.ts'

interface Flags {
  readonly json?: boolean
  readonly full?: boolean
}

export const register = (program: Command): void => {
  program
    .command('explain')
    .description('tell everything that happened to one pair, step by step, with the evidence')
    .argument('<dir>', 'folder of the build')
    .argument('<id>', 'pair_id (32 hex digits), or source:source_id')
    .option('--full', 'texts whole, and every row that matches')
    .option('--json', 'print the rows, what they refer to and the texts as JSON')
    .addHelpText('after', '\nExample: goldpan explain out/quickstart hh-rlhf:17')
    .action(async (dir: string, id: string, flags: Flags) => console.log(await explain(dir, id, flags)))
}

/** What the command prints. */
export async function explain(dir: string, id: string, { json, full }: Flags): Promise<string> {
  const finished = openFinished(dir)
  const tables = await openTables(finished)
  try {
    const explained = await explainPair(finished, tables, id)
    return json ? JSON.stringify(explained, null, 2) : storyOf(finished.manifest, explained, full === true)
  } finally {
    tables.close()
  }
}
