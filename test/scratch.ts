/** Loaded before every test file: what it and the processes it starts leave in the folder for temporary files is gone when its tests are done. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const shared = tmpdir()
const folder = mkdtempSync(join(shared, 'goldpan-test-'))
process.env.TMPDIR = folder
/** For what is worth keeping, such as an unpacked browser. */
process.env.SHARED_TMPDIR = shared

afterAll(() => {
  process.env.TMPDIR = shared
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
})
