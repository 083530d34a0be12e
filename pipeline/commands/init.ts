import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import type { Command } from 'commander'
import { loadConfig } from '../config.ts'
import { UserError } from '../errors.ts'
import { filesOf } from '../files.ts'
import { alike } from '../init/alike.ts'
import { configText, describeSize, type Found, languagesText } from '../init/config-text.ts'
import { lookAt } from '../init/look.ts'
import { shellWord } from '../report/next.ts'
import { tableOf } from '../report/table.ts'

interface Flags {
  readonly out: string
  readonly name?: string
  readonly json?: boolean
}

export const register = (program: Command): void => {
  program
    .command('init')
    .description('look at files of preference pairs and benchmarks, and write a commented config that runs as it is')
    .argument('<paths...>', 'files, folders or globs')
    .option('--out <file>', 'config to write; one that is there is never overwritten', 'goldpan.yaml')
    .option('--name <name>', 'name of the build (default: that of the folder)')
    .option('--json', 'print what was seen as JSON')
    .addHelpText('after', '\nExample: goldpan init data/ --out goldpan.yaml && goldpan plan goldpan.yaml')
    .action(async (paths: readonly string[], flags: Flags) => {
      const found = await init(paths, flags)
      if (flags.json)
        console.log(
          JSON.stringify(
            {
              config: flags.out,
              files: found.map(({ named, files, bytes, seen: { path: _, shown: __, ...seen } }) => ({
                ...seen,
                path: named,
                files,
                bytes,
              })),
            },
            null,
            2,
          ),
        )
      else console.log(summary(found, flags.out, process.stdout.isTTY ? process.stdout.columns : undefined))
    })
}

/** Looks, writes the config, and checks that it is one. */
export async function init(paths: readonly string[], { out, name }: Flags): Promise<Found[]> {
  if (existsSync(out))
    throw new UserError(`--out ${out}: is there already and is left as it is; choose another name (--out FILE) or move it away`)
  if (!existsSync(dirname(resolve(out)))) throw new UserError(`--out ${out}: no folder ${dirname(out)}; make it first`)
  const found = await findAll(paths, dirname(resolve(out)))
  const looked = found.map(({ named, seen }) => `${named}: ${seen.unsure[0] ?? seen.role}`)
  if (!found.some(({ seen }) => seen.role === 'source'))
    throw new UserError(`init: no file of preference pairs among ${found.length} files; ${looked.slice(0, 3).join('; ')}`)
  const text = configText(name ?? buildName(paths), found)
  try {
    writeFileSync(out, text, { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') rmSync(out, { force: true })
    throw new UserError(`--out ${out}: cannot be written (${(error as NodeJS.ErrnoException).code})`)
  }
  try {
    loadConfig(out)
  } catch (error) {
    rmSync(out)
    throw error
  }
  return found
}

async function findAll(paths: readonly string[], base: string): Promise<Found[]> {
  const files = new Map(paths.flatMap(path => filesOf(path, process.cwd(), 'init')).map(({ path }) => [path, path]))
  const places = [...files.keys()].filter(path => !inBuild(path))
  if (places.length === 0) throw new UserError(`init: ${paths.join(', ')}: only finished builds of goldpan are there; name raw files`)
  const found: Found[] = []
  for (const group of alike(places)) {
    const named = fromConfig(group.name, base)
    const bytes = group.files.reduce((n, file) => n + statSync(file).size, 0)
    found.push({ named, files: group.files.length, bytes, seen: await lookAt(fromConfig(group.files[0], base), group.files[0]) })
  }
  return found
}

/** A path as the config will name it: relative to it, with forward slashes. */
const fromConfig = (path: string, base: string): string => relative(base, path).split(sep).join('/')

/** A file of an earlier build's output. */
function inBuild(path: string): boolean {
  const manifest = join(dirname(path), '..', 'manifest.json')
  const card = join(dirname(path), 'manifest.json')
  return [manifest, card].some(file => existsSync(file) && readFileSync(file, 'utf8').includes('"goldpan"'))
}

function buildName(paths: readonly string[]): string {
  const [first] = paths
  const folder = existsSync(first) && statSync(first).isDirectory() ? resolve(first) : dirname(resolve(first))
  return (
    basename(folder)
      .replace(/[^\w.-]+/g, '-')
      .replace(/^-+|-+$/g, '') || 'build'
  )
}

/** What was found, what was not certain, and what to do next. */
export function summary(found: readonly Found[], out: string, width?: number): string {
  const rows = found.map(({ named, files, bytes, seen }) => [
    named,
    seen.role === 'source' ? seen.pairs!.format : seen.role,
    describeSize(seen, files, bytes),
    seen.pairs ? languagesText(seen.pairs).join('') : '',
  ])
  const unsure = found.flatMap(({ named, seen }) =>
    seen.unsure.length > 0 ? [`  ${named}`, ...seen.unsure.map(text => `    ? ${text}`)] : [],
  )
  return [
    tableOf(['file', 'what', 'size', 'languages'], rows, { width }),
    ...(unsure.length > 0 ? [['not certain (marked with "?" in the config):', ...unsure].join('\n')] : []),
    [
      `config: ${out}`,
      `next:   goldpan plan ${shellWord(out)}`,
      `        goldpan run ${shellWord(out)} --out ${shellWord(`out/${basename(out).replace(/\.[^.]*$/, '')}`)}`,
    ].join('\n'),
  ].join('\n\n')
}
