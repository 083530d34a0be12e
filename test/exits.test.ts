import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ExpectationError, Interrupted, PendingError, StageError, UserError } from '../pipeline/errors.ts'
import { exitCodeOf, exits } from '../pipeline/exits.ts'
import { goldpan, ROOT } from './cli.ts'

it('every error ends with a code that is explained', () => {
  const errors = [
    new UserError('x'),
    new StageError('x'),
    new PendingError('x'),
    new ExpectationError('x'),
    new Interrupted('x'),
    new TypeError('x'),
  ]
  expect(errors.map(exitCodeOf)).toEqual([2, 2, 3, 4, 130, 1])
  for (const error of errors) expect(exits).toHaveProperty(`${exitCodeOf(error)}`)
})

it('--help and the README say what each code means', () => {
  const [, rows] = /\| exit code \|.*\n\|---\|---\|\n((?:\|.*\n)+)/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))!
  expect(rows).toBe(
    Object.entries(exits)
      .map(([code, says]) => `| ${code} | ${says} |\n`)
      .join(''),
  )
  const { stdout } = goldpan(['--help'])
  for (const [code, says] of Object.entries(exits)) expect(stdout).toMatch(new RegExp(`^  ${code} +${says}$`, 'm'))
})
