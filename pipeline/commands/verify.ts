import type { Command } from 'commander'
import { UserError } from '../errors.ts'
import { lookOf } from '../report/ink.ts'
import { wrapped } from '../report/wrap.ts'
import type { Check } from '../verify/accounts.ts'
import type { RebuildOptions } from '../verify/rebuild.ts'
import { checksOf } from '../verify/verify.ts'

interface Flags extends RebuildOptions {
  readonly json?: boolean
  readonly rebuild?: boolean
}

export const register = (program: Command): void => {
  program
    .command('verify')
    .description(
      'recompute every checksum, row count and sum of a finished build, look at order and schema, and compare the ledger with the shards',
    )
    .argument('<dir>', 'folder of the build')
    .option('--rebuild', 'also run the config again, from nothing in a temporary folder, and compare the manifests')
    .option('--config <file>', 'with --rebuild: the config, where it is no longer where run.json says')
    .option('--scratch <dir>', 'with --rebuild: where to build; default: the temporary folder of this machine')
    .option('--json', 'print the checks as JSON')
    .addHelpText('after', '\nExample: goldpan verify out/quickstart')
    .action(async (dir: string, { json, rebuild: again, ...options }: Flags) => {
      const checks = await checksOf(dir)
      if (again) checks.push(await (await import('../verify/rebuild.ts')).rebuild(dir, options))
      console.log(json ? JSON.stringify(checks, null, 2) : wrapped(linesOf(checks), lookOf(process.stdout).width))
      const failed = checks.filter(check => check.wrong.length > 0)
      if (failed.length > 0)
        throw new UserError(`${dir}: ${failed.length} of ${checks.length} checks failed: ${failed.map(check => check.name).join(', ')}`)
    })
}

const SHOWN = 20

/** A line a check; under a failed one a line for each difference. */
export function linesOf(checks: readonly Check[]): string {
  return checks
    .flatMap(({ name, seen, wrong }) => {
      if (wrong.length === 0) return [`ok    ${name}: ${seen}`]
      const more = wrong.length > SHOWN ? [`        ... and ${wrong.length - SHOWN} more`] : []
      return [`FAIL  ${name}:`, ...wrong.slice(0, SHOWN).map(what => `        ${what}`), ...more]
    })
    .join('\n')
}
