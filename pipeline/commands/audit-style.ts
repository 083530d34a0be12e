import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { guarded } from '../errors.ts'
import { filesOf } from '../files.ts'
import { styleText } from '../report/style-text.ts'
import { styleOfFiles } from '../style-of-files.ts'
import { seedNumber } from './option-values.ts'

interface Flags {
  readonly seed: number
  readonly plot?: string
  readonly json?: boolean
}

export const register = (program: Command): void => {
  program
    .command('audit-style')
    .description(
      'say how much length, Markdown and other style alone predict the labels of preference files; needs no config. Every row counts once, whatever its weight (of a build, `report` tells style by weight)',
    )
    .argument('<file...>', 'files, globs or folders of any format that a build reads')
    .option('--seed <n>', 'of samples and bootstrap', seedNumber, 42)
    .option('--plot <file>', 'also write a page with charts: one HTML file that loads nothing')
    .option('--json', 'print the figures as JSON')
    .addHelpText('after', '\nExample: goldpan audit-style data/*.jsonl --plot style.html')
    .action(audit)
}

async function audit(named: readonly string[], { seed, plot, json }: Flags): Promise<void> {
  const files = named.flatMap(name => filesOf(name, process.cwd(), 'audit-style'))
  const style = await styleOfFiles(files, seed)
  if (plot !== undefined) {
    const { stylePageOf } = await import('../report/page/style-page.ts')
    guarded(plot, () => writeFileSync(plot, stylePageOf(style)))
  }
  console.log(json ? JSON.stringify(style, null, 2) : styleText(style, process.stdout.columns))
}
