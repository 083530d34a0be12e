import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeFolder } from '../pipeline/make-folder.ts'
import { freshDir } from './cli.ts'

describe('a folder', () => {
  it('is made with those above it, and may be there already', () => {
    const path = join(freshDir('make-folder'), 'a', 'b', 'c')
    makeFolder(path)
    makeFolder(path)
    expect(existsSync(path)).toBe(true)
  })

  it('is not made below a file, or in its place', () => {
    const file = join(freshDir('make-folder'), 'file')
    writeFileSync(file, '')
    expect(() => makeFolder(file)).toThrow('EEXIST')
    expect(() => makeFolder(join(file, 'a'))).toThrow(/EEXIST|ENOTDIR/)
  })

  it.skipIf(!existsSync('/proc/self'))('is refused where the file system takes none', () => {
    expect(() => makeFolder('/proc/goldpan/out')).toThrow('/proc/goldpan: no folder can be made here; choose another one')
  })
})
