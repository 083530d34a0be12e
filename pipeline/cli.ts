#!/usr/bin/env node
/** The command line: one small file a command under commands/. */
import './v8-flags.ts'
import { Command, CommanderError } from 'commander'
import { UserError } from './errors.ts'
import { exitCodeOf, exits, say } from './exits.ts'
import { VERSION } from './version.ts'

/** In the order of the help; a command loads only its own code, which is most of what starting costs. */
const commands: Readonly<Record<string, () => Promise<{ readonly register: (program: Command) => void }>>> = {
  init: () => import('./commands/init.ts'),
  run: () => import('./commands/run.ts'),
  plan: () => import('./commands/plan.ts'),
  report: () => import('./commands/report.ts'),
  review: () => import('./commands/review.ts'),
  explain: () => import('./commands/explain.ts'),
  diff: () => import('./commands/diff.ts'),
  query: () => import('./commands/query.ts'),
  verify: () => import('./commands/verify.ts'),
  recommend: () => import('./commands/recommend.ts'),
  'audit-rm': () => import('./commands/audit-rm.ts'),
  'audit-style': () => import('./commands/audit-style.ts'),
  synth: () => import('./commands/synth.ts'),
  reference: () => import('./commands/reference.ts'),
  models: () => import('./commands/models.ts'),
  store: () => import('./commands/store.ts'),
  doctor: () => import('./commands/doctor.ts'),
  task: () => import('./commands/task.ts'),
}

const program = new Command('goldpan')
  .description('Curates preference pairs: raw files in; training shards, a ledger and a manifest out.')
  .version(VERSION)
  .showHelpAfterError('(goldpan --help lists commands, goldpan COMMAND --help their options)')
  .exitOverride()
const [named = ''] = process.argv.slice(2)
const known = Object.hasOwn(commands, named)
const asksVersion = named === '--version' || named === '-V'
for (const load of known ? [commands[named]] : asksVersion ? [] : Object.values(commands)) (await load()).register(program)
if (!known && !asksVersion) (await import('./commands/completion.ts')).registerCompletion(program)
for (const command of program.commands) command.exitOverride()
const codes = Object.entries(exits).map(([code, says]) => `  ${code.padEnd(5)}${says}`)
program.addHelpText('after', `\nExit codes:\n${codes.join('\n')}`)

process.stdout.on('error', error => {
  // nobody reads what is printed any more; what the command came to is told all the same
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit()
  say(new UserError(`standard output: ${error.message}; what was printed is not whole`))
  process.exit(2)
})
// whoever reads no more of what is told need not be told that
process.stderr.on('error', () => {})

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    say(error)
    process.exitCode = exitCodeOf(error)
  }
}
