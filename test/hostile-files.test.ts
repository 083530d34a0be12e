/** Files made to break readers: bombs, depth, width, wild indices, loops of links and of aliases, names that point elsewhere. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { Field, List, Table, tableToIPC, Utf8, vectorFromArray } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { Build, ingestKey, textsKey } from '../pipeline/build.ts'
import { loadConfig } from '../pipeline/config.ts'
import { Opened } from '../pipeline/context.ts'
import { UserError } from '../pipeline/errors.ts'
import { filesOf } from '../pipeline/files.ts'
import { ingestFile } from '../pipeline/ingest.ts'
import { logFiles } from '../pipeline/judgements/planned.ts'
import { planOf } from '../pipeline/plan.ts'
import { writeReport } from '../pipeline/report/write.ts'
import { Store } from '../pipeline/store.ts'
import { runTask } from '../pipeline/task.ts'
import { checksOf } from '../pipeline/verify/verify.ts'
import { Bench, lines } from './built.ts'
import { freshDir } from './cli.ts'

const dir = freshDir('hostile-files')
const PAIR = { prompt: 'Q?', chosen: 'Yes.', rejected: 'No.' }

let made = 0
function fileOf(bytes: Uint8Array | string, name = `${made++}`): string {
  const path = join(dir, name)
  writeFileSync(path, bytes)
  return path
}

/** Rows and rejects of a file of pairs. */
async function ingested(path: string) {
  const file = {
    path,
    shown: 'in',
    format: 'pair',
    priority: 0,
    scores: true,
    pairs: 'all',
    min_gap: 0,
    shown_first: 'shown_first',
  } as const
  const { rows, pairs, rejected, rejects } = await ingestFile(file, { shard: async () => {} })
  expect(pairs + rejected).toBe(rows)
  return { rows, rejected, errors: rejects[0] }
}

async function parquetOf(query: string): Promise<string> {
  const path = join(dir, `${made++}.parquet`)
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  await connection.run(`COPY (${query}) TO '${path}' (FORMAT parquet, COMPRESSION uncompressed)`)
  connection.closeSync()
  return path
}

/** A value of `depth` lists within each other, as JSON. */
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

describe('a bomb', () => {
  const MOST = 2.7e8
  /** A zstd frame whose blocks each repeat one byte 128 KiB long: 4 bytes a block. */
  function zstdBomb(blocks: number): Buffer {
    const block = (last: number) => {
      const head = Buffer.alloc(4)
      head.writeUIntLE((131_072 << 3) | (1 << 1) | last, 0, 3)
      head[3] = 0x20
      return head
    }
    const start = Buffer.from(`{"prompt":"`)
    const raw = Buffer.alloc(3)
    raw.writeUIntLE(start.length << 3, 0, 3)
    const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x58])
    return Buffer.concat([frame, raw, start, ...Array.from({ length: blocks }, (_, k) => block(k === blocks - 1 ? 1 : 0))])
  }

  it('of one endless line costs that line and little memory', async () => {
    const packed = zstdBomb(Math.ceil(MOST / 131_072) + 1)
    expect(packed.length).toBeLessThan(9000)
    const before = process.memoryUsage().rss
    const { rows, rejected, errors } = await ingested(fileOf(packed))
    expect([rows, rejected]).toEqual([1, 1])
    const { bytes } = errors.columns.error as { bytes: Uint8Array }
    expect(Buffer.from(bytes).toString()).toMatch(/expected a row of at most \d+ bytes, got \d+ bytes/)
    expect(process.memoryUsage().rss - before).toBeLessThan(6e8)
  })

  it('of blank lines is no rows', async () => {
    const bomb = gzipSync(Buffer.concat([Buffer.from(`${JSON.stringify(PAIR)}\n`), Buffer.alloc(5e7, 10)]))
    expect(bomb.length).toBeLessThan(60_000)
    expect(await ingested(fileOf(bomb))).toMatchObject({ rows: 1, rejected: 0 })
  })
})

describe('depth and width', () => {
  it.each([100, 100_000])('JSON lists %i deep are passed over, or reject their row', async depth => {
    const deep = nested(depth)
    const row = (extra: string) => `${JSON.stringify(PAIR).slice(0, -1)},${extra}}`
    const lines = [row(`"more":${deep}`), row(`"prompt":${deep}`), row(`"votes":${deep}`), JSON.stringify(PAIR)]
    expect(await ingested(fileOf(lines.join('\n')))).toMatchObject({ rows: 4, rejected: 2 })
  })

  it('lists 100 deep: a Parquet file is refused, rows of an Arrow file are rejected', async () => {
    const deep = `CAST(NULL AS VARCHAR${'[]'.repeat(100)})`
    const path = await parquetOf(`SELECT 'q' AS prompt, 'c' AS chosen, 'r' AS rejected, ${deep} AS more`)
    await expect(ingested(path)).rejects.toThrow(/^in: columns nested more than 24 levels deep/)
    const five = await parquetOf(`SELECT 'q' AS prompt, 'c' AS chosen, 'r' AS rejected, [[[[['x']]]]] AS more`)
    expect(await ingested(five)).toMatchObject({ rows: 1, rejected: 0 })
    let type: Utf8 | List = new Utf8()
    let value: unknown = 'x'
    for (let k = 0; k < 100; k++) {
      type = new List(new Field('item', type))
      value = [value]
    }
    const text = vectorFromArray(['x'], new Utf8())
    const table = new Table({ prompt: vectorFromArray([value], type as List), chosen: text, rejected: text })
    expect(await ingested(fileOf(tableToIPC(table, 'file')))).toMatchObject({ rows: 1, rejected: 1 })
  })

  it('files of 1,000 columns are read', async () => {
    const more = Array.from({ length: 1000 }, (_, k) => `c${k}`)
    const row = JSON.stringify({ ...Object.fromEntries(more.map(name => [name, 1])), ...PAIR })
    expect(await ingested(fileOf(`${row}\n`.repeat(20)))).toMatchObject({ rows: 20, rejected: 0 })
    const columns = more.map(name => `i AS ${name}`).join(', ')
    const path = await parquetOf(`SELECT 'q' AS prompt, 'c' AS chosen, 'r' AS rejected, ${columns} FROM range(20) t(i)`)
    expect(await ingested(path)).toMatchObject({ rows: 20, rejected: 0 })
  })
})

it('an index beyond its dictionary is refused', async () => {
  const files = JSON.parse(readFileSync(join(import.meta.dirname, 'codecs/parquet-files.json'), 'utf8')) as Record<string, string>
  const bytes = Buffer.from(files.dictionary_v2, 'base64')
  // The last page: one run of indices of one bit, the index 0 of a dictionary of one.
  const last = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8) - 1
  expect(bytes[last]).toBe(0)
  expect(await ingested(fileOf(bytes))).toMatchObject({ rows: 2 })
  bytes[last] = 1
  await expect(ingested(fileOf(bytes))).rejects.toThrow(UserError)
})

describe('names', () => {
  it('links that loop are no endless folder, and one to itself is refused', () => {
    const folder = join(dir, 'loop')
    mkdirSync(join(folder, 'inner'), { recursive: true })
    symlinkSync('.', join(folder, 'again'))
    symlinkSync('../../loop', join(folder, 'inner', 'up'))
    writeFileSync(join(folder, 'a.jsonl'), '{}\n')
    expect(filesOf('loop', dir, 'c').map(file => file.shown)).toEqual(['loop/a.jsonl'])
    expect(filesOf('loop/**/*.jsonl', dir, 'c').map(file => file.shown)).toEqual(['loop/a.jsonl'])
    symlinkSync('self.jsonl', join(folder, 'self.jsonl'))
    for (const named of ['loop', 'loop/**/*.jsonl', 'loop/s*'])
      expect(() => filesOf(named, dir, 'c')).toThrow(/loop\/self\.jsonl: a link that leads nowhere/)
    expect(() => filesOf('loop/self.jsonl', dir, 'c')).toThrow(/no such file or folder/)
  })

  it('two folders with links to one another are read once each way', () => {
    for (const [name, other] of ['ab', 'ba']) {
      mkdirSync(join(dir, 'twins', name), { recursive: true })
      symlinkSync(`../${other}`, join(dir, 'twins', name, 'other'))
      writeFileSync(join(dir, 'twins', name, `${name}.jsonl`), '{}\n')
    }
    const shown = filesOf('twins', dir, 'c').map(file => file.shown)
    expect(shown).toEqual(['twins/a/a.jsonl', 'twins/a/other/b.jsonl', 'twins/b/b.jsonl', 'twins/b/other/a.jsonl'])
  })

  it('linked files are read like others, as of a snapshot whose files lie elsewhere; a link that leads nowhere loses no rows', () => {
    const [blobs, shot] = [join(dir, 'blobs'), join(dir, 'snapshot')]
    mkdirSync(join(blobs, 'more'), { recursive: true })
    mkdirSync(shot)
    writeFileSync(join(blobs, 'b1'), '{}\n')
    writeFileSync(join(blobs, 'more', 'x.jsonl'), '{}\n')
    symlinkSync('../blobs/b1', join(shot, 'part-1.jsonl'))
    symlinkSync('../blobs/more', join(shot, 'more'))
    const both = ['snapshot/more/x.jsonl', 'snapshot/part-1.jsonl']
    expect(filesOf('snapshot', dir, 'c').map(file => file.shown)).toEqual(both)
    expect(filesOf('snapshot/**/*.jsonl', dir, 'c').map(file => file.shown)).toEqual(both)
    expect(filesOf('snapshot/*.jsonl', dir, 'c').map(file => file.shown)).toEqual(['snapshot/part-1.jsonl'])
    expect(filesOf('{snapshot/p*,nowhere/x}', dir, 'c').map(file => file.shown)).toEqual(['snapshot/part-1.jsonl'])
    expect(filesOf('{snapshot,nowhere}/p*', dir, 'c').map(file => file.shown)).toEqual(['snapshot/part-1.jsonl'])
    symlinkSync('gone', join(shot, 'README'))
    expect(filesOf('snapshot', dir, 'c')).toHaveLength(2)
    symlinkSync('../blobs/gone', join(shot, 'part-2.jsonl'))
    expect(() => filesOf('snapshot', dir, 'c:3')).toThrow(/c:3: snapshot: .*part-2\.jsonl: a link that leads nowhere/)
    expect(() => filesOf('snapshot/*.jsonl', dir, 'c:3')).toThrow(/part-2\.jsonl: a link that leads nowhere/)
    expect(filesOf('snapshot/*-1.jsonl', dir, 'c')).toHaveLength(1)
    expect(() => logFiles('snapshot/*.jsonl', dir, 'c')).toThrow(/part-2\.jsonl: a link that leads nowhere/)
    expect(logFiles('snapshot/*.log', dir, 'c')).toEqual([])
  })

  it('pipes and devices are refused, not waited for', () => {
    expect(spawnSync('mkfifo', [join(dir, 'pipe.jsonl')]).status).toBe(0)
    symlinkSync('/dev/zero', join(dir, 'zero.jsonl'))
    for (const name of ['pipe.jsonl', 'zero.jsonl'])
      expect(() => filesOf(name, dir, 'c.yaml:2')).toThrow(`c.yaml:2: ${name}: is no file but a pipe, socket or device`)
  })

  it('of what every object has are names like any other', async () => {
    const names = ['__proto__', 'constructor', 'toString']
    const bench = new Bench('object-names')
    const rows = names.map(name => ({
      ...PAIR,
      prompt: `Q ${name}?`,
      id: name,
      source: name,
      license: name,
      lang: name,
      scores: { [name]: [1, 0] },
    }))
    const steps = 'steps: [structure, exact-dedup, near-dup, style-bias, score, disagreement]\n'
    const config = bench.config({ 'a.jsonl': [...rows, ...rows] }, `allow_licenses: [__proto__, constructor]\n${steps}`)
    writeFileSync(config, readFileSync(config, 'utf8').replace(', source: s', ''))
    const { out, manifest } = await bench.run(config)
    await writeReport(out)
    const counts = manifest.sources.map(({ source, train, quarantine, dropped, licenses, left_licenses }) => [
      source,
      [train, quarantine, dropped],
      [Object.entries(licenses), Object.entries(left_licenses)],
    ])
    expect(counts).toEqual([
      ['__proto__', [1, 0, 1], [[['__proto__', 1]], [['__proto__', 1]]]],
      ['constructor', [1, 0, 1], [[['constructor', 1]], [['constructor', 1]]]],
      ['toString', [0, 2, 0], [[], [['toString', 2]]]],
    ])
    expect((await checksOf(out)).flatMap(({ wrong }) => wrong)).toEqual([])
    expect(readFileSync(join(out, 'LICENSES.md'), 'utf8')).toContain('| constructor | constructor | - | 1 | 1 |')
  })

  it('that point elsewhere name nothing on the disk', async () => {
    const bench = new Bench('elsewhere')
    const evil = '../../../evil'
    const row = (i: number) => ({
      ...PAIR,
      prompt: `Q ${i}?`,
      id: evil,
      source: evil,
      license: evil,
      lang: evil,
      scores: { [evil]: [1, 0] },
    })
    const config = bench.config({ 'a.jsonl': [row(1), row(2)] }, 'steps: [structure]\n')
    writeFileSync(config, readFileSync(config, 'utf8').replace('source: s', 'license: ../x'))
    const around = () => [
      ...readdirSync(dirname(bench.dir)),
      ...readdirSync(dirname(dirname(bench.dir))).filter(name => name.includes('evil')),
    ]
    const before = around()
    const { out } = await bench.run(config)
    expect(around()).toEqual(before)
    expect(existsSync(join(out, 'ledger/part-00000.parquet'))).toBe(true)
    writeFileSync(config, readFileSync(config, 'utf8').replace('name: built', 'name: ../evil'))
    await expect(bench.run(config)).rejects.toThrow(/config\.yaml:1: name: expected letters/)
  })
})

it('a file that is replaced after it was planned is refused, and nothing of it is kept', async () => {
  const bench = new Bench('replaced')
  const config = bench.config({ 'a.jsonl': [PAIR] }, 'steps: [structure]\n')
  const [file, store] = [join(dirname(config), 'a.jsonl'), new Store(join(bench.dir, 'store'))]
  const [one, two] = [lines([PAIR]), lines([{ ...PAIR, prompt: 'Q of another?' }, PAIR])]
  const located = await planOf(loadConfig(config))
  const [input] = located.plan.inputs
  const ingest = () => runTask(new Build(located, store), new Opened(), 'ingest/0')
  writeFileSync(file, two)
  await expect(ingest()).rejects.toThrow('a.jsonl: changed while the build ran, or is gone; run again')
  rmSync(file)
  await expect(ingest()).rejects.toThrow(UserError)
  expect([store.has(ingestKey(input)), store.has(textsKey(input, 0))]).toEqual([false, false])
  writeFileSync(file, one)
  expect(await ingest()).toEqual({ rows: 1 })
})

describe('a config', () => {
  const load = (text: string) => loadConfig(fileOf(text, 'c.yaml'))
  it.each<[string, string, RegExp]>([
    ['of aliases by the million', `a: &a 1\nb: [${'*a,'.repeat(1e6)}]\n`, /c\.yaml: longer than 1048576 characters/],
    ['of as many aliases as fit', `a: &a 1\nb: [${'*a,'.repeat(3e4)}]\n`, /c\.yaml:2: more than 100 aliases/],
    [
      'whose aliases double nine times',
      `a: &a [x, x]\n${[...'bcdefghij'].map((c, i) => `${c}: &${c} [*${'abcdefghi'[i]}, *${'abcdefghi'[i]}]`).join('\n')}\n`,
      /c\.yaml: Excessive alias count/,
    ],
    ['that holds itself', 'name: x\nsources: &a [*a]\nsteps: [structure]\n', /c\.yaml:2: sources\.0/],
    ['nested 20,000 deep', `name: x\nsources: ${nested(20_000)}\n`, /c\.yaml:2: not YAML: nested too deep/],
    ['of 20,000 keys', Array.from({ length: 20_000 }, (_, k) => `k${k}: 1`).join('\n'), /c\.yaml:1: k0: unknown key /],
    ['with a key twice', 'name: x\nname: y\n', /c\.yaml:2: the key name stands twice/],
  ])('%s is refused with its line', (_, text, message) => {
    expect(() => load(text)).toThrow(message)
    expect(() => load(text)).toThrow(UserError)
  })
})
