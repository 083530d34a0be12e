/** A large file is read in parts by several workers; what comes out is as if it had been read at once. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { manifestOf } from '../pipeline/accounts.ts'
import { Build, partsKey } from '../pipeline/build.ts'
import { openRows } from '../pipeline/codecs/open-rows.ts'
import { readRows, type SourceRow } from '../pipeline/codecs/source.ts'
import { loadConfig } from '../pipeline/config.ts'
import { Opened } from '../pipeline/context.ts'
import { canonicalJson } from '../pipeline/manifest.ts'
import { phases } from '../pipeline/phases.ts'
import { type LocatedPlan, planOf } from '../pipeline/plan.ts'
import { describePlan } from '../pipeline/report/plan-text.ts'
import { Store } from '../pipeline/store.ts'
import { runTask } from '../pipeline/task.ts'
import { freshDir } from './cli.ts'

const dir = freshDir('parts')
const words = 'amber brook cedar delta ember flint grove harbor iris jade'.split(' ')
const text = (seed: number, length: number): string => Array.from({ length }, (_, k) => words[(seed * 7 + k * k + seed * k) % 10]).join(' ')
const pair = (i: number): object => ({
  id: `p${i}`,
  prompt: `Q${i % 40} ${text(i % 40, 6)}`,
  chosen: text(i, 30),
  rejected: text(i + 500, 25),
})
/** Blank lines, a mark at the start, CRLF, rows that cannot be read and lone surrogates, all over the file. */
const odd = Array.from({ length: 300 }, (_, i) => {
  if (i % 60 === 7) return i % 120 === 7 ? '   ' : '{"prompt": 1'
  if (i % 60 === 9) return `{"id":"s${i}","prompt":"Q","chosen":"A${i}\\ud800","rejected":"B"}\r`
  return JSON.stringify(pair(i))
})

beforeAll(async () => {
  mkdirSync(join(dir, 'in'))
  writeFileSync(join(dir, 'in/a.jsonl'), `\ufeff${odd.join('\n')}\n\n`)
  writeFileSync(join(dir, 'in/b.jsonl.gz'), gzipSync(`${Array.from({ length: 200 }, (_, i) => JSON.stringify(pair(i * 3))).join('\n')}\n`))
  writeFileSync(join(dir, 'in/c.json'), JSON.stringify(Array.from({ length: 200 }, (_, i) => pair(1000 + i))))
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  await connection.run(
    `COPY (SELECT 'd' || i AS id, 'Q' || (i % 500) AS prompt, 'yes, ' || repeat('it is so ' || i || ' ', 4) AS chosen, 'no, ' || md5(i::VARCHAR) AS rejected
     FROM range(5000) t(i)) TO '${join(dir, 'in/d.parquet')}' (FORMAT parquet, ROW_GROUP_SIZE 2048)`,
  )
  writeFileSync(
    join(dir, 'c.yaml'),
    'name: parts\nsources: [{ path: "in/*", source: all }, { path: in/a.jsonl, limit: 20, source: some }]\nsteps: [structure, exact-dedup, near-dup, { style-bias: { action: reweight } }]\n',
  )
})

async function rowsOf(path: string, part?: NonNullable<Parameters<typeof readRows>[2]>['part']): Promise<unknown[]> {
  const said = ({ raw, ...row }: SourceRow): unknown => ({ ...row, raw: raw() })
  const rows: unknown[] = []
  for await (const chunk of readRows(path, 'in', { part })) rows.push(...chunk.map(said))
  return rows
}

const partsOf = async (path: string, bytes: number) => (await openRows(path, 'in')).parts?.(bytes)

describe('a file in parts', () => {
  it('gives its rows and their numbers: lines', async () => {
    const line = fc.oneof(
      fc.constantFrom('', ' \t', '\r', '{"a":1}', '{"a":"ä"}\r', 'no json', '{"b":2}   '),
      fc.string({ unit: 'binary', maxLength: 20 }).map(made => made.replaceAll('\0', '0')),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 20 }), fc.integer({ min: 1, max: 60 }), fc.boolean(), async (lines, bytes, marked) => {
        const path = join(dir, 'lines')
        writeFileSync(path, `${marked ? '\ufeff' : ''}{"first":0}\n${lines.join('\n')}`)
        const parts = (await partsOf(path, bytes))!
        const read = await Promise.all(parts.map(part => rowsOf(path, part)))
        expect(read.every(rows => rows.length > 0)).toBe(true)
        expect(read.flat()).toEqual(await rowsOf(path))
      }),
      { seed: 42, numRuns: 300 },
    )
  })

  it('gives its rows and their numbers: row groups', async () => {
    const path = join(dir, 'in/d.parquet')
    const parts = (await partsOf(path, 1))!
    expect(parts).toEqual([
      { from: 0, to: 1, first_row: 0 },
      { from: 1, to: 2, first_row: 2048 },
      { from: 2, to: 3, first_row: 4096 },
    ])
    expect((await Promise.all(parts.map(part => rowsOf(path, part)))).flat()).toEqual(await rowsOf(path))
    expect((await partsOf(path, 1e9))!.length).toBe(1)
  })

  it('is not cut where it can be read from the start only', async () => {
    expect(await partsOf(join(dir, 'in/b.jsonl.gz'), 10)).toBeUndefined()
    expect(await partsOf(join(dir, 'in/c.json'), 10)).toBeUndefined()
  })
})

/** Runs all tasks of a plan one by one; how often each kind ran, and the manifest. */
async function built(located: LocatedPlan, store: string): Promise<{ ran: Record<string, number>; manifest: string }> {
  const build = new Build(located, new Store(join(dir, store)))
  const opened = new Opened()
  const ran: Record<string, number> = {}
  for (const { tasks } of phases(build))
    for (const task of tasks) {
      const kind = task.split('/')[0]
      ran[kind] = (ran[kind] ?? 0) + 1
      await runTask(build, opened, task)
    }
  await opened.close()
  return { ran, manifest: canonicalJson(manifestOf(build)) }
}

describe('a build', () => {
  it('is the same however its files are cut', async () => {
    const located = await planOf(loadConfig(join(dir, 'c.yaml')))
    const whole = await built(located, 'whole')
    expect(whole.ran).toMatchObject({ ingest: 5 })
    expect(whole.ran.cut).toBeUndefined()
    const { inputs } = JSON.parse(whole.manifest)
    expect(inputs[0]).toMatchObject({ rows: 297, rejected: 2, notes: ['5 texts held lone surrogates; each was replaced by U+FFFD'] })
    const small = { ...located, sizes: { part_bytes: 10_000 } }
    const cut = await built(small, 'cut')
    expect(cut.ran.cut).toBe(3)
    expect(cut.ran.ingest).toBeGreaterThan(10)
    expect(cut.manifest).toBe(whole.manifest)
    expect((await built(small, 'cut')).ran).toEqual({})
  }, 60_000)

  it('says in its plan which large files one worker reads', async () => {
    const { plan, ...located } = await planOf(loadConfig(join(dir, 'c.yaml')))
    const large = { ...located, plan: { ...plan, inputs: plan.inputs.map(input => ({ ...input, bytes: 2 ** 29 })) } }
    const lines = describePlan(large, { outlook: [], before: undefined }, []).split('\n')
    expect(lines).toContain('  in/b.jsonl.gz  512.0 MiB, read by one worker; plain JSONL or Parquet would be read by all')
    expect(lines).toContain('  in/d.parquet  512.0 MiB')
  })

  it.each([{}, { shuffle: true }])(
    'with windows smaller than its files is the same, too: %o',
    async output => {
      writeFileSync(join(dir, 'w.yaml'), `${readFileSync(join(dir, 'c.yaml'), 'utf8')}output: ${JSON.stringify(output)}\n`)
      const located = await planOf(loadConfig(join(dir, 'w.yaml')))
      const shards = async (sizes: LocatedPlan['sizes'], store: string): Promise<string> =>
        JSON.stringify(JSON.parse((await built({ ...located, sizes }, `${store}-${output.shuffle}`)).manifest).outputs)
      const whole = await shards({ window_bytes: 20_000 }, 'windows')
      expect(await shards({ window_bytes: 20_000, part_bytes: 7_000 }, 'both')).toBe(whole)
      expect(await shards({ window_bytes: 30_000 }, 'larger')).not.toBe(whole)
    },
    60_000,
  )

  it('cuts a file again whose parts are lost, and reads no part before it is cut', async () => {
    const located = { ...(await planOf(loadConfig(join(dir, 'c.yaml')))), sizes: { part_bytes: 10_000 } }
    const build = new Build(located, new Store(join(dir, 'fresh')))
    const opened = new Opened()
    await expect(runTask(build, opened, 'ingest/0')).rejects.toThrow('large inputs are not cut into parts yet; run their cut tasks first')
    await expect(runTask(build, opened, 'cut/9')).rejects.toThrow('task cut/9: the plan has 5 inputs')
    await built(located, 'lost')
    const store = new Store(join(dir, 'lost'))
    store.drop(partsKey(new Build(located, store), 0))
    expect((await built(located, 'lost')).ran).toEqual({ cut: 1 })
  }, 60_000)
})
