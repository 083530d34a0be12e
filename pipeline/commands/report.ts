import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { openFinished } from '../finished.ts'
import { type People, peopleOf } from '../judgements/people.ts'
import { logPlaces } from '../judgements/places.ts'
import { funnelOf } from '../report/funnel.ts'
import { peopleText } from '../report/people.ts'

export const register = (program: Command): void => {
  program
    .command('report')
    .description('print the funnel of a finished build: what came in, what left at which step and why, where the files are')
    .argument('<dir>', 'folder of the build')
    .option('--json', 'print the figures as JSON')
    .addHelpText('after', '\nExample: goldpan report out/quickstart')
    .action(async (dir: string, { json }: { json?: boolean }) => console.log(report(dir, json === true, await peopleIn(dir))))
}

/** How narrow the interval of label accuracy is wanted, unless somebody says otherwise. */
const WANTED_WIDTH = 0.1

/** What people said, where the build's judgement log holds an answer. */
export async function peopleIn(dir: string): Promise<People | undefined> {
  const finished = openFinished(dir)
  const places = logPlaces(finished)
  if (![places.log, ...places.others].some(log => existsSync(log))) return undefined
  const people = await peopleOf(finished, places, WANTED_WIDTH)
  return people.answers > 0 || (people.flags?.all.n ?? 0) > 0 ? people : undefined
}

/** What the command prints. */
export function report(dir: string, json: boolean, people?: People): string {
  const { manifest } = openFinished(dir)
  if (!json) return [funnelOf(manifest, dir), ...(people ? [peopleText(people)] : [])].join('\n\n')
  const { name, totals, sources, inputs, steps, outputs } = manifest
  const figures = steps.map(({ id, stage, rows_in, rows_out, dropped }) => ({ id, stage, rows_in, rows_out, dropped }))
  return JSON.stringify({ name, totals, sources, inputs, steps: figures, outputs, ...(people ? { people } : {}) }, null, 2)
}
