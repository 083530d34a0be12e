import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import * as goldpan from '../pipeline/index.ts'
import { freshDir, ROOT } from './cli.ts'

const dir = freshDir('api')
beforeAll(() => {
  mkdirSync(join(dir, 'node_modules'))
  symlinkSync(ROOT, join(dir, 'node_modules/goldpan'))
  const rows = Array.from({ length: 30 }, (_, i) => JSON.stringify({ prompt: `q ${i % 20}`, chosen: `yes ${i % 20}`, rejected: 'no' }))
  writeFileSync(join(dir, 'a.jsonl'), rows.join('\n'))
  writeFileSync(join(dir, 'c.yaml'), 'name: api\nsources: [{ path: a.jsonl }]\nsteps: [structure, exact-dedup]\n')
})

it('plans and builds from a script, and complains as the command line does', () => {
  writeFileSync(join(dir, 'few.yaml'), `${readFileSync(join(dir, 'c.yaml'), 'utf8')}expect: [train.rows >= 21, train.rows >= 20]\n`)
  const script = `
    import { build, ExpectationError, plan, UserError } from 'goldpan'
    const { steps } = await plan('c.yaml', { store: 's' })
    const { totals } = await build('c.yaml', { out: 'o', store: 's', threads: 1, set: ['name=other'] })
    const wrong = await plan('none.yaml').catch(error => error instanceof UserError && error.message)
    const failed = await build('few.yaml', { out: 'few', store: 's', threads: 0 }).catch(error => error instanceof ExpectationError && error.message)
    console.log(JSON.stringify({ steps: steps.map(step => step.id), totals, wrong, failed }))`
  const said = JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: dir, encoding: 'utf8' }))
  expect(said.steps).toEqual(['structure', 'exact-dedup'])
  expect(said.totals).toMatchObject({ pairs_in: 30, train: 20, dropped: 10 })
  expect(said.failed).toBe('1 of 2 expectations failed, so few is marked UNPUBLISHED: train.rows >= 21: it is 20')
  expect(existsSync(join(dir, 'few/UNPUBLISHED'))).toBe(true)
  expect(said.wrong).toMatch(/none\.yaml: no such config file/)
  expect(JSON.parse(readFileSync(join(dir, 'o/manifest.json'), 'utf8')).name).toBe('other')
  expect(existsSync(join(dir, 'o/report.html'))).toBe(true)
})

it('runs the example of docs/api.md, whose table names what there is', () => {
  const page = readFileSync(join(ROOT, 'docs/api.md'), 'utf8')
  const [, example] = /^`build\.mjs`\n\n```js\n([\s\S]*?)^```/m.exec(page)!
  writeFileSync(join(dir, 'build.mjs'), example)
  copyFileSync(join(dir, 'c.yaml'), join(dir, 'my.yaml'))
  const run = () => spawnSync(process.execPath, ['build.mjs'], { cwd: dir, encoding: 'utf8' })
  const { status, stdout, stderr } = run()
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^plan [0-9a-f]{32}: structure, exact-dedup\n20 of 30 pairs are in train, 0 wait for people\n$/)
  writeFileSync(join(dir, 'my.yaml'), 'name: api\nsteps: [structure]\n')
  expect(run()).toMatchObject({ status: 2, stderr: 'my.yaml:1: sources: missing, expected array\n' })
  const named = [...page.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell]) => [...cell.matchAll(/`(\w+)/g)].map(([, name]) => name))
  expect(named).toEqual(['plan', 'build', 'defineStage', 'defineMeasure', 'lawsOf'])
  for (const name of named) expect(typeof (goldpan as Record<string, unknown>)[name], name).toBe('function')
})

it('has types: a wrong option is an error before anything runs', () => {
  const lines = ["import { build, type Manifest } from 'goldpan'", "export const made: Promise<Manifest> = build('c.yaml', { out: 'o' })"]
  writeFileSync(join(dir, 'right.ts'), lines.join('\n'))
  writeFileSync(join(dir, 'wrong.ts'), lines.join('\n').replace("out: 'o'", 'out: 1'))
  const check = (file: string) =>
    spawnSync(
      join(ROOT, 'node_modules/.bin/tsc'),
      [
        '--noEmit',
        '--strict',
        '--skipLibCheck',
        '--module',
        'nodenext',
        '--target',
        'es2023',
        '--types',
        'node',
        '--typeRoots',
        join(ROOT, 'node_modules/@types'),
        file,
      ],
      { cwd: dir, encoding: 'utf8' },
    )
  expect(check('right.ts')).toMatchObject({ status: 0, stdout: '' })
  expect(check('wrong.ts').stdout).toContain("Type 'number' is not assignable to type 'string'")
})
