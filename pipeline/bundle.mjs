/**
 * Puts each program of dist/ (the command line, the library, worker threads, child processes) with all it imports into a few files: 200 files are read and
 * linked in .9 CPU s, theirs in .4, and every worker pays it again. Native packages and those loaded on demand stay outside.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')
const out = join(root, 'dist/pipeline')
const programs = ['cli.js', 'index.js', 'worker.js', 'synth/part.js', 'scorers/onnx-child.js', 'codecs/parquet-child.js']
const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
/** Plain JavaScript that every run loads. */
const inside = ['@duckdb/node-api', 'apache-arrow', 'cli-progress', 'commander', 'fastest-levenshtein', 'hash-wasm', 'tinyglobby', 'yaml', 'zod']
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
