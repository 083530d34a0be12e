/** A run of a build that is there already writes nothing but run.json, and answers as the first did. */
import { readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { isInPlace } from '../pipeline/in-place.ts'
import type { Manifest } from '../pipeline/manifest.ts'
import { checksOf } from '../pipeline/verify/verify.ts'
import { Bench } from './built.ts'
import { goldpan } from './cli.ts'

const bench = new Bench('in-place')
const out = join(bench.dir, 'out')
const store = join(bench.dir, 'store')
const rows = Array.from({ length: 40 }, (_, i) => ({ prompt: `say ${i}`, chosen: `this is ${i}`, rejected: i === 7 ? '' : `no ${i}` }))
const config = bench.config(
  { 'a.jsonl': rows },
  'steps: [structure]\noutput: { splits: { validation: 0.2 } }\nexpect: ["report.totals.train > 5", "run.seconds > 0"]\n',
)
const run = () => goldpan(['run', config, '--out', out, '--store', store, '--threads', '0', '--progress', 'none'])
const read = (file: string): string => readFileSync(join(out, file), 'utf8')

let first: ReturnType<typeof goldpan>
beforeAll(() => {
  first = run()
})

it('a second run tells the same and leaves all files but run.json', async () => {
  const [page, started] = [statSync(join(out, 'report.html')).mtimeMs, read('run.json')]
  expect([first.code, run()]).toEqual([0, first])
  expect(statSync(join(out, 'report.html')).mtimeMs).toBe(page)
  expect(read('run.json')).not.toBe(started)
  expect((await checksOf(out)).flatMap(({ wrong }) => wrong)).toEqual([])
})

it('any file that is another, missing or too much is seen', async () => {
  const manifest = JSON.parse(read('manifest.json')) as Manifest
  const inPlace = (): Promise<boolean> => isInPlace(manifest, out, { store, rehash: false })
  expect(await inPlace()).toBe(true)
  for (const file of ['report.html', 'README.md', 'run.json', 'SHA256SUMS', 'manifest.json', 'ledger/part-00000.parquet']) {
    const path = join(out, file)
    renameSync(path, join(bench.dir, 'aside'))
    expect(await inPlace(), `without ${file}`).toBe(false)
    const bytes = readFileSync(join(bench.dir, 'aside'))
    bytes[bytes.length >> 1] ^= 1
    writeFileSync(path, bytes)
    expect(await inPlace(), `with another ${file}`).toBe(false)
    renameSync(join(bench.dir, 'aside'), path)
  }
  for (const stray of ['train/part-00001.parquet', 'UNPUBLISHED', '.goldpan-incomplete']) {
    writeFileSync(join(out, stray), '')
    expect(await inPlace(), `with ${stray}`).toBe(false)
    rmSync(join(out, stray))
  }
  expect(await inPlace()).toBe(true)
  expect(await isInPlace({ ...manifest, name: 'other' }, out, { store, rehash: false })).toBe(false)
})

it('a file whose times were put back is read again all the same', async () => {
  const manifest = JSON.parse(read('manifest.json')) as Manifest
  const path = join(out, 'ledger/part-00000.parquet')
  const { atime, mtime } = statSync(path)
  const whole = readFileSync(path)
  const bytes = Buffer.from(whole)
  bytes[100] ^= 1
  writeFileSync(path, bytes)
  utimesSync(path, atime, mtime)
  expect(await isInPlace(manifest, out, { store, rehash: false })).toBe(false)
  expect(run()).toEqual(first)
  expect(readFileSync(path)).toEqual(whole)
})
