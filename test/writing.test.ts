/** Two runs at one output folder: one writes it, the other is told. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { UserError } from '../pipeline/errors.ts'
import { checkOut } from '../pipeline/install.ts'
import { WRITING, whileWriting } from '../pipeline/writing.ts'
import { freshDir } from './cli.ts'

const dir = freshDir('writing')
const marked = (name: string, pid: number): string => {
  const out = join(dir, name)
  mkdirSync(out)
  writeFileSync(join(out, WRITING), JSON.stringify({ what: 'goldpan run', pid, host: hostname() }))
  return out
}

let other: ChildProcess
beforeAll(() => {
  other = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'])
})
afterAll(() => {
  other.kill('SIGKILL')
})

it('refuses a folder that a living process writes, in one line, and leaves it', async () => {
  const out = marked('living', other.pid!)
  const before = readFileSync(join(out, WRITING), 'utf8')
  await expect(whileWriting(out, async () => 1)).rejects.toThrow(new RegExp(`process ${other.pid} on .* writes this folder; wait`))
  expect(readFileSync(join(out, WRITING), 'utf8')).toBe(before)
})

it('passes over the mark of a process that was killed, or had the number of this one', async () => {
  const ended = spawn(process.execPath, ['-e', ''])
  await new Promise(resolve => ended.once('exit', resolve))
  for (const [name, pid] of [
    ['killed', ended.pid!],
    ['reused', process.pid],
  ] as const) {
    const out = marked(name, pid)
    expect(() => checkOut(out)).not.toThrow()
    expect(await whileWriting(out, async () => readdirSync(out))).toEqual([WRITING])
    expect(readdirSync(out)).toEqual([])
  }
})

it('refuses a second build of the same process, and frees the folder after an error', async () => {
  const out = join(dir, 'twice')
  const nested = whileWriting(out, () => whileWriting(join(out, '..', 'twice'), async () => 1))
  await expect(nested).rejects.toThrow(UserError)
  expect(existsSync(out)).toBe(false)
  expect(await whileWriting(out, async () => 2)).toBe(2)
})
