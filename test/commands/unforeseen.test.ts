/** Paths of the user that nobody foresaw: one line, exit code 2, and no stack. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { pathError, UserError } from '../../pipeline/errors.ts'
import { exitCodeOf } from '../../pipeline/exits.ts'
import { freshDir, goldpan } from '../cli.ts'

const dir = freshDir('unforeseen')
writeFileSync(join(dir, 'file'), 'x')
writeFileSync(join(dir, 'manifest.json'), '{}')
writeFileSync(join(dir, 'a.jsonl'), '{"prompt": "p", "chosen": "c", "rejected": "r"}\n')
mkdirSync(join(dir, 'folder'))

it.each([
  ['a plan that is not there', ['task', join(dir, 'gone'), 'ingest/0'], /gone: no such file or folder/],
  ['a plan that is a folder', ['task', join(dir, 'folder'), 'ingest/0'], /folder: is no plan/],
  ['a plan that is no JSON', ['task', join(dir, 'file'), 'ingest/0'], /file: is no plan/],
  ['a plan that is something else', ['task', join(dir, 'manifest.json'), 'ingest/0'], /manifest\.json: is no plan/],
  ['a build that is a file', ['verify', join(dir, 'file')], /file.*: a part of this path is not a folder/],
  ['a plot in no folder', ['audit-style', join(dir, 'a.jsonl'), '--plot', join(dir, 'gone/x.html')], /gone/],
  ['a store that is none', ['store', 'status', '--store', dir], /is no store of goldpan/],
  ['a name that is too long', ['run', join(dir, 'c.yaml'), '--out', join(dir, 'x'.repeat(300))], /too long/],
  ['a name for a config that cannot be', ['init', join(dir, 'a.jsonl'), '--name', 'a b', '--out', join(dir, 'new.yaml')], /name/],
])('%s', (_, args, says) => {
  writeFileSync(join(dir, 'c.yaml'), 'name: c\nsources: [{ path: a.jsonl, source: s }]\nsteps: [structure]\n')
  const { code, stderr } = goldpan(args)
  expect(stderr).toMatch(says)
  expect(stderr.split('\n').filter(line => /^goldpan: |^ +at /.test(line))).toHaveLength(1)
  expect(code).toBe(2)
})

it('a name that was refused leaves no config behind', () => {
  const out = join(dir, 'later.yaml')
  goldpan(['init', join(dir, 'a.jsonl'), '--name', 'a b', '--out', out])
  expect(goldpan(['init', join(dir, 'a.jsonl'), '--name', 'ab', '--out', out]).code).toBe(0)
})

it("an error of the file system is the user's where it names a path, and ours elsewhere", () => {
  const error = Object.assign(new Error('EACCES'), { code: 'EACCES' })
  expect(exitCodeOf(error)).toBe(1)
  expect(exitCodeOf(Object.assign(error, { path: '/x' }))).toBe(2)
  expect(pathError(error)).toEqual(new UserError('/x: permission denied'))
})
