import type { Command } from 'commander'
import { openFinished } from '../finished.ts'
import { funnelOf } from '../report/funnel.ts'

export const register = (program: Command): void => {
  program
    .command('report')
    .description('print the funnel of a finished build: what came in, what left at which step and why, where the files are')
    .argument('<dir>', 'folder of the build')
    .option('--json', 'print the figures as JSON')
    .addHelpText('after', '\nExample: goldpan report out/quickstart')
    .action((dir: string, { json }: { json?: boolean }) => console.log(report(dir, json === true)))
}

/** What the command prints. */
export function report(dir: string, json: boolean): string {
  const { manifest } = openFinished(dir)
  if (!json) return funnelOf(manifest, dir)
  const { name, totals, sources, inputs, steps, outputs } = manifest
  const figures = steps.map(({ id, stage, rows_in, rows_out, dropped }) => ({ id, stage, rows_in, rows_out, dropped }))
  return JSON.stringify({ name, totals, sources, inputs, steps: figures, outputs }, null, 2)
}
