/**
 * Stages from a user's file. The file and all it imports become one module, whose digest is in the key and whose code is in the plan: a worker
 * elsewhere needs nothing but the store.
 */
import { basename, dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { stages } from '../stages/index.ts'
import type { LoadedConfig } from './config.ts'
import { UserError } from './errors.ts'
import { filesOf } from './files.ts'
import { digestOfText } from './keys.ts'
import { fromOutside } from './laws/outside.ts'
import type { Own } from './own-columns.ts'
import type { Stage } from './stage.ts'
import { compiled } from './version.ts'

/** A user's module as one text, which imports `goldpan` and what Node has, and nothing else. */
export interface OwnModule extends Own {
  readonly code: string
}

/** Stages of modules loaded in this process; named by digest, so that builds of one process never mix theirs up. */
const loaded = new Map<string, ReadonlyMap<string, Stage>>()

/** The code of a step, undefined where no stage has that name or its module is not loaded. */
export const stageOf = ({ stage, own }: { readonly stage: string; readonly own?: Own }): Stage | undefined =>
  own ? loaded.get(own.sha256)?.get(stage) : stages.get(stage)

/** A stage with the file that it came from, where it is the user's. */
export interface KnownStage {
  readonly stage: Stage
  readonly own?: Own
}

/** Every stage that a config may name, and the modules of its own ones. */
export async function stagesOf(config: LoadedConfig): Promise<{ known: ReadonlyMap<string, KnownStage>; modules: OwnModule[] }> {
  const known = new Map<string, KnownStage>([...stages].map(([name, stage]) => [name, { stage }]))
  const modules: OwnModule[] = []
  for (const [i, named] of (config.config.stages ?? []).entries()) {
    const where = config.at(['stages', i])
    for (const file of filesOf(named, dirname(config.path), where)) {
      const module = await moduleOf(file.path, file.shown, where)
      modules.push(module)
      for (const stage of (await load(module, where)).values()) {
        const before = known.get(stage.name)
        if (before)
          throw new UserError(
            `${where}: ${file.shown}: stage "${stage.name}" ${before.own ? `is also in ${before.own.path}` : 'is one of goldpan'}; give it another name`,
          )
        known.set(stage.name, { stage, own: { path: module.path, sha256: module.sha256 } })
      }
    }
  }
  return { known, modules }
}

/** The stages of a file that is named on the command line. */
export async function stagesIn(path: string): Promise<readonly Stage[]> {
  const [file] = filesOf(path, '.', 'stages')
  return [...(await load(await moduleOf(file.path, file.shown, 'stages'), 'stages')).values()]
}

/** Loads what a plan brings with it. */
export async function loadModules(modules: readonly OwnModule[] = []): Promise<void> {
  for (const module of modules) await load(module, 'plan')
}

/** One module of a file and its imports, TypeScript or JavaScript. */
async function moduleOf(path: string, shown: string, where: string): Promise<OwnModule> {
  if (!/\.[mc]?[jt]s$/.test(path)) throw new UserError(`${where}: ${shown}: expected a file ending in .ts or .js`)
  const { build } = await import('esbuild')
  const made = await build({
    entryPoints: [basename(path)],
    absWorkingDir: dirname(path),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['goldpan'],
    charset: 'utf8',
    // A tsconfig.json nearby would make other code of the same file.
    tsconfigRaw: '{}',
    write: false,
    logLevel: 'silent',
  }).catch((error: { errors?: { text: string; location: { file: string; line: number } | null }[] }) => {
    const [first] = error.errors ?? []
    if (!first) throw error
    const at = first.location ? `${first.location.file}:${first.location.line}: ` : ''
    throw new UserError(`${where}: ${shown}: ${at}${first.text}${/resolve "zod"/.test(first.text) ? "; import { z } from 'goldpan'" : ''}`)
  })
  const code = made.outputFiles[0].text
  return { path: shown, sha256: digestOfText(code), code }
}

async function load({ path, sha256, code }: OwnModule, where: string): Promise<ReadonlyMap<string, Stage>> {
  const before = loaded.get(sha256)
  if (before) return before
  const goldpan = JSON.stringify(pathToFileURL(compiled('index.js')).href)
  const text = code.replace(/(\bfrom|^import) "goldpan";$/gm, (_, word: string) => `${word} ${goldpan};`)
  let exported: Record<string, unknown>
  try {
    exported = await import(`data:text/javascript,${encodeURIComponent(`${text}\n//# sourceURL=${encodeURI(path)}`)}`)
  } catch (error) {
    throw new UserError(`${where}: ${path}: cannot be loaded: ${(error as Error).message.split('\n')[0]}`)
  }
  const own = new Map<string, Stage>()
  for (const stage of new Set(stagesAmong(exported, path, where))) own.set(stage.name, fromOutside(stage, path))
  if (own.size === 0) throw new UserError(`${where}: ${path}: exports no stage; write \`export default defineStage({ ... })\``)
  loaded.set(sha256, own)
  return own
}

const callable = z.custom(value => typeof value === 'function', 'expected a function')
const declared = z.custom(
  value => typeof value === 'function' || (typeof value === 'object' && value !== null),
  'expected columns {name: type}, or a function that gives them',
)
const shape = z.looseObject({
  name: z.string().regex(/^[a-z][a-z0-9-]*$/, 'expected small letters, digits and "-"'),
  doc: z.string().min(1),
  version: z.int().min(1),
  params: z.custom(
    value => typeof (value as { safeParse?: unknown } | undefined)?.safeParse === 'function',
    'expected z.strictObject({ ... })',
  ),
  reads: declared,
  adds: declared,
  reasons: callable.optional(),
  measures: callable.optional(),
  files: callable.optional(),
  rounds: z.array(z.looseObject({ observe: callable, reduce: callable, combine: callable, partitions: callable })).optional(),
  judge: callable,
})

/** All exports that have a `judge`, of which each must be a whole stage. */
function stagesAmong(exported: Readonly<Record<string, unknown>>, path: string, where: string): Stage[] {
  const found: Stage[] = []
  for (const [name, value] of Object.entries(exported)) {
    const named = name === 'default' || name === 'stage'
    if (typeof value !== 'object' || value === null || !(named || 'judge' in value)) continue
    const issue = shape.safeParse(value).error?.issues[0]
    if (issue)
      throw new UserError(`${where}: ${path}: export ${name}: ${issue.path.join('.')}: ${issue.message}; a stage is made by defineStage`)
    found.push(value as Stage)
  }
  return found
}
