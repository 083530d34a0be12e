import type { Command } from 'commander'
import { openFinished } from '../finished.ts'
import { funnelOf } from '../report/funnel.ts'
import { type Look, lookOf, PLAIN } from '../report/ink.ts'
import { nextText } from '../report/next.ts'
import { peopleText } from '../report/people.ts'
import { type Reported, reportIn, writeReport } from '../report/write.ts'

interface Flags {
  readonly json?: boolean
  /** False with --no-write. */
  readonly write: boolean
}

export const register = (program: Command): void => {
  program
    .command('report')
    .description('write report.html and report.json of a finished build again, and print its funnel: what came in, what left where and why')
    .argument('<dir>', 'folder of the build')
    .option('--json', 'print report.json instead')
    .option('--no-write', 'print only; leave the folder as it is')
    .addHelpText(
      'after',
      '\nExample: goldpan report out/quickstart\nThe page is out/quickstart/report.html; any browser shows it, it loads nothing.',
    )
    .action(async (dir: string, { json, write }: Flags) => {
      const reported = await (write ? writeReport(dir) : reportIn(dir))
      console.log(reportText(dir, json === true, reported, lookOf(process.stdout)))
    })
}

/** What the command prints. */
export function reportText(dir: string, json: boolean, { report, people }: Reported, look: Look = PLAIN): string {
  if (json) return JSON.stringify(report, null, 2)
  return [funnelOf(openFinished(dir).manifest, dir, look), ...(people ? [peopleText(people)] : []), nextText(report, dir, look)].join(
    '\n\n',
  )
}
