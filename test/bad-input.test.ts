/** What a user sees, and what is written, when the input or the surroundings are bad. Through the built command line. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { utf8Of } from '../pipeline/batch.ts'
import { openTableWriter } from '../pipeline/codecs/table-writer.ts'
import { freshDir, goldpan, rowsOf, type Said } from './cli.ts'

const pair = (i: number): string =>
  JSON.stringify({ id: `r${i}`, prompt: `Question ${i}?`, chosen: `A good answer to ${i}.`, rejected: `A bad one to ${i}.` })
const pairs = (n: number): string => Array.from({ length: n }, (_, i) => `${pair(i)}\n`).join('')

/** A folder with a config over the given files, and what a run of it said. */
function run(
  files: Readonly<Record<string, string | Uint8Array>>,
  source: string,
  options: { out?: string; steps?: string } = {},
): Said & { dir: string; out: string } {
  const dir = freshDir('bad')
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(dir, name, '..'), { recursive: true })
    writeFileSync(join(dir, name), content)
  }
  writeFileSync(
    join(dir, 'c.yaml'),
    `name: bad\nsources:\n  - { path: ${JSON.stringify(source)} }\nsteps: [${options.steps ?? 'structure, exact-dedup'}]\n`,
  )
  const out = join(dir, options.out ?? 'out')
  return {
    ...goldpan(['run', join(dir, 'c.yaml'), '--out', out, '--store', join(dir, 'store'), '--threads', '0', '--progress', 'none']),
    dir,
    out,
  }
}

const flipped = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((b, i) => (i === at ? b ^ 0x10 : b))

async function parquet(): Promise<Buffer> {
  const path = join(freshDir('parquet'), 'x.parquet')
  const columns = ['prompt', 'chosen', 'rejected'].map(name => ({ name, field: 'utf8' as const, required: true }))
  const writer = await openTableWriter('parquet', columns, path)
  const text = (prefix: string) => utf8Of(Array.from({ length: 500 }, (_, i) => `${prefix} ${i} ${'word '.repeat(i % 7)}`))
  await writer.write({ rows: 500, columns: { prompt: text('p'), chosen: text('c'), rejected: text('r') } })
  await writer.close()
  return readFileSync(path)
}

describe('a bad file stops the run before it writes', () => {
  it.each<[string, () => Promise<[Record<string, string | Uint8Array>, string]>, RegExp]>([
    ['a missing file', async () => [{}, 'gone.jsonl'], /c\.yaml:3: gone\.jsonl: no such file or folder/],
    ['a glob without a match', async () => [{}, '*.parquet'], /c\.yaml:3: \*\.parquet: no file matches/],
    ['a folder without data', async () => [{ 'in/readme.txt': 'x' }, 'in'], /c\.yaml:3: in: the folder holds no \.jsonl/],
    ['a file of zero bytes', async () => [{ 'a.jsonl': '' }, 'a.jsonl'], /a\.jsonl/],
    ['a truncated gzip', async () => [{ 'a.jsonl.gz': gzipSync(pairs(3000)).subarray(0, 5000) }, 'a.jsonl.gz'], /a\.jsonl\.gz.*damaged/],
    [
      'a flipped byte in a gzip',
      async () => [{ 'a.jsonl.gz': flipped(gzipSync(pairs(3000)), 6000) }, 'a.jsonl.gz'],
      /a\.jsonl\.gz.*damaged/,
    ],
    [
      'a truncated Parquet footer',
      async () => [{ 'a.parquet': (await parquet()).subarray(0, -40) }, 'a.parquet'],
      /a\.parquet.*(footer|damaged|cut)/,
    ],
    ['a flipped byte in a Parquet page', async () => [{ 'a.parquet': flipped(await parquet(), 900) }, 'a.parquet'], /a\.parquet/],
    [
      'no known format',
      async () => [{ 'a.jsonl': '{"question":"Q","answer":"A"}\n' }, 'a.jsonl'],
      /a\.jsonl: no known format fits its first rows: found columns question, answer/,
    ],
  ])('%s', async (_, input, message) => {
    const { code, stderr, out } = run(...(await input()))
    expect(stderr).toMatch(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect([code, existsSync(out)]).toEqual([2, false])
  })
})

describe('an output folder', () => {
  it('that holds something else is refused and left alone', () => {
    const { code, stderr, out } = run({ 'a.jsonl': pairs(3), 'out/precious.txt': 'mine' }, 'a.jsonl')
    expect([code, stderr]).toEqual([2, expect.stringMatching(/--out .*out: holds something else than a goldpan build \(precious\.txt/)])
    expect(readdirSync(out)).toEqual(['precious.txt'])
  })

  it('that cannot be made is refused before any work', () => {
    const { code, stderr } = run({ 'a.jsonl': pairs(3), file: '' }, 'a.jsonl', { out: 'file/out' })
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^goldpan: --out .*file is not a folder$/m)])
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  it('inside a source is refused', () => {
    const { code, stderr, out } = run({ 'in/a.jsonl': pairs(3) }, 'in', { out: 'in/out' })
    expect([code, stderr]).toEqual([2, expect.stringMatching(/c\.yaml:3: --out .* lies inside this source/)])
    expect(existsSync(out)).toBe(false)
  })

  it('with brackets in its path is refused, for dataset loaders find nothing there', () => {
    const { code, stderr } = run({ 'a.jsonl': pairs(3) }, 'a.jsonl', { out: 'out[1]' })
    expect([code, stderr]).toEqual([2, expect.stringMatching(/"\[" or "\]" in the path/)])
  })
})

describe('odd rows', () => {
  it('are each a pair or a reject, none is lost', async () => {
    const lines = [
      pair(0),
      '{"prompt": 1}',
      `\ufeff${pair(1)}`,
      pair(2).replace('good', 'go\u2028od'),
      '{broken',
      `${pair(3)}\r`,
      pair(4).replace('A bad', '\\ud800 bad'),
    ]
    const bytes = Buffer.concat([Buffer.from(`\ufeff${lines.join('\n')}\n`), Buffer.from([0xff, 0xfe, 0x0a]), Buffer.from(pair(5))])
    const { code, stderr, out } = run({ 'a.jsonl': bytes }, 'a.jsonl')
    expect(code).toBe(0)
    expect(stderr).toMatch(/a\.jsonl: 1 texts held lone surrogates/)
    const ledger = await rowsOf(out, `SELECT "row" FROM '{dir}/ledger/*.parquet'`)
    const rejects = await rowsOf(out, `SELECT "row", field, error FROM '{dir}/rejects/*.parquet' ORDER BY "row"`)
    expect(ledger.map(r => Number(r.row))).toEqual([0, 3, 5, 6, 8])
    expect(rejects.map(r => Number(r.row))).toEqual([1, 2, 4, 7])
  })

  it('a line of 50 MB is one row like any other', async () => {
    const long = JSON.stringify({ prompt: 'Q?', chosen: 'word '.repeat(10_000_000), rejected: 'No.' })
    const { code, out } = run({ 'a.jsonl': `${pair(0)}\n${long}\n${pair(1)}\n` }, 'a.jsonl')
    expect(code).toBe(0)
    const ledger = await rowsOf(out, `SELECT outcome, reason FROM '{dir}/ledger/*.parquet'`)
    expect(ledger).toEqual([
      { outcome: 'keep', reason: null },
      { outcome: 'drop', reason: 'too_long' },
      { outcome: 'keep', reason: null },
    ])
  })
})

describe('a full disk', () => {
  const disk = freshDir('disk')
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', disk]).status === 0
  if (!mounted) console.log('skipped: a full disk (this user may not mount a tmpfs)')

  it.skipIf(!mounted)('stops the run with one line; with more room the run goes on', () => {
    const dir = freshDir('full')
    writeFileSync(join(dir, 'a.jsonl'), pairs(5000))
    writeFileSync(join(dir, 'c.yaml'), 'name: full\nsources: [{ path: a.jsonl }]\nsteps: [structure]\n')
    const args = [
      'run',
      join(dir, 'c.yaml'),
      '--out',
      join(dir, 'out'),
      '--store',
      join(disk, 'store'),
      '--threads',
      '1',
      '--progress',
      'none',
    ]
    try {
      const full = goldpan(args)
      expect([full.code, full.stderr]).toEqual([2, expect.stringMatching(/no space left on the disk; free some and run again/)])
      expect(existsSync(join(dir, 'out', 'manifest.json'))).toBe(false)
      spawnSync('mount', ['-o', 'remount,size=30m', disk])
      expect(goldpan(args).code).toBe(0)
    } finally {
      spawnSync('umount', [disk])
    }
  })
})

describe('commands', () => {
  it.each<[string[], number, RegExp]>([
    [['run', 'no.yaml', '--out', 'x'], 2, /no\.yaml: no such config file/],
    [['run', 'configs/quickstart.yaml'], 2, /required option '--out/],
    [['frobnicate'], 2, /unknown command 'frobnicate'/],
    [['run', 'configs/quickstart.yaml', '--out', 'x', '--memory', 'lots'], 2, /expected a size such as 4GiB/],
    [['run', 'configs/quickstart.yaml', '--out', 'x', '--memory', '4'], 2, /that is 4 bytes; expected a size such as 4GiB/],
    [['query', '/nowhere', 'SELECT 1', '--json', '--format', 'csv'], 2, /--json and --format csv are two forms/],
    [['stages', 'near-dop'], 2, /unknown stage; did you mean "near-dup"\?/],
    [['explain', '/nowhere', 'x'], 2, /\/nowhere/],
    [['verify', '/nowhere'], 2, /\/nowhere/],
  ])('%j ends with %i', (args, code, message) => {
    const said = goldpan(args)
    expect([said.code, said.stderr]).toEqual([code, expect.stringMatching(message)])
    expect(said.stderr).not.toMatch(/\n\s+at /)
  })

  it('print help with an example, and the reference', async () => {
    const names = ['run', 'plan', 'report', 'explain', 'query', 'verify', 'synth', 'reference', 'task']
    const program = new Command()
    for (const name of names) (await import(`../pipeline/commands/${name}.ts`)).register(program)
    const help = goldpan(['--help']).stdout
    expect(program.commands.length).toBeGreaterThan(names.length)
    for (const command of program.commands) {
      expect(help).toContain(`  ${command.name()}`)
      let told = ''
      command.configureOutput({ writeOut: text => (told += text) }).outputHelp()
      expect(told).toMatch(/Example: goldpan /)
    }
    expect(goldpan(['run', '--help']).stdout).toMatch(/Example: goldpan /)
    const schema = JSON.parse(goldpan(['schema']).stdout) as { properties: object }
    expect(Object.keys(schema.properties)).toContain('steps')
    expect(goldpan(['stages']).stdout).toMatch(/^near-dup /m)
  })
})
