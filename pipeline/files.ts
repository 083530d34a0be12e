/** From what a config names to files: variables, globs, folders, and how each file is shown in tables. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { LoadedConfig } from './config.ts'
import { UserError } from './errors.ts'
import { isWithin } from './make-folder.ts'
import { filesBelow, filesMatching } from './walk.ts'

/** A file of the config: `shown` is its path as the config names it, the same on every machine. */
export interface NamedFile {
  readonly shown: string
  readonly path: string
}

const READABLE = /\.(jsonl|ndjson|json|parquet|arrow|arrows|feather|ipc)(\.(gz|zst))?$/i

/** `${VAR}` and `${VAR:-default}` filled from the environment. */
function filled(text: string, where: string): string {
  return text.replace(/\$\{(\w+)(?::-([^}]*))?\}/g, (_, name: string, fallback: string | undefined) => {
    const value = process.env[name] ?? fallback
    if (value === undefined) throw new UserError(`${where}: \${${name}}: this environment variable is not set`)
    return value
  })
}

/** The files that a path, glob or folder names, sorted. `where` is the place in the config, for complaints; a glob must match `least` files. */
export function filesOf(named: string, base: string, where: string, least = 1): NamedFile[] {
  const path = resolve(base, filled(named, where))
  if (existsSync(path)) {
    const found = statSync(path)
    if (found.isDirectory()) return folder(named, path, where)
    // A pipe gives its bytes once, and a device may never end.
    if (!found.isFile()) throw new UserError(`${where}: ${named}: is no file but a pipe, socket or device; write what it gives into a file`)
    return [{ shown: named, path }]
  }
  if (!/[*?{[]/.test(named.replace(/\$\{[^}]*\}/g, '')))
    throw new UserError(`${where}: ${named}: no such file or folder (looked for ${path})`)
  return globbed(named, base, where, least)
}

function folder(named: string, path: string, where: string): NamedFile[] {
  const inside = filesBelow(path, { wants: file => READABLE.test(file), enters: () => true, where: `${where}: ${named}` })
  if (inside.length === 0)
    throw new UserError(`${where}: ${named}: the folder holds no .jsonl, .json, .parquet or .arrow file (also .gz, .zst)`)
  return inside.map(file => ({ shown: `${named.replace(/\/+$/, '')}/${file}`, path: join(path, file) }))
}

function globbed(named: string, base: string, where: string, least: number): NamedFile[] {
  const { fixed, rest } = splitGlob(named)
  const root = resolve(base, filled(fixed, where))
  const files = existsSync(root) ? filesMatching(root, rest, `${where}: ${named}`) : []
  if (files.length < least) throw new UserError(`${where}: ${named}: no file matches (looked in ${root})`)
  return files.map(file => ({ shown: `${fixed}${file}`, path: join(root, file) }))
}

/** The part of a glob before the first wildcard's path segment, and the rest. */
function splitGlob(named: string): { fixed: string; rest: string } {
  const masked = named.replace(/\$\{[^}]*\}/g, m => 'x'.repeat(m.length))
  const cut = masked.slice(0, masked.search(/[*?{[]/)).lastIndexOf('/') + 1
  return { fixed: named.slice(0, cut), rest: named.slice(cut) }
}

/** Refuses an output folder that a source's glob or folder would read from in the next build. */
export function refuseOwnOutput(out: string, { path, config, at }: LoadedConfig): void {
  const base = dirname(resolve(path))
  for (const [i, source] of config.sources.entries()) {
    const where = at(['sources', i, 'path'])
    const root = readsBelow(source.path, base, where)
    if (root !== undefined && isWithin(root, resolve(out)))
      throw new UserError(
        `${where}: --out ${out} lies inside this source, so the next build would read its own output; choose another folder`,
      )
  }
}

/** The folder below which a source reads whatever comes to lie there; undefined for a single file or a glob over one folder. */
function readsBelow(named: string, base: string, where: string): string | undefined {
  const path = resolve(base, filled(named, where))
  if (existsSync(path)) return statSync(path).isDirectory() ? path : undefined
  const { fixed, rest } = splitGlob(named)
  return rest.includes('/') || rest.includes('**') ? resolve(base, filled(fixed, where)) : undefined
}

/** A reward model's folder and its files; `shown` is the name inside the folder. */
export function modelFiles(named: string, base: string, where: string): { folder: string; files: NamedFile[] } {
  const folder = resolve(base, filled(named, where))
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new UserError(`${where}: ${named}: no such model folder (looked for ${folder})`)
  const files = filesBelow(folder, { wants: () => true, enters: () => true, where: `${where}: ${named}` })
  if (!files.some(file => file.endsWith('.onnx')))
    throw new UserError(
      `${where}: ${named}: the folder holds no .onnx file (it holds ${readdirSync(folder).slice(0, 8).join(', ') || 'nothing'})`,
    )
  return { folder, files: files.map(file => ({ shown: file, path: join(folder, file) })) }
}

/** The files of a folder that hold a chat template. */
export function templateFiles(named: string, base: string, where: string): { folder: string; files: NamedFile[] } {
  const folder = resolve(base, filled(named, where))
  const files = ['tokenizer_config.json', 'chat_template.jinja', 'chat_template.json'].filter(file => existsSync(join(folder, file)))
  if (files.length === 0) throw new UserError(`${where}: ${named}: no tokenizer_config.json or chat_template.jinja in ${folder}`)
  return { folder, files: files.map(file => ({ shown: file, path: join(folder, file) })) }
}
