import { existsSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { UserError } from '../pipeline/errors.ts'
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
    const link = join(dirname(file), 'link')
    symlinkSync('/nowhere/at/all', link)
    for (const path of [file, join(file, 'a'), link, join(link, 'a')])
      expect(() => makeFolder(path)).toThrow(new UserError(`${path.replace(/\/a$/, '')}: is there, and no folder; choose another one`))
  })

  it.skipIf(!existsSync('/proc/self'))('is refused where the file system takes none', () => {
    expect(() => makeFolder('/proc/goldpan/out')).toThrow('/proc/goldpan: no folder can be made here; choose another one')
  })
})
