#!/usr/bin/env node
/** The command line: one small file a command under commands/. */
import './collector.ts'
import { Command, CommanderError } from 'commander'
import { register as explain } from './commands/explain.ts'
import { register as models } from './commands/models.ts'
import { register as plan } from './commands/plan.ts'
import { register as query } from './commands/query.ts'
import { register as reference } from './commands/reference.ts'
import { register as report } from './commands/report.ts'
import { register as review } from './commands/review.ts'
import { register as run } from './commands/run.ts'
import { register as synth } from './commands/synth.ts'
import { register as task } from './commands/task.ts'
import { register as verify } from './commands/verify.ts'
import { exitCodeOf, say } from './exits.ts'
import { VERSION } from './version.ts'

const program = new Command('goldpan')
  .description('Curates preference pairs: raw files in; training shards, a ledger and a manifest out.')
  .version(VERSION)
  .showHelpAfterError('(goldpan --help lists commands, goldpan COMMAND --help their options)')
  .exitOverride()
for (const register of [run, plan, report, review, explain, query, verify, models, synth, reference, task]) register(program)
for (const command of program.commands) command.exitOverride()
program.addHelpText(
  'after',
  '\nExit codes: 0 done, 1 a bug, 2 config or input, 3 people must answer first, 4 an expectation failed, 130 interrupted.',
)

process.stdout.on('error', error => {
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(0)
})

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    say(error)
    process.exitCode = exitCodeOf(error)
  }
}
