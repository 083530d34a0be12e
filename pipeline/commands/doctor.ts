import type { Command } from 'commander'
import { UserError } from '../errors.ts'
import { type Health, healthOf } from '../machine.ts'
import { type Look, lookOf } from '../report/ink.ts'
import { defaultStore } from './option-values.ts'

export const register = (program: Command): void => {
  program
    .command('doctor')
    .description(
      'look whether this machine can build: Node, native parts, memory, open files, disk, and the store; exit code 2 where it cannot',
    )
    .option('--store <dir>', 'the store to look at (also GOLDPAN_STORE)', defaultStore())
    .option('--json', 'print the findings as JSON')
    .addHelpText('after', '\nExample: goldpan doctor --store /scratch/goldpan')
    .action(async ({ store, json }: { store: string; json?: boolean }) => {
      const health = await healthOf(store)
      console.log(json ? JSON.stringify(health, null, 2) : healthText(health, lookOf(process.stdout)))
      const failed = health.filter(({ state }) => state === 'fail')
      if (failed.length > 0) throw new UserError(`doctor: ${failed.map(({ name, fix }) => `${name}: ${fix}`).join('; ')}`)
    })
}

/** A line a finding, and under one that is not well what to do. */
export function healthText(health: readonly Health[], { ink }: Look): string {
  const width = Math.max(...health.map(({ name }) => name.length))
  const paint = { ok: ink.good, warn: ink.strong, fail: ink.bad }
  return health
    .flatMap(({ name, state, found, fix }) => [
      `${paint[state](state.padEnd(4))}  ${name.padEnd(width)}  ${found}`,
      ...(fix === undefined ? [] : [`${' '.repeat(width + 8)}${ink.soft('do:')} ${fix}`]),
    ])
    .join('\n')
}
