/** What a terminal shows: colours, widths, help, completion, the doctor. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, describe, expect, it } from 'vitest'
import { registerCompletion } from '../pipeline/commands/completion.ts'
import { healthText } from '../pipeline/commands/doctor.ts'
import { healthOf, nodeVersion } from '../pipeline/machine.ts'
import { clock, shared } from '../pipeline/progress.ts'
import { bar, funnelOf } from '../pipeline/report/funnel.ts'
import { inkFor, lookOf, NO_INK, PLAIN } from '../pipeline/report/ink.ts'
import { nextText } from '../pipeline/report/next.ts'
import { displayWidth } from '../pipeline/report/table.ts'
import { wrapped } from '../pipeline/report/wrap.ts'
import { reportIn } from '../pipeline/report/write.ts'
import { CLI, freshDir, goldpan, ROOT } from './cli.ts'
import { writeSmallBuild } from './small-build.ts'

const dir = freshDir('terminal')
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('colours and widths', () => {
  it('has colours on a terminal only, and none where NO_COLOR or TERM=dumb say so', () => {
    expect(inkFor({ isTTY: true }, {}).bad('x')).toBe('\u001b[31mx\u001b[39m')
    expect(inkFor({ isTTY: true }, { NO_COLOR: '' }).bad('x')).not.toBe('x')
    for (const [stream, env] of [[{}, {}], [{ isTTY: true }, { NO_COLOR: '1' }], [{ isTTY: true }, { TERM: 'dumb' }]] as const) // biome-ignore format: cases
      expect(inkFor(stream, env).bad('x')).toBe('x')
    expect(lookOf({ columns: 80 }).width).toBe(undefined)
  })

  it.skipIf(!existsSync('/dev/full'))('says where it cannot print all', () => {
    const { status, stderr } = spawnSync('sh', ['-c', `"${process.execPath}" "${CLI}" schema > /dev/full`], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^goldpan: standard output: ENOSPC.*; what was printed is not whole\n$/)])
  })

  it('fits the funnel into the terminal, with bars where there is room', async () => {
    const build = join(dir, 'build')
    mkdirSync(build)
    const manifest = await writeSmallBuild(build)
    const tables = (width: number) => funnelOf(manifest, build, { width, ink: NO_INK }).split('\n\n').slice(1, -1).join('\n').split('\n')
    for (const width of [60, 72, 80, 120]) for (const line of tables(width)) expect(displayWidth(line)).toBeLessThanOrEqual(width)
    expect(tables(120).join()).toContain('█')
    expect(tables(80).join()).not.toContain('█')
    expect(funnelOf(manifest, build)).not.toContain('█')
  })

  it('shares a line between name, bar and counts, which keep room for rows/s and the time left', () => {
    for (const width of [60, 80, 100, 200]) {
      const { name, bar, counts } = shared(width)
      expect(name + bar + counts + 8).toBe(width)
      expect(counts).toBeGreaterThan('12,345 rows/s, ETA 1:15'.length)
    }
  })

  it('breaks long lines at spaces on a terminal, and nowhere else', () => {
    const text = `steps:\n  structure: ${'takes out pairs that no model can learn from '.repeat(4)}\n  short`
    for (const width of [40, 60, 80]) {
      const lines = wrapped(text, width).split('\n')
      for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width)
      expect(lines[2].startsWith('      ')).toBe(true)
      expect(wrapped(text, width).replace(/\s+/g, ' ')).toBe(text.replace(/\s+/g, ' '))
    }
    expect(wrapped(text, undefined)).toBe(text)
  })

  it('draws shares in eighths of a character', () => {
    expect([bar(0), bar(1 / 160), bar(0.5), bar(1)]).toEqual(['', '▏', '█'.repeat(10), '█'.repeat(20)])
    expect([clock(5.2), clock(75), clock(3675)]).toEqual(['0:06', '1:15', '1:01:15'])
  })

  it('names three things to look at, with commands that a shell reads back', async () => {
    const build = join(dir, "it's here")
    mkdirSync(build)
    await writeSmallBuild(build)
    const { report } = await reportIn(build)
    const lines = nextText(report, build, PLAIN).split('\n')
    expect(lines).toHaveLength(7)
    expect(lines[2]).toBe(`    ${build}/report.html`)
    expect(lines[4]).toBe(`    goldpan review '${dir}/it'\\''s here'`)
  })
})

/** Every command and subcommand, as their files register them. */
async function commands(): Promise<Command[]> {
  const program = new Command('goldpan')
  const folder = join(import.meta.dirname, '../pipeline/commands')
  for (const file of readdirSync(folder).sort()) {
    const { register } = (await import(join(folder, file))) as { register?: (program: Command) => void }
    register?.(program)
  }
  registerCompletion(program)
  const all = (command: Command): Command[] => command.commands.flatMap(child => [child, ...all(child)])
  return all(program).filter(command => command.name() !== 'complete')
}

/** Of a command: those that print JSON or a script anyway, or serve until they are stopped. */
const NO_JSON = new Set(['schema', 'completion', 'review', 'store', 'models'])

it('has help with an example for every command, and --json wherever something is printed', async () => {
  const found = await commands()
  expect(found.length).toBeGreaterThan(15)
  for (const command of found) {
    let help = ''
    command.configureOutput({ writeOut: text => void (help += text) })
    command.outputHelp()
    expect(help, command.name()).toMatch(/Example: goldpan \w/)
    if (!NO_JSON.has(command.name())) expect(help, command.name()).toContain('--json')
  }
})

describe('completion', () => {
  const complete = (...words: string[]): string[] =>
    goldpan(['complete', '--', ...words])
      .stdout.trim()
      .split('\n')
      .map(line => line.split('\t')[0])

  it('completes commands, options, their values and paths', () => {
    expect(complete('rep')).toEqual(['report', ':4'])
    expect(complete('run', '--progress', '')).toEqual(['auto', 'plain', 'none', ':4'])
    expect(complete('run', 'conf')).toEqual(['configs/', ':6'])
    expect(complete('stages', 'near')).toEqual(['near-dup', ':4'])
    expect(goldpan(['complete', '--', 'sto']).stdout).toMatch(/^store\t.*the store/)
  })

  const launcher = (): NodeJS.ProcessEnv => {
    writeFileSync(join(dir, 'goldpan'), `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`, { mode: 0o755 })
    return { ...process.env, PATH: `${dir}:${process.env.PATH}` }
  }
  const has = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0

  it.skipIf(!has('fish'))('completes in fish', () => {
    const input = `goldpan completion fish | source\ncomplete -C 'goldpan rep'\ncomplete -C 'goldpan run --progress '\ncomplete -C 'goldpan store f'`
    const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', input], { env: launcher(), encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(stdout.split('\n').map(line => line.split('\t')[0])).toEqual(['report', 'auto', 'none', 'plain', 'fsck', ''])
  })

  it('completes in bash, with and without the package bash-completion', () => {
    // In a script no completion runs, so compopt has nothing to set.
    const lines = [
      goldpan(['completion', 'bash']).stdout,
      'compopt() { :; }',
      'COMP_WORDS=(goldpan rep) COMP_CWORD=1; __goldpan_complete; declare -p COMPREPLY',
      'COMP_WORDS=(goldpan run --progress "") COMP_CWORD=3; __goldpan_complete; declare -p COMPREPLY',
    ]
    const said = spawnSync('bash', ['--norc'], { input: lines.join('\n'), cwd: ROOT, env: launcher(), encoding: 'utf8' })
    expect(said).toMatchObject({ stderr: '', stdout: expect.stringMatching(/"report *".*\n.*"auto.*"plain.*"none/) })
  })

  it('prints scripts that their shells read', () => {
    const script = goldpan(['completion', 'bash']).stdout
    expect(spawnSync('bash', ['-n'], { input: script }).status).toBe(0)
    expect(goldpan(['completion', 'fish']).stdout).toContain('complete -c goldpan')
    expect(goldpan(['completion', 'tcsh'])).toMatchObject({ code: 2, stderr: expect.stringContaining('Allowed choices') })
  })
})

describe('doctor', () => {
  it('finds this machine well, and a store that cannot be written', () => {
    const well = goldpan(['doctor', '--store', join(dir, 'store'), '--json'])
    expect(well.code, well.stderr).toBe(0)
    const health = JSON.parse(well.stdout) as { name: string; state: string; found: string }[]
    expect(health.find(({ name }) => name === '@duckdb/node-api')).toMatchObject({ state: 'ok' })
    expect(health.find(({ name }) => name === 'store')!.found).toContain('is not there yet')
    const ill = goldpan(['doctor', '--store', '/proc/goldpan'])
    expect(ill).toMatchObject({ code: 2, stderr: expect.stringContaining('store: choose another folder') })
  })

  it('says what to do about what it finds', async () => {
    const store = join(dir, 'odd')
    mkdirSync(join(store, 'objects/ab'), { recursive: true })
    writeFileSync(join(store, 'objects/ab/cd'), '')
    const found = (await healthOf(store)).filter(({ name }) => name.startsWith('store'))
    expect(found.map(({ name, state }) => [name, state])).toEqual([['store', 'ok'], ['store entries', 'warn']]) // biome-ignore format: one list
    expect((await healthOf(dir)).find(({ name, state }) => name === 'store' && state === 'fail')?.found).toContain('is no store')
    expect(nodeVersion('20.18.0').state).toBe('fail')
    expect(nodeVersion('22.0.0').state).toBe('ok')
    expect(healthText([nodeVersion('18.1.0')], PLAIN)).toMatch(/^fail {2}node {2}Node 18\.1\.0.*\n +do: install Node 20\.19 or later$/)
  })
})
