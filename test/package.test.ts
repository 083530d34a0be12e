/** What `npm pack` makes, installed in an empty folder, is a working goldpan. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { freshDir, ROOT } from './cli.ts'

const run = (command: string, args: readonly string[], cwd: string): string => {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
  })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
  return stdout
}

const OWN = `import { defineStage, z } from 'goldpan'
export default defineStage({ name: 'mine', doc: 'Lets every pair stay.', version: 1, params: z.strictObject({}), reads: {}, adds: {}, judge: () => () => ({}) })
`

it('installs from its tarball and builds the quickstart', () => {
  const dir = freshDir('package')
  run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', dir], ROOT)
  const tarball = readdirSync(dir).find(file => file.endsWith('.tgz'))!
  writeFileSync(join(dir, 'package.json'), '{ "private": true }')
  const packed = run('tar', ['-tzf', tarball], dir).trim().split('\n')
  // Neither sources, tests nor maps; of data/ only what the quickstart reads.
  const odd = packed.filter(file => /(^|\/)(tests?|node_modules)\/|\.map$|\.test\.|(?<!\.d)\.ts$/.test(file))
  expect(odd).toEqual([])
  expect(statSync(join(dir, tarball)).size).toBeLessThan(2 ** 21)
  run('npm', ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`], dir)
  const goldpan = join(dir, 'node_modules/.bin/goldpan')
  expect(run(goldpan, ['--version'], dir)).toMatch(/^\d+\.\d+\.\d+\n$/)
  const installed = join(dir, 'node_modules/goldpan')
  expect(readdirSync(installed).sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'configs', 'data', 'dist', 'package.json'])
  expect(run(goldpan, ['run', join(installed, 'configs/quickstart.yaml'), '--out', 'out', '--threads', '1'], dir)).toContain('out/train')
  expect(existsSync(join(dir, 'out/manifest.json'))).toBe(true)
  // A stage of one's own needs esbuild's binary, which no script has fetched.
  writeFileSync(join(dir, 'mine.ts'), OWN)
  expect(run(goldpan, ['stages', 'mine.ts'], dir)).toContain('mine (version 1)')
}, 300_000)

it('answers to npx from the checkout', () => {
  expect(run('npx', ['--no-install', 'goldpan', '--help'], ROOT)).toContain('Usage: goldpan')
}, 60_000)
