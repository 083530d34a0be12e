/** The config of a finished build run again elsewhere: whether the same bytes come out, and what differs where they do not. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { causesOf, madeOfManifest } from '../causes.ts'
import { loadConfig } from '../config.ts'
import { pathError, UserError } from '../errors.ts'
import { openFinished } from '../finished.ts'
import { canonicalJson, type Manifest } from '../manifest.ts'
import { planOf } from '../plan.ts'
import { openProgress } from '../progress.ts'
import { runBuild } from '../run.ts'
import type { Check } from './accounts.ts'

export interface RebuildOptions {
  /** Default: the one that run.json names. */
  readonly config?: string
  /** Where to build; removed afterwards. */
  readonly scratch?: string
  readonly threads?: number
}

/** Runs with a store of its own, so that nothing of the first build is used. */
export async function rebuild(
  dir: string,
  { config, scratch = tmpdir(), threads = availableParallelism() }: RebuildOptions,
): Promise<Check> {
  const { manifest, text } = openFinished(dir)
  const made = config === undefined ? madeBy(dir) : { config, set: madeBy(dir, false).set }
  const folder = folderIn(scratch)
  try {
    const again = await runBuild(await planOf(loadConfig(made.config, made.set)), {
      out: join(folder, 'out'),
      store: join(folder, 'store'),
      threads,
      memory_bytes: 4 * 2 ** 30,
      progress: openProgress('none', false),
    })
    const wrong = canonicalJson(again.manifest) === text ? [] : differences(manifest, again.manifest)
    return {
      name: 'rebuild',
      seen: `${made.config} run again gives the same manifest, so the same ${manifest.outputs.length} files`,
      wrong,
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function folderIn(scratch: string): string {
  try {
    return mkdtempSync(join(scratch, 'goldpan-rebuild-'))
  } catch (error) {
    throw new UserError(`verify --rebuild: ${(pathError(error) as Error).message}; name a folder to build in with --scratch`)
  }
}

function madeBy(dir: string, needed = true): { config: string; set: readonly string[] } {
  const file = join(dir, 'run.json')
  const { config = '', set = [] } = (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}) as {
    config?: string
    set?: readonly string[]
  }
  if (needed && !existsSync(config))
    throw new UserError(`${file}: names no config that is still there${config === '' ? '' : ` (${config})`}; say which with --config FILE`)
  return { config, set }
}

/** What goes into the two builds, then what comes out of them, then whatever else the manifests say. */
function differences(before: Manifest, after: Manifest): string[] {
  const causes = causesOf(madeOfManifest(before), madeOfManifest(after)).map(
    ({ what, from = 'not set', to = 'not set' }) => `${what}: ${from} then, ${to} now`,
  )
  const files = new Map(after.outputs.map(output => [output.path, output]))
  const outputs = before.outputs.flatMap(({ path, rows, sha256 }) => {
    const now = files.get(path)
    files.delete(path)
    if (!now) return [`${path}: is not made now`]
    return now.sha256 === sha256 ? [] : [`${path}: other bytes, ${rows} rows then, ${now.rows} now`]
  })
  const more = [...files.keys()].map(path => `${path}: was not made then`)
  const found = [...causes, ...outputs, ...more]
  return found.length > 0 ? found : keysThatDiffer(before, after)
}

const keysThatDiffer = (before: Manifest, after: Manifest): string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter(key => canonicalJson(before[key as keyof Manifest] ?? null) !== canonicalJson(after[key as keyof Manifest] ?? null))
    .map(key => `manifest.json: ${key} differs`)
