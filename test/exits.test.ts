import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ExpectationError, Interrupted, PendingError, StageError, UserError } from '../pipeline/errors.ts'
import { exitCodeOf, exits } from '../pipeline/exits.ts'
import { CLI, freshDir, goldpan, ROOT } from './cli.ts'

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

it('a code is the same where nobody reads what is printed', () => {
  const dir = freshDir('exits')
  const [yes, no] = ['Yes, it is so.', 'No, it is not so.']
  const pairs = [
    [yes, no],
    [no, yes],
    ['It may be.', no],
  ].map(([chosen, rejected]) => ({ prompt: 'Is it so?', chosen, rejected }))
  const config = join(dir, 'c.yaml')
  writeFileSync(join(dir, 'a.jsonl'), pairs.map(pair => `${JSON.stringify(pair)}\n`).join(''))
  writeFileSync(config, 'name: exits\nsources: [{ path: a.jsonl }]\nsteps: [exact-dedup]\noutput: { publish_without_review: true }\n')
  const places = `--out ${join(dir, 'out')} --store ${join(dir, 'store')} --threads 0 --progress none`
  const unread = (args: string) =>
    spawnSync('bash', ['-c', `node ${CLI} ${args} 2>/dev/null | true; exit "\${PIPESTATUS[0]}"`], { cwd: ROOT }).status
  expect(unread(`run ${config} ${places} --set 'expect=["train.rows >= 100000"]'`)).toBe(4)
  expect(unread(`run ${config} ${places} --set output.publish_without_review=false`)).toBe(3)
  expect(unread(`query ${join(dir, 'out')} 'select * from ledger'`)).toBe(0)
})

it('--out and --store that lie in one another are refused at once', () => {
  const dir = freshDir('nested')
  const run = (out: string, store: string) =>
    goldpan(['run', 'configs/quickstart.yaml', '--out', join(dir, out), '--store', join(dir, store), '--progress', 'none'])
  for (const [out, store] of [
    ['x', 'x'],
    ['x', 'x/store'],
    ['x/out', 'x'],
  ])
    expect(run(out, store)).toMatchObject({ code: 2, stderr: expect.stringContaining('one lies in the other') })
})
