import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { linesOf, register } from '../../pipeline/commands/verify.ts'
import { canonicalJson, type Manifest } from '../../pipeline/manifest.ts'
import type { Check } from '../../pipeline/verify/accounts.ts'
import { checksOf } from '../../pipeline/verify/verify.ts'
import { smallPairs, writeSmallBuild } from '../small-build.ts'

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
  const { card: _, ...wrong } = wrongIn(await checksOf(folder))
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
      'manifest checksums folders card accounts steps rows ledger reasons inputs shards'.split(' '),
    )
  })

  test('the command prints a line a check', async () => {
    const said = vi.spyOn(console, 'log').mockImplementation(() => {})
    const program = new Command()
    register(program)
    await program.parseAsync(['node', 'goldpan', 'verify', whole])
    const lines = String(said.mock.calls[0][0]).split('\n')
    said.mockRestore()
    expect(lines).toHaveLength(11)
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
    const wrong = wrongIn(await checksOf(folder))
    expect(wrong).toEqual({
      manifest: [expect.stringContaining('not in its canonical form')],
      card: ['README.md: is not the card of this manifest'],
    })
  })

  test('the command ends with one line and lists what differs', async () => {
    const folder = copy()
    writeFileSync(join(folder, 'train/notes.txt'), '')
    const said = vi.spyOn(console, 'log').mockImplementation(() => {})
    const program = new Command()
    register(program)
    await expect(program.parseAsync(['node', 'goldpan', 'verify', folder])).rejects.toThrow(`${folder}: 1 of 11 checks failed: folders`)
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
    expect(await afterChange(m => void m.inputs[1].rows++)).toEqual({
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
      m.inputs[0].rows++
      m.inputs[0].pairs++
      m.inputs[1].rows--
      m.inputs[1].pairs--
    })
    expect(inputs).toEqual({ inputs: ['ledger: rows of arena.jsonl is 4, expected 5', 'ledger: rows of hh.jsonl is 3, expected 2'] })
    const sources = await afterChange(m => {
      m.sources[0].train--
      m.sources[1].train++
    })
    expect(sources).toEqual({ ledger: ['ledger: arena: train is 1, expected 0', 'ledger: hh: train is 1, expected 2'] })
  })
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
