import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Batch, slice, stringAt, utf8Of } from '../pipeline/batch.ts'
import { concat } from '../pipeline/concat.ts'
import { DamagedEntry } from '../pipeline/entry-file.ts'
import { gather } from '../pipeline/gather.ts'
import { Store } from '../pipeline/store.ts'
import { pairsOf, rowAt } from './drive.ts'

const KEY = 'ab0123456789abcdef0123456789abcd'
const store = (): Store => new Store(mkdtempSync(join(tmpdir(), 'goldpan-store-')))
const rows = (batch: Batch): unknown[] => Array.from({ length: batch.rows }, (_, i) => rowAt(batch, i))

describe('Store', () => {
  it('gives back every kind of column as it was written', () => {
    const s = store()
    const batch = pairsOf([
      {
        prompt: 'Why?',
        chosen: '\ufeffBecause',
        rejected: '',
        votes: [{ annotator: 'x', vote: 'tie' }],
        scores: { m: [1, 2] },
        lang: 'en',
      },
      {
        prompt: [
          { role: 'system', content: 'Be brief' },
          { role: 'user', content: '为什么' },
        ],
        chosen: '🙂',
        rejected: 'No',
        tie: true,
      },
    ])
    s.writeTable(KEY, [batch, batch])
    expect(rows(s.readTable(KEY))).toEqual([...rows(batch), ...rows(batch)])
    expect(rows(s.readBatch(KEY, 1))).toEqual(rows(batch))
  })

  it('keeps the first of two writers, whole', () => {
    const s = store()
    const table = (text: string): Batch => ({ schema: { a: 'utf8' }, rows: 1, columns: { a: utf8Of([text]) } })
    s.writeTable(KEY, [table('first')])
    s.writeTable(KEY, [table('second')])
    expect(stringAt(s.readTable(KEY).columns.a as never, 0)).toBe('first')
    expect(readdirSync(join(s.root, 'tmp'))).toEqual([])
  })

  it('finds any flipped byte and any cut', () => {
    const s = store()
    s.writeTable(KEY, [pairsOf([{ prompt: 'Why?' }])])
    const whole = readFileSync(s.path(KEY))
    for (let at = 0; at < whole.length; at += 7) {
      const damaged = Buffer.from(whole)
      damaged[at] ^= 1 << (at % 8)
      writeFileSync(s.path(KEY), damaged)
      expect(() => ({ ...s.readTable(KEY).columns }), `bit ${at % 8} of byte ${at}`).toThrow(DamagedEntry)
    }
    for (const length of [0, 10, whole.length >> 1, whole.length - 1]) {
      writeFileSync(s.path(KEY), whole.subarray(0, length))
      expect(() => s.readTable(KEY)).toThrow(DamagedEntry)
    }
  })

  it('gives any rows of a batch as a gather of the whole would, and reads little for few', () => {
    const s = store()
    const batch = pairsOf(
      Array.from({ length: 300 }, (_, i) => ({
        prompt: i % 7 ? `Why ${i}?` : '',
        chosen: 'ab'.repeat(i * 3),
        rejected: '为'.repeat(i % 50),
      })),
    )
    s.writeTable(KEY, [batch])
    for (const index of [[], [299], [0, 1, 2], [7, 3, 3, 250, 14], Array.from({ length: 300 }, (_, i) => i)])
      expect(rows(s.readRows(KEY, 0, Int32Array.from(index)))).toEqual(rows(gather(batch, Int32Array.from(index))))
    for (const [from, to] of [
      [0, 0],
      [0, 1],
      [13, 40],
      [299, 300],
      [0, 300],
    ])
      expect(rows(s.readRange(KEY, 0, from, to))).toEqual(rows(slice(batch, from, to)))
  })

  it('finds damage in the rows that are read, and in no others', () => {
    const s = store()
    const batch: Batch = {
      schema: { a: 'utf8' },
      rows: 3,
      columns: { a: utf8Of(['x'.repeat(20_000), 'y'.repeat(20_000), 'z'.repeat(20_000)]) },
    }
    s.writeTable(KEY, [batch])
    const damaged = readFileSync(s.path(KEY))
    damaged[damaged.indexOf('y'.repeat(100)) + 10_000] ^= 1
    writeFileSync(s.path(KEY), damaged)
    const read = (row: number): string => stringAt(s.readRows(KEY, 0, Int32Array.of(row)).columns.a as never, 0)
    expect(read(0)).toBe('x'.repeat(20_000))
    expect(() => read(1)).toThrow(DamagedEntry)
    expect(read(2)).toBe('z'.repeat(20_000))
    expect(stringAt(s.readRange(KEY, 0, 2, 3).columns.a as never, 0)).toBe('z'.repeat(20_000))
    expect(() => s.readRange(KEY, 0, 1, 3)).toThrow(DamagedEntry)
  })

  it('names a missing entry as damaged, so that it is made again', () => {
    expect(() => store().readJson(KEY)).toThrow(/is missing/)
  })

  it('concatenates what slices and blocks hold', () => {
    const batch: Batch = pairsOf([{ prompt: 'a' }, { prompt: 'b' }, { prompt: 'c' }])
    expect(rows(concat(batch.schema, [batch, batch]))).toEqual([...rows(batch), ...rows(batch)])
  })
})
