/**
 * Puts each program of dist/ (the command line, the library, worker threads, child processes) with all it imports into a few files: 200 files are read and
 * linked in .9 CPU s, theirs in .4, and every worker pays it again. Native packages and those loaded on demand stay outside.
 */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')
const out = join(root, 'dist/pipeline')
const programs = ['cli.js', 'index.js', 'worker.js', 'synth/part.js', 'scorers/onnx-child.js', 'codecs/parquet-child.js']
const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
/** Plain JavaScript that every run loads. */
const inside = ['@duckdb/node-api', '@observablehq/plot', 'apache-arrow', 'cli-progress', 'commander', 'fastest-levenshtein', 'hash-wasm', 'linkedom', 'picomatch', 'yaml', 'zod']
const external = Object.keys({ ...dependencies, ...optionalDependencies }).filter(name => !inside.includes(name))

for (const name of readdirSync(out)) if (name.startsWith('chunk-')) rmSync(join(out, name))
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: programs.map(name => `dist/pipeline/${name}`),
  outdir: out,
  outbase: 'dist/pipeline',
  chunkNames: 'chunk-[hash]',
  allowOverwrite: true,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: [...external, '@duckdb/node-bindings'],
  banner: { js: "import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);" },
  metafile: true,
  logLevel: 'warning',
})
writeFileSync(join(root, 'dist/LICENSES-bundled.txt'), licences(Object.keys(metafile.inputs)))
rmSync(join(root, 'dist/types'), { recursive: true, force: true })
for (const file of declarations('pipeline/index.d.ts')) cpSync(join(root, 'dist', file), join(root, 'dist/types', file))

/** The type declarations that those of the library need, with them: the others are nobody's. Paths from dist/. */
function declarations(file, found = new Set()) {
  if (found.has(file)) return found
  found.add(file)
  const text = readFileSync(join(root, 'dist', file), 'utf8')
  for (const [, to] of text.matchAll(/(?:from|import)\s*\(?['"](\.[^'"]+)\.[jt]s['"]/g)) declarations(join(dirname(file), `${to}.d.ts`), found)
  return found
}

/** The licence of every package that went in. */
function licences(inputs) {
  const packages = new Set(inputs.flatMap(path => /.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []))
  return [...packages].sort().map(folder => `${folder.slice(folder.lastIndexOf('node_modules/') + 13)}\n\n${licenceIn(join(root, folder))}`).join('\n\n')
}

function licenceIn(folder) {
  const file = readdirSync(folder).find(name => /^licen[cs]e/i.test(name))
  if (file && existsSync(join(folder, file))) return readFileSync(join(folder, file), 'utf8')
  return `${JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).license}\n`
}
