import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { linesOf, register } from '../../pipeline/commands/verify.ts'
import { UserError } from '../../pipeline/errors.ts'
import { openFinished } from '../../pipeline/finished.ts'
import { canonicalJson, type Manifest } from '../../pipeline/manifest.ts'
import { seal } from '../../pipeline/seal.ts'
import type { Check } from '../../pipeline/verify/accounts.ts'
import { rebuild } from '../../pipeline/verify/rebuild.ts'
import { checksOf, fileChecks } from '../../pipeline/verify/verify.ts'
import { Bench } from '../built.ts'
import { rowsOf } from '../cli.ts'
import { writeSmallBuild } from '../small-build.ts'
import { smallPairs } from '../small-pairs.ts'

const dir = mkdtempSync(join(tmpdir(), 'verify-'))
const whole = join(dir, 'whole')
beforeAll(async () => {
  mkdirSync(whole)
  await writeSmallBuild(whole)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

let made = 0
function copy(): string {
  const folder = join(dir, `copy-${made++}`)
  cpSync(whole, folder, { recursive: true })
  return folder
}

const wrongIn = (checks: readonly Check[]): Record<string, readonly string[]> =>
  Object.fromEntries(checks.filter(check => check.wrong.length > 0).map(({ name, wrong }) => [name, wrong]))

type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T

/** The checks that fail after a change of the manifest, written in its canonical form with the card that belongs to it. */
async function afterChange(change: (manifest: Mutable<Manifest>) => void): Promise<Record<string, readonly string[]>> {
  const folder = copy()
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Mutable<Manifest>
  change(manifest)
  writeFileSync(join(folder, 'manifest.json'), canonicalJson(manifest))
  const { card: _, seal: __, ...wrong } = wrongIn(await checksOf(folder))
  return wrong
}

describe('a build as it was written', () => {
  test.each([
    ['prompt', 'parquet'],
    ['message', 'jsonl'],
    ['conversations', 'arrow'],
    ['prompt', 'jsonl.gz'],
    ['prompt', 'jsonl.zst'],
  ] as const)('layout %s in %s passes every check', async (layout, format) => {
    const folder = join(dir, `${layout}-${format}`)
    mkdirSync(folder)
    await writeSmallBuild(folder, { layout, format })
    const checks = await checksOf(folder)
    expect(wrongIn(checks)).toEqual({})
    expect(checks.map(check => check.name)).toEqual(
      'seal manifest checksums folders card accounts steps rows schema order ledger reasons inputs shards'.split(' '),
    )
  })

  test('the command prints a line a check', async () => {
    const said = vi.spyOn(console, 'log').mockImplementation(() => {})
    const program = new Command()
    register(program)
    await program.parseAsync(['node', 'goldpan', 'verify', whole])
    const lines = String(said.mock.calls[0][0]).split('\n')
    said.mockRestore()
    expect(lines).toHaveLength(14)
    for (const line of lines) expect(line).toMatch(/^ok {4}\w+: /)
  })
})

describe('files', () => {
  const paths = ['train', 'validation', 'flipped', 'quarantine', 'review', 'ledger', 'rejects'].map(table => `${table}/part-00000.parquet`)

  test.each(paths)('one flipped bit in %s', async path => {
    const folder = copy()
    const bytes = readFileSync(join(folder, path))
    bytes[Math.floor(bytes.length / 2)] ^= 4
    writeFileSync(join(folder, path), bytes)
    const wrong = wrongIn(await checksOf(folder))
    expect(Object.keys(wrong)).toEqual(['checksums'])
    expect(wrong.checksums[0]).toMatch(new RegExp(`^${path}: has sha256 [0-9a-f]{64}, the manifest says [0-9a-f]{64}$`))
  })

  test('cut off, missing, another name', async () => {
    const folder = copy()
    truncateSync(join(folder, 'ledger/part-00000.parquet'), 100)
    rmSync(join(folder, 'train'), { recursive: true })
    renameSync(join(folder, 'review/part-00000.parquet'), join(folder, 'review/part-00001.parquet'))
    const wrong = wrongIn(await checksOf(folder))
    expect(wrong.checksums).toEqual([
      expect.stringMatching(/^ledger\/.*: has 100 bytes, the manifest says \d+$/),
      'review/part-00000.parquet: is missing',
      'train/part-00000.parquet: is missing',
    ])
    expect(wrong.folders).toEqual(['review/part-00001.parquet: is not in the manifest'])
  })

  test('one bit of manifest.json or README.md', async () => {
    const folder = copy()
    writeFileSync(join(folder, 'README.md'), `${readFileSync(join(folder, 'README.md'), 'utf8')} `)
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))))
    const { seal, ...wrong } = wrongIn(await checksOf(folder))
    expect(seal.map(text => text.split(':')[0])).toEqual(['README.md', 'manifest.json'])
    expect(wrong).toEqual({
      manifest: [expect.stringContaining('not in its canonical form')],
      card: ['README.md: is not that of this manifest'],
    })
  })

  test('the command ends with one line and lists what differs', async () => {
    const folder = copy()
    writeFileSync(join(folder, 'train/notes.txt'), '')
    const said = vi.spyOn(console, 'log').mockImplementation(() => {})
    const program = new Command()
    register(program)
    await expect(program.parseAsync(['node', 'goldpan', 'verify', folder])).rejects.toThrow(`${folder}: 1 of 14 checks failed: folders`)
    expect(String(said.mock.calls[0][0])).toContain('FAIL  folders:\n        train/notes.txt: is not in the manifest')
    said.mockRestore()
  })
})

describe('figures of the manifest', () => {
  test('totals that do not add up', async () => {
    const wrong = await afterChange(m => void m.totals.dropped++)
    expect(wrong.accounts).toEqual([
      'manifest.json: totals: train + validation + quarantine + review + dropped is 8, expected 7',
      'manifest.json: dropped of all sources is 2, expected 3',
    ])
    expect(wrong.ledger).toEqual(['ledger: all sources: dropped is 2, expected 3'])
  })

  test('a step that loses a row', async () => {
    expect(await afterChange(m => void m.steps[1].rows_out--)).toEqual({
      steps: [
        'manifest.json: step near-dup: rows_out + dropped is 5, expected 6',
        'manifest.json: step decontaminate: rows_in is 5, expected 4',
      ],
    })
  })

  test('a reason that the ledger does not know', async () => {
    const wrong = await afterChange(m => void (m.steps[1].dropped = { other: 1 }))
    expect(wrong).toEqual({ reasons: ['ledger: step near-dup: other is 0, expected 1', 'ledger: step near-dup: near is 1, expected 0'] })
  })

  test('rows of an input, and of a file', async () => {
    expect(await afterChange(m => void m.inputs[0].rows++)).toEqual({
      accounts: ['manifest.json: hh.jsonl: pairs + rejected is 4, expected 5'],
    })
    const wrong = await afterChange(m => void m.outputs.find(o => o.path.startsWith('train'))!.rows++)
    expect(wrong.rows).toEqual([
      'train/part-00000.parquet: holds 2 rows, the manifest says 3',
      'manifest.json: rows of train/ is 3, expected 2',
    ])
  })

  test('pairs that moved between inputs, or between sources', async () => {
    const inputs = await afterChange(m => {
      m.inputs[1].rows++
      m.inputs[1].pairs++
      m.inputs[0].rows--
      m.inputs[0].pairs--
    })
    expect(inputs.order).toEqual([expect.stringContaining('ledger: row 2 is of hh.jsonl, whose pairs are elsewhere')])
    expect(inputs.inputs.toSorted()).toEqual(['ledger: rows of arena.jsonl is 4, expected 5', 'ledger: rows of hh.jsonl is 3, expected 2'])
    const sources = await afterChange(m => {
      m.sources[0].train--
      m.sources[1].train++
    })
    expect(sources).toEqual({ ledger: ['ledger: arena: train is 1, expected 0', 'ledger: hh: train is 1, expected 2'] })
  })
})

test('a file beside the tables that is gone is named', async () => {
  const folder = join(dir, 'gone')
  mkdirSync(folder)
  await writeSmallBuild(folder)
  writeFileSync(join(folder, 'run.json'), '{}')
  seal(folder)
  rmSync(join(folder, 'run.json'))
  expect(wrongIn(await checksOf(folder))).toMatchObject({ seal: ['run.json: is missing, and SHA256SUMS lists it'] })
})

describe('any single bit', () => {
  const files = [
    'manifest.json',
    'LICENSES.md',
    'README.md',
    'run.json',
    'SHA256SUMS',
    ...['train', 'validation', 'flipped', 'quarantine', 'review', 'ledger', 'rejects'].map(table => `${table}/part-00000`),
  ]

  test.each(['parquet', 'jsonl', 'arrow'] as const)(
    'of any file of a build in %s is missed by none',
    async format => {
      const folder = join(dir, `flips-${format}`)
      mkdirSync(folder)
      await writeSmallBuild(folder, { format })
      writeFileSync(join(folder, 'run.json'), '{"seconds":1}')
      seal(folder)
      expect(wrongIn(await checksOf(folder))).toEqual({})
      const pathOf = (file: string): string => {
        const shard = /^(train|validation)\//.test(file) ? format : 'parquet'
        return join(folder, file.includes('/') ? `${file}.${shard}` : file)
      }
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...files),
          fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
          fc.nat(7),
          async (file, place, bit) => {
            const bytes = readFileSync(pathOf(file))
            const flipped = Buffer.from(bytes)
            flipped[Math.floor(place * bytes.length)] ^= 1 << bit
            writeFileSync(pathOf(file), flipped)
            const found = await Promise.resolve()
              .then(() => fileChecks(openFinished(folder)))
              .then(
                checks => checks.some(check => check.wrong.length > 0),
                error => error instanceof UserError,
              )
            writeFileSync(pathOf(file), bytes)
            return found
          },
        ),
        { seed: 42, numRuns: 100 },
      )
    },
    20_000,
  )
})

describe('order and schema', () => {
  const change = async (sql: string): Promise<Record<string, readonly string[]>> => {
    const folder = copy()
    const path = join(folder, 'ledger/part-00000.parquet')
    await rowsOf(
      '',
      `copy (${sql.replace('ledger', `read_parquet('${path}', hive_partitioning = false)`)}) to '${path}.new' (format parquet)`,
    )
    renameSync(`${path}.new`, path)
    const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Mutable<Manifest>
    const output = manifest.outputs.find(o => o.path.startsWith('ledger'))!
    output.bytes = readFileSync(path).length
    output.sha256 = createHash('sha256').update(readFileSync(path)).digest('hex')
    writeFileSync(join(folder, 'manifest.json'), canonicalJson(manifest))
    seal(folder)
    const { card: _, ...wrong } = wrongIn(await checksOf(folder))
    return wrong
  }

  test('rows of the ledger in another order', async () => {
    expect(await change('select * from ledger order by source desc, row desc')).toEqual({
      order: [1, 2]
        .map(place => `ledger: row ${place} is row ${2 - place} of hh.jsonl, which does not follow the one before`)
        .concat([3, 4, 5, 6].slice(1).map(place => expect.stringContaining(`ledger: row ${place} `))),
    })
    expect((await change('select * from ledger order by source, row')).order).toHaveLength(6)
  })

  test('a column of another type, one that is gone, one that lacks a value', async () => {
    expect((await change('select * replace (row::int as row) from ledger')).schema).toEqual([
      'ledger: column row is INTEGER, expected BIGINT',
    ])
    expect((await change('select * exclude (style_p) from ledger')).schema).toEqual(['ledger: has no column style_p'])
    expect((await change('select * replace (case when row > 1 then prompt_id end as prompt_id) from ledger')).schema).toEqual([
      expect.stringMatching(/^ledger: column prompt_id lacks a value in \d rows$/),
    ])
  })
})

test('the config run again elsewhere gives the same manifest, or what differs', async () => {
  const bench = new Bench('rebuild')
  const rows = (n: number) =>
    Array.from({ length: n }, (_, i) => ({ prompt: `What of ${i}?`, chosen: `Good ${i}.`, rejected: `Bad ${i} bad.` }))
  const config = bench.config({ 'a.jsonl': rows(30) }, 'steps: [structure, exact-dedup]\noutput: { splits: { validation: 0.2 } }\n')
  const { out } = await bench.run(config, ['seed=7'])
  expect(await rebuild(out, { threads: 0 })).toMatchObject({ name: 'rebuild', wrong: [] })
  await expect(rebuild(out, { scratch: '/nowhere' })).rejects.toThrow(
    /\/nowhere.*no such file or folder; name a folder to build in with --scratch/,
  )
  writeFileSync(config, readFileSync(config, 'utf8').replace('0.2', '0.3'))
  expect((await rebuild(out, { threads: 0 })).wrong).toEqual([
    'output.splits.validation: 0.2 then, 0.3 now',
    ...['ledger', 'train', 'validation'].map(folder =>
      expect.stringMatching(new RegExp(`^${folder}/part-00000.parquet: other bytes, \\d+ rows then, \\d+ now$`)),
    ),
  ])
  rmSync(config)
  await expect(rebuild(out, { threads: 0 })).rejects.toThrow('say which with --config FILE')
})

test('shards that hold other pairs than the ledger says', async () => {
  const folder = copy()
  const other = join(dir, 'other')
  mkdirSync(other)
  const text = { ...smallPairs[0], chosen: 'Three.' }
  const manifest = await writeSmallBuild(other, { pairs: [text, ...smallPairs.slice(1)] })
  const train = manifest.outputs.find(o => o.path.startsWith('train'))!
  cpSync(join(other, train.path), join(folder, train.path))
  const mine = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest
  writeFileSync(
    join(folder, 'manifest.json'),
    canonicalJson({ ...mine, outputs: mine.outputs.map(o => (o.path === train.path ? train : o)) }),
  )
  const wrong = wrongIn(await checksOf(folder))
  expect(wrong.shards).toEqual(['train/: holds other pairs than the ledger says'])
})

test('long lists of differences are cut', () => {
  const wrong = Array.from({ length: 25 }, (_, i) => `file ${i}`)
  expect(
    linesOf([{ name: 'checksums', seen: '', wrong }])
      .split('\n')
      .at(-1),
  ).toBe('        ... and 5 more')
})
