import { appendFileSync, mkdtempSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { beforeEach, expect, it } from 'vitest'
import { remembered } from '../pipeline/digests.ts'
import { digestOf } from '../pipeline/keys.ts'
import { Store } from '../pipeline/store.ts'

let dir: string
let store: Store
let path: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'goldpan-digests-'))
  store = new Store(join(dir, 'store'))
  path = join(dir, 'a.jsonl')
  writeFileSync(path, 'first')
})

const notes = (): string[] => {
  try {
    return readdirSync(join(store.root, 'digests'))
  } catch {
    return []
  }
}
const ask = (rehash = false) => remembered(store.root, rehash)({ shown: 'a.jsonl', path })

/** Puts another digest into the note, to see whether it is believed. */
function forge(): string {
  const note = join(store.root, 'digests', notes()[0])
  const forged = 'f'.repeat(64)
  writeFileSync(note, JSON.stringify({ ...JSON.parse(readFileSync(note, 'utf8')), sha256: forged }))
  return forged
}

it('does not remember a file that was changed a moment ago', async () => {
  expect((await ask()).sha256).toBe(await digestOf(path))
  expect(notes()).toEqual([])
})

it('believes what it noted until the file changes in any way, or is to be read again', async () => {
  await wait(2_100)
  const { sha256, bytes } = await ask()
  expect([sha256, bytes]).toEqual([await digestOf(path), 5])
  expect(notes()).toHaveLength(1)
  const forged = forge()
  expect((await ask()).sha256).toBe(forged)
  expect((await ask(true)).sha256).toBe(sha256)
  forge()
  const then = new Date(Date.now() - 60_000)
  writeFileSync(path, 'other')
  utimesSync(path, then, then)
  expect((await ask()).sha256).toBe(await digestOf(path))
  appendFileSync(path, '!')
  expect((await ask()).sha256).toBe(await digestOf(path))
})

it('takes a damaged note for none', async () => {
  await wait(2_100)
  const { sha256 } = await ask()
  writeFileSync(join(store.root, 'digests', notes()[0]), '{"path":')
  expect((await ask()).sha256).toBe(sha256)
})
