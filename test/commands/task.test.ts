/** Names of tasks as a scheduler gives them: a wrong one is refused, one that comes too early waits. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { Build } from '../../pipeline/build.ts'
import { build } from '../../pipeline/index.ts'
import { checkTaskName } from '../../pipeline/task-names.ts'
import { freshDir, goldpan } from '../cli.ts'

const dir = freshDir('task')
const config = join(dir, 'c.yaml')
const store = join(dir, 'store')
const planIn = (at: string): string => join(at, 'plans', readdirSync(join(at, 'plans'))[0])

beforeAll(async () => {
  const rows = [1, 2, 3].map(i => JSON.stringify({ prompt: `What is ${i}?`, chosen: `It is ${i}.`, rejected: 'No idea.' }))
  writeFileSync(join(dir, 'a.jsonl'), `${rows.join('\n')}\n`)
  writeFileSync(config, 'name: t\nsources: [{ path: a.jsonl }]\nsteps: [structure, exact-dedup]\n')
  await build(config, { out: join(dir, 'out'), store, threads: 0 })
})

it.each<[string, string]>([
  ['ingest/1', 'there is no 1 among 1'],
  ['ingest/01', 'no such task; known: cut, ingest'],
  ['ingest/', 'no such task; known: cut, ingest'],
  ['constructor', 'no such task; known: cut, ingest'],
  ['measure/9', 'there is no 9 among 1'],
  ['pass/0', 'pass takes 2 numbers, got 1'],
  ['pass/9/0', 'there is no 9 among 2'],
  ['observe/0/0/0', 'there is no 0 among 0'],
  ['reduce/1/0/9999', 'there is no 9999 among'],
  ['combine/99/0', 'there is no 99 among 2'],
  ['settle', 'settle takes 1 numbers, got 0'],
  ['arrange/0', 'arrange takes 0 numbers, got 1'],
  ['publish/0/7', 'there is no 7 among 1'],
])('refuses %s', async (task, message) => {
  const opened = await Build.open(planIn(store), store)
  expect(() => checkTaskName(opened, task)).toThrow(`task ${task}: ${message}`)
})

it('ends with 2 for a name that is none, with 3 for a task that comes too early, with 0 for one that is done', () => {
  const early = join(dir, 'early')
  expect(goldpan(['plan', config, '--store', early, '--write']).code).toBe(0)
  const run = (task: string, at: string) => goldpan(['task', planIn(at), task, '--store', at])
  expect(run('ingest/7', early)).toMatchObject({
    code: 2,
    stderr: 'goldpan: task ingest/7: there is no 7 among 1 (number 1 of its name, counted from 0)\n',
  })
  expect(run('pass/0/0', early)).toMatchObject({ code: 3, stderr: expect.stringContaining('run its ingest task first') })
  expect(run('publish/0/0', early)).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('run the tasks of the phases before it first'),
  })
  expect(run('settle/0', store).code).toBe(0)
})

it('throws out what is damaged, so that the advice it gives works', () => {
  const at = join(dir, 'damaged')
  expect(goldpan(['plan', config, '--store', at, '--write']).code).toBe(0)
  const run = (task: string) => goldpan(['task', planIn(at), task, '--store', at])
  expect(run('ingest/0').code).toBe(0)
  const objects = join(at, 'objects')
  const files = readdirSync(objects, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  for (const { parentPath, name } of files) {
    const path = join(parentPath, name)
    const bytes = readFileSync(path)
    bytes[Math.floor(statSync(path).size / 3)] ^= 1
    writeFileSync(path, bytes)
  }
  let said = run('measure/0')
  expect(said.code).toBe(3)
  for (let i = 0; i < files.length && said.code !== 0; i++) {
    expect(run('ingest/0').code).toBe(0)
    said = run('measure/0')
  }
  expect(said).toMatchObject({ code: 0, stdout: 'measure/0: 3 rows\n' })
})
