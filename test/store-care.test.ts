import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { Build, summaryKey, verdictKey } from '../pipeline/build.ts'
import type { Stored } from '../pipeline/exchange.ts'
import { freshDir, goldpan } from './cli.ts'

const dir = freshDir('store-care')
const store = join(dir, 'store')
const out = join(dir, 'out')
const config = join(dir, 'c.yaml')
let manifest: string

const run = () => goldpan(['run', config, '--out', out, '--store', store, '--threads', '0', '--progress', 'none'])
const care = (...args: string[]) => goldpan(['store', ...args, '--store', store, '--json'])
const figures = (...args: string[]) => JSON.parse(care(...args).stdout)

/** Paths of the store's entries. */
const entries = (): string[] =>
  readdirSync(join(store, 'objects')).flatMap(folder =>
    readdirSync(join(store, 'objects', folder)).map(name => join(store, 'objects', folder, name)),
  )

function age(path: string, days: number): void {
  const then = new Date(Date.now() - days * 86_400_000)
  utimesSync(path, then, then)
}

beforeAll(() => {
  const rows = Array.from({ length: 40 }, (_, i) =>
    JSON.stringify({ prompt: `question ${i} of many`, chosen: `yes, ${i}`, rejected: `no, ${i}` }),
  )
  writeFileSync(join(dir, 'a.jsonl'), `${rows.join('\n')}\n`)
  writeFileSync(config, 'name: care\nsources: [{ path: a.jsonl }]\nsteps: [structure, exact-dedup, near-dup, prompt-clusters]\n')
  expect(run().code).toBe(0)
  manifest = readFileSync(join(out, 'manifest.json'), 'utf8')
})

it('tells how large it is and who works with it', () => {
  const status = figures('status')
  expect(status).toMatchObject({ format: 1, entries: entries().length, users: [], leftovers: { files: 0, bytes: 0 } })
  expect(status.bytes).toBe(entries().reduce((sum, path) => sum + statSync(path).size, 0))
  expect(goldpan(['store', 'status', '--store', store]).stdout).toContain('in use by nobody')
})

describe('gc', () => {
  it('keeps what the last build used, however old it is', () => {
    for (const path of entries()) if (path.endsWith('.record') || !entries().includes(`${path}.record`)) age(path, 40)
    expect(figures('gc', '--older-than', '30d', '--dry-run').removed).toBe(entries().length)
    const before = statSync(join(out, 'train/part-00000.parquet')).mtimeMs
    expect(run().code).toBe(0)
    // What partitions were made of is not asked for once they are summed up.
    const { removed, kept } = figures('gc', '--older-than', '30d')
    expect([removed < kept, entries().length]).toEqual([true, kept])
    expect(run().code).toBe(0)
    const { phases } = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')) as { phases: { tasks: number }[] }
    expect(phases.filter(({ tasks }) => tasks > 0)).toEqual([])
    expect(statSync(join(out, 'train/part-00000.parquet')).mtimeMs).toBe(before)
  })

  it('throws out what was not used for longest until the rest fits, and the next build makes it again', () => {
    const bytes = figures('status').bytes as number
    const { removed, kept_bytes } = figures('gc', '--max-size', `${Math.floor(bytes / 2048)}KiB`)
    expect(removed).toBeGreaterThan(0)
    expect(kept_bytes).toBeLessThanOrEqual(bytes / 2)
    expect(run().code).toBe(0)
    expect(readFileSync(join(out, 'manifest.json'), 'utf8')).toBe(manifest)
  })

  it('sweeps files that an attempt left a day ago, and spares those of today', () => {
    for (const name of ['1-old', '1-new']) writeFileSync(join(store, 'tmp', name), 'half')
    age(join(store, 'tmp', '1-old'), 2)
    expect(figures('gc', '--older-than', '30d').leftovers).toBe(1)
    expect(readdirSync(join(store, 'tmp'))).toEqual(['1-new'])
  })

  it('forgets digests of input files that were of no use for so long', () => {
    mkdirSync(join(store, 'digests'), { recursive: true })
    for (const name of ['old.json', 'new.json']) writeFileSync(join(store, 'digests', name), '{}')
    age(join(store, 'digests', 'old.json'), 40)
    expect(figures('gc', '--older-than', '30d', '--dry-run').notes).toBe(1)
    expect(figures('gc', '--older-than', '30d').notes).toBe(1)
    expect(readdirSync(join(store, 'digests'))).toContain('new.json')
    expect(readdirSync(join(store, 'digests'))).not.toContain('old.json')
  })

  it('tells of kept scores of models, and leaves them', () => {
    expect(goldpan(['store', 'status', '--store', store]).stdout).not.toContain('kept scores')
    mkdirSync(join(store, 'scores'), { recursive: true })
    writeFileSync(join(store, 'scores', 'data.mdb'), 'x'.repeat(5000))
    expect(figures('status').scores).toEqual({ files: 1, bytes: 5000 })
    expect(goldpan(['store', 'status', '--store', store]).stdout).toMatch(/^kept scores of models: 4\.9 KiB in \S+scores; gc leaves them/m)
    age(join(store, 'scores', 'data.mdb'), 400)
    figures('gc', '--older-than', '365d')
    expect(figures('status').scores).toEqual({ files: 1, bytes: 5000 })
    rmSync(join(store, 'scores'), { recursive: true })
  })

  it('counts digests of input files: in the status, and within the size', () => {
    mkdirSync(join(store, 'digests'), { recursive: true })
    const before = figures('status').notes as { files: number; bytes: number }
    writeFileSync(join(store, 'digests', 'large.json'), 'x'.repeat(5000))
    expect(figures('status').notes).toEqual({ files: before.files + 1, bytes: before.bytes + 5000 })
    expect(goldpan(['store', 'status', '--store', store]).stdout).toMatch(/^remembered digests of input files: \d+, /m)
    const whole = figures('gc', '--max-size', '1GiB', '--dry-run')
    age(join(store, 'digests', 'large.json'), 400)
    const limit = `${whole.kept_bytes - 1}B`
    expect(figures('gc', '--max-size', limit, '--dry-run')).toMatchObject({ removed: 0, removed_bytes: 5000, notes: 1, kept: whole.kept })
    expect(figures('gc', '--max-size', limit).kept_bytes).toBe(whole.kept_bytes - 5000)
    expect(readdirSync(join(store, 'digests'))).not.toContain('large.json')
  })

  it('asks what may go, and refuses sizes and times that are none', () => {
    expect(care('gc')).toMatchObject({ code: 2, stderr: expect.stringContaining('--older-than 30d') })
    expect(care('gc', '--older-than', '30')).toMatchObject({ code: 2 })
    expect(care('gc', '--max-size', 'much')).toMatchObject({ code: 2 })
  })

  it('refuses while a build works with the store', async () => {
    const other = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'])
    const { hostname } = await import('node:os')
    writeFileSync(join(store, 'users', 'other.json'), JSON.stringify({ what: 'goldpan run --out x', pid: other.pid, host: hostname() }))
    expect(care('gc', '--older-than', '0h')).toMatchObject({ code: 2, stderr: expect.stringContaining(`process ${other.pid}`) })
    const ended = new Promise(resolve => other.once('exit', resolve))
    other.kill('SIGKILL')
    await ended
    expect(care('gc', '--older-than', '30d').code).toBe(0)
    expect(readdirSync(join(store, 'users'))).toEqual([])
  })
})

it('names a folder that cannot be read, and a format that is none', () => {
  const odd = join(dir, 'odd')
  mkdirSync(odd)
  writeFileSync(join(odd, 'format.json'), '{"goldpan_store":1}')
  writeFileSync(join(odd, 'objects'), 'no folder')
  for (const command of ['fsck', 'status'])
    expect(goldpan(['store', command, '--store', odd])).toMatchObject({ code: 2, stderr: expect.stringContaining(join(odd, 'objects')) })
  const damaged = join(dir, 'damaged')
  mkdirSync(damaged)
  writeFileSync(join(damaged, 'format.json'), '')
  const told = `${join(damaged, 'format.json')}: is damaged; delete this file`
  expect(goldpan(['store', 'status', '--store', damaged])).toMatchObject({ code: 2, stderr: expect.stringContaining(told) })
})

describe('fsck', () => {
  it('finds one changed byte in any entry, throws the entry out, and the next build makes it again', () => {
    expect(run().code).toBe(0)
    expect(figures('fsck').damaged).toEqual([])
    const all = entries()
    for (const place of [0.1, 0.5, 0.9]) {
      const path = all[Math.floor(place * all.length)]
      const bytes = readFileSync(path)
      bytes[Math.floor(bytes.length * place)] ^= 4
      writeFileSync(path, bytes)
    }
    const dry = care('fsck', '--dry-run')
    const found = JSON.parse(dry.stdout).damaged.length
    // A published file without a sound record is as good as damaged.
    expect([dry.code, found >= 3 && found <= 6]).toEqual([4, true])
    expect(figures('fsck').damaged.length).toBeGreaterThanOrEqual(3)
    expect(figures('fsck').damaged).toEqual([])
    expect(run().code).toBe(0)
    expect(readFileSync(join(out, 'manifest.json'), 'utf8')).toBe(manifest)
  })
})

it('makes again the tables of a summary that are gone, where its record is there', async () => {
  expect(run().code).toBe(0)
  const [plan] = readdirSync(join(store, 'plans'))
  const build = await Build.open(join(store, 'plans', plan), store)
  const corpusWide = build.steps().filter(step => step.code.rounds)
  const summaries = corpusWide.map(step => summaryKey(step, step.code.rounds!.length - 1))
  const tables = summaries.flatMap(key => Object.values(build.store.readJson<Stored>(key).tables))
  expect(tables.length).toBeGreaterThan(0)
  for (const key of [...tables, ...corpusWide.flatMap(step => build.shards().map(shard => verdictKey(step, shard)))]) build.store.drop(key)
  expect(run().code).toBe(0)
  expect(tables.filter(key => !build.store.has(key))).toEqual([])
  expect(readFileSync(join(out, 'manifest.json'), 'utf8')).toBe(manifest)
})

it('of a later format is refused, and one that is not there', () => {
  writeFileSync(join(store, 'format.json'), '{"goldpan_store":2}')
  expect(run()).toMatchObject({ code: 2, stderr: expect.stringContaining('a store of format 2') })
  writeFileSync(join(store, 'format.json'), '{"goldpan_store":1}')
  expect(goldpan(['store', 'status', '--store', join(dir, 'none')])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no store there'),
  })
})
