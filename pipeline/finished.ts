/** A finished build as its readers open it: the folder, and the manifest checked for what they rely on. */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { UserError } from './errors.ts'
import { isWithin, realOf } from './make-folder.ts'
import { type Manifest, type OutputShape, outputOf, outputShape } from './manifest.ts'
import { type TableName, tableNames } from './tables.ts'

export interface Finished {
  /** As the user named it. */
  readonly dir: string
  readonly manifest: Manifest
  /** The bytes of manifest.json as text. */
  readonly text: string
  readonly output: OutputShape
}

const count = z.int().min(0)
const outcomes = { train: count, validation: count, flipped: count, quarantine: count, review: count, dropped: count }
/** No path may lead out of the build. */
const inside = z.string().regex(new RegExp(`^(${tableNames.join('|')})/[\\w-][\\w.-]*$`))

const manifestSchema = z.looseObject({
  goldpan: z.string(),
  format: z.literal(1),
  name: z.string(),
  config: z.looseObject({ output: outputShape }),
  plan_key: z.string(),
  inputs: z.array(
    z.looseObject({ path: z.string(), bytes: count, sha256: z.string(), rows: count, rejected: count, pairs: count, format: z.string() }),
  ),
  sources: z.array(
    z.looseObject({
      source: z.string(),
      pairs_in: count,
      ...outcomes,
      licenses: z.record(z.string(), count),
      languages: z.record(z.string(), count),
    }),
  ),
  steps: z.array(
    z.looseObject({
      id: z.string(),
      stage: z.string(),
      version: z.number(),
      key: z.string(),
      rows_in: count,
      rows_out: count,
      dropped: z.record(z.string(), count),
    }),
  ),
  outputs: z.array(z.looseObject({ path: inside, rows: count, bytes: count, sha256: z.string() })),
  totals: z.looseObject({ pairs_in: count, rejected: count, ...outcomes }),
})

/** Opens `dir`; says in one line what is wrong where it is no finished build. */
export function openFinished(dir: string): Finished {
  const text = readManifest(dir)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new UserError(`${join(dir, 'manifest.json')}: is not JSON; the file is damaged, run the build again`)
  }
  const parsed = manifestSchema.safeParse(json)
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]
    throw new UserError(
      `${join(dir, 'manifest.json')}: ${path.join('.') || 'manifest'}: ${message}; not a manifest that this version of goldpan reads`,
    )
  }
  return { dir, manifest: json as Manifest, text, output: outputOf(json as Manifest) }
}

function readManifest(dir: string): string {
  try {
    return readFileSync(join(dir, 'manifest.json'), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    if (!existsSync(dir)) throw new UserError(`${dir}: no such folder`)
    throw new UserError(
      `${dir}: holds no manifest.json, so it is no finished build; name the folder that \`goldpan run --out\` wrote (a build that was cut off goes on when run again)`,
    )
  }
}

/** Whether flags of contamination were drawn for people: then the ledger and review/ have a column `flag_probability`. */
export const drewFlags = ({ manifest }: Finished): boolean =>
  manifest.steps.some(({ params }) => Number((params as { review_flags?: number } | undefined)?.review_flags ?? 0) > 0)

/** Absolute paths of a table's files; none where the table has no rows. */
export const filesOf = ({ dir, manifest }: Finished, table: TableName): string[] =>
  manifest.outputs.filter(({ path }) => path.startsWith(`${table}/`)).map(({ path }) => resolve(dir, path))

/** Refuses to write at a path in a folder of a build. */
export function refuseInside(folder: string, path: string, what: string): void {
  if (isWithin(realOf(folder), realOf(path)))
    throw new UserError(`${what}: lies inside the build, whose files are those of its manifest; choose another folder`)
}
