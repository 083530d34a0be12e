/** What `npm pack` makes, installed in an empty folder, is a working goldpan. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseDocument, type YAMLMap, type YAMLSeq } from 'yaml'
import { CLI, freshDir, ROOT } from './cli.ts'

const run = (command: string, args: readonly string[], cwd: string): string => {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
  })
  // Flags that an engine does not know are told on stderr, and change nothing else.
  if (status !== 0 || /unrecognized/.test(stderr)) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
  return stdout
}

const OWN = `import { defineStage, z } from 'goldpan'
export default defineStage({ name: 'mine', doc: 'Lets every pair stay.', version: 1, params: z.strictObject({}), reads: {}, adds: {}, judge: () => () => ({}) })
`

const dir = freshDir('package')
const installed = join(dir, 'node_modules/goldpan')
const bin = join(installed, 'dist/pipeline/cli.js')
/** The oldest that package.json allows, and the lines that are looked after. */
const VERSIONS = ['20.19.6', '22.23.3', '24.21.0']
const binary = `node-${process.platform}-${process.arch}`

let packed: string[]
let size: number

beforeAll(() => {
  run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', dir], ROOT)
  const tarball = readdirSync(dir).find(file => file.endsWith('.tgz'))!
  size = statSync(join(dir, tarball)).size
  packed = run('tar', ['-tzf', tarball], dir)
    .trim()
    .split('\n')
    .map(file => file.replace(/^package\//, ''))
  writeFileSync(join(dir, 'package.json'), '{ "private": true }')
  const nodes = VERSIONS.map(version => `node-${version}@npm:${binary}@${version}`)
  run('npm', ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`, ...nodes], dir)
}, 300_000)

describe('the package', () => {
  it('holds what runs, its types, the quickstart, and nothing that nobody loads', () => {
    const kinds: readonly RegExp[] = [
      /^(CHANGELOG|README)\.md$|^docs\/[a-z-]+\.md$|^LICENSE$|^package\.json$|^dist\/LICENSES-bundled\.txt$/,
      /^configs\/[\w-]+\.yaml$|^data\//,
      /^dist\/pipeline\/(?:(?:cli|index|worker|chunk-\w+|codecs\/parquet-child|scorers\/onnx-child|synth\/part)\.js|kernels\/wasm\/\w+\.wasm|review\/page\/.+)$/,
      /^dist\/types\/.+\.d\.ts$/,
    ]
    expect(packed.filter(file => !kinds.some(kind => kind.test(file)))).toEqual([])
    expect(packed.length).toBeLessThan(200)
    expect(size).toBeLessThan(1.5 * 2 ** 20)
    // Every module is named by another one or started by name; what a declaration needs is there.
    const texts = packed
      .filter(file => /^dist\/.*(?:\.js|\.d\.ts)$/.test(file))
      .map(file => [file, readFileSync(join(installed, file), 'utf8')] as const)
    const orphans = packed.filter(
      file => /chunk-/.test(file) && !texts.some(([, text]) => text.includes(file.slice(file.indexOf('chunk-')))),
    )
    expect(orphans).toEqual([])
    for (const [file, text] of texts.filter(([name]) => name.endsWith('.d.ts')))
      for (const [, to] of text.matchAll(/from '(\.[^']+)\.[jt]s'/g)) expect(packed, file).toContain(join(dirname(file), `${to}.d.ts`))
  })

  it("answers, and loads a stage of one's own", () => {
    const goldpan = join(dir, 'node_modules/.bin/goldpan')
    expect(run(goldpan, ['--version'], dir)).toMatch(/^\d+\.\d+\.\d+\n$/)
    // It needs esbuild's binary, which no script has fetched.
    writeFileSync(join(dir, 'mine.ts'), OWN)
    expect(run(goldpan, ['stages', 'mine.ts'], dir)).toContain('mine (version 1)')
    expect(run('npx', ['--no-install', 'goldpan', '--help'], dir)).toContain('Usage: goldpan')
  })
})

/** Every step of the quickstart over two of its sources; the whole of it is built from the checkout by quickstart.test.ts. */
function smallQuickstart(): string {
  const config = parseDocument(readFileSync(join(installed, 'configs/quickstart.yaml'), 'utf8'))
  const { items } = config.get('sources') as YAMLSeq<YAMLMap>
  config.set(
    'sources',
    items.filter(source => /ask|duel/.test(String(source.get('path')))),
  )
  config.delete('expect')
  const file = join(installed, 'configs/small.yaml')
  writeFileSync(file, String(config))
  return file
}

describe('the steps of the quickstart from the package, without any install script', () => {
  const manifests = new Map<string, string>()
  let small: string
  beforeAll(() => {
    small = smallQuickstart()
  })
  const build = (node: string, cli: string, out: string, threads: number): string =>
    run(node, [cli, 'run', small, '--out', out, '--store', `${out}-store`, '--threads', String(threads), '--progress', 'none'], dir)

  it.each(VERSIONS)('build on Node %s, in a worker thread', version => {
    const node = join(dir, `node_modules/node-${version}/bin/node`)
    expect(run(node, ['--version'], dir).trim()).toBe(`v${version}`)
    const out = `out-${version}`
    expect(build(node, bin, out, 1)).toContain(`${out}/train`)
    manifests.set(version, readFileSync(join(dir, out, 'manifest.json'), 'utf8'))
    expect(JSON.parse(readFileSync(join(dir, out, 'run.json'), 'utf8')).host.node).toBe(`v${version}`)
  })

  it('give the build of the checkout', () => {
    build(process.execPath, CLI, 'out-here', 0)
    const here = readFileSync(join(dir, 'out-here/manifest.json'), 'utf8')
    for (const [version, manifest] of manifests) expect(manifest, version).toBe(here)
    expect(manifests.size).toBe(VERSIONS.length)
  })

  it('find all that the whole quickstart reads', () => {
    expect(run(process.execPath, [bin, 'plan', join(installed, 'configs/quickstart.yaml')], dir)).toContain('duel.arena.jsonl')
  })
})

it('answers to npx from the checkout', () => {
  expect(run('npx', ['--no-install', 'goldpan', '--version'], ROOT)).toMatch(/^\d+\.\d+\.\d+\n$/)
}, 60_000)
