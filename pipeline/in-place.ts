/** Whether a folder holds a build already, file for file: then a run of it writes nothing but that it ran. */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { folders } from './arrange.ts'
import { remembered } from './digests.ts'
import { INCOMING, MARKER, REPORTS } from './install.ts'
import { canonicalJson, type Manifest } from './manifest.ts'
import { SEAL, seal, sealed, sealText, UNPUBLISHED } from './seal.ts'

/**
 * Files of tables are taken at the digest that was remembered of them as long as size, times and inode are the same, as inputs are; all
 * others are read. A build that failed its checks is none that stays as it is.
 */
export async function isInPlace(manifest: Manifest, out: string, { store, rehash }: { store: string; rehash: boolean }): Promise<boolean> {
  try {
    if ([MARKER, INCOMING, UNPUBLISHED].some(name => existsSync(join(out, name)))) return false
    if (!REPORTS.every(name => existsSync(join(out, name)))) return false
    if (readFileSync(join(out, 'manifest.json'), 'utf8') !== canonicalJson(manifest)) return false
    if (readFileSync(join(out, SEAL), 'utf8') !== sealText(sealed(out, manifest))) return false
    if (!holdsOnly(manifest, out)) return false
    const digest = remembered(store, rehash)
    for (const { path, sha256 } of manifest.outputs)
      if ((await digest({ shown: path, path: join(out, path) })).sha256 !== sha256) return false
    return true
  } catch {
    return false
  }
}

/** Whether the folders of tables hold the manifest's files and no others. */
function holdsOnly({ outputs }: Manifest, out: string): boolean {
  const there = folders
    .filter(folder => existsSync(join(out, folder)))
    .flatMap(folder => readdirSync(join(out, folder)).map(file => `${folder}/${file}`))
  return there.length === outputs.length && outputs.every(({ path }) => there.includes(path))
}

/** Notes a run that changed nothing. */
export function renewRun(out: string, report: object): void {
  const file = join(out, 'run.json')
  writeFileSync(`${file}.new`, `${JSON.stringify(report, null, 2)}\n`)
  renameSync(`${file}.new`, file)
  seal(out)
}
