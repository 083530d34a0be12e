/** SHA256SUMS of a finished build, as `sha256sum -c` reads it: every file of the build, those included that the manifest does not speak of. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Manifest } from './manifest.ts'

export const SEAL = 'SHA256SUMS'
/** Says that checks of `expect` failed, and which. */
export const UNPUBLISHED = 'UNPUBLISHED'
/** Files beside the tables, where they are there. */
const BESIDE = ['LICENSES.md', 'README.md', UNPUBLISHED, 'croissant.json', 'manifest.json', 'report.html', 'report.json', 'run.json']

/** Digests by path: of the tables' files as the manifest has them, of the others as they are now. */
export function sealed(dir: string, { outputs }: Manifest): Map<string, string> {
  const beside = BESIDE.filter(path => existsSync(join(dir, path))).map(path => {
    const digest = createHash('sha256')
      .update(readFileSync(join(dir, path)))
      .digest('hex')
    return [path, digest] as const
  })
  const all = [...outputs.map(({ path, sha256 }) => [path, sha256] as const), ...beside]
  return new Map(all.sort(([a], [b]) => (a < b ? -1 : 1)))
}

export const sealText = (digests: ReadonlyMap<string, string>): string =>
  [...digests].map(([path, digest]) => `${digest}  ${path}\n`).join('')

/** To be called by whoever has written a file beside the tables of a finished build. */
export function seal(dir: string): void {
  const manifest = JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8')) as Manifest
  const file = join(dir, SEAL)
  writeFileSync(`${file}.new`, sealText(sealed(dir, manifest)))
  renameSync(`${file}.new`, file)
}
