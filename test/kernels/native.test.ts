import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { utf8Of } from '../../pipeline/batch.ts'
import { BINS, ZERO } from '../../pipeline/kernels/binned.ts'
import { fitForest, forestMargins } from '../../pipeline/kernels/boosted-trees.ts'
import { familyOf } from '../../pipeline/kernels/minhash.ts'
import { nativeSigner } from '../../pipeline/kernels/native-signatures.ts'
import { nativeTokeniser } from '../../pipeline/kernels/native-tokens.ts'
import { nativeTrees } from '../../pipeline/kernels/native-trees.ts'
import { unit } from '../../pipeline/kernels/random.ts'
import { signatures } from '../../pipeline/kernels/signatures.ts'
import { tokensPlainly } from '../../pipeline/kernels/tokens.ts'
import { plainTrees } from '../../pipeline/kernels/tree-kernel.ts'
import type { Words } from '../../pipeline/kernels/words.ts'

const folder = mkdtempSync(join(tmpdir(), 'goldpan-wasm-'))
afterAll(() => rmSync(folder, { recursive: true }))
execFileSync(process.execPath, [join(import.meta.dirname, '../../pipeline/kernels/wasm/build.mjs'), folder])
const wasm = (name: string) => new Uint8Array(readFileSync(join(folder, `${name}.wasm`)))

const sameBytes = (a: { buffer: ArrayBufferLike }, b: { buffer: ArrayBufferLike }) =>
  expect(Buffer.compare(Buffer.from(a.buffer), Buffer.from(b.buffer))).toBe(0)

/** Every range of Unicode that the kernels treat in a way of its own, between much ASCII. */
const character = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 1 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ' ',
      '_',
      'Z',
      '[',
      '@',
      '{',
      '\u007f',
      'é',
      'İ',
      'ß',
      'ﬃ',
      'ΐ',
      '\u0301',
      '你',
      'の',
      'カ',
      '한',
      'ท',
      'ี่',
      '\u212a',
      '𝒜',
      '👍',
    ),
  },
)
const text = fc.array(character, { maxLength: 80 }).map(parts => parts.join('').toWellFormed())

describe('words by the compiled kernel', () => {
  const native = nativeTokeniser(wasm('tokens'), tokensPlainly)
  const same = (rows: string[]) => {
    const column = utf8Of(rows)
    expect(native(column)).toEqual(tokensPlainly(column))
  }

  it('are the same for any text', () => {
    fc.assert(fc.property(fc.array(text), same), { seed: 42, numRuns: 1000 })
  })

  it('are the same for every character of the planes in use', () => {
    const points = Array.from({ length: 0x20000 }, (_, i) => (i < 0x1f000 ? i : i + 0xc1000)).filter(i => i < 0xd800 || i >= 0xe000)
    const column = utf8Of(points.map(point => `x${String.fromCodePoint(point)}Y`))
    sameBytes(native(column).hashes, tokensPlainly(column).hashes)
  })

  it('are the same for rows of any size and views into a larger text', () => {
    const sentence = 'The quick brown fox, 你好 über! '
    const rows = [
      '',
      sentence.repeat(9000),
      'a',
      sentence.repeat(3000),
      ...new Array<string>(20_000).fill('b c'),
      'é'.repeat(200_000),
      sentence.repeat(8000),
      'end',
    ]
    const column = utf8Of(rows)
    const view = { bytes: column.bytes, offsets: column.offsets.subarray(1, rows.length) }
    for (const given of [column, view]) {
      const [fast, slow] = [native(given), tokensPlainly(given)]
      for (const name of ['starts', 'hashes', 'begins', 'ends'] as const) sameBytes(fast[name], slow[name])
    }
  })

  it('are the same where they do not fit into memory at once', () => {
    const column = utf8Of(new Array<string>(60).fill('a '.repeat(100_000)))
    sameBytes(native(column).begins, tokensPlainly(column).begins)
  })
})

describe('signatures by the compiled kernel', () => {
  const native = nativeSigner(wasm('signatures'))
  const same = (rows: number[][], ngram: number, size: number) => {
    const starts = new Int32Array(rows.length + 1)
    for (const [i, { length }] of rows.entries()) starts[i + 1] = starts[i] + length
    const words: Words = { hashes: Uint32Array.from(rows.flat()), starts, wordless: row => row }
    const family = familyOf(7, 200)
    expect(signatures(words, rows.length, ngram, family, size, native)).toEqual(
      signatures(words, rows.length, ngram, family, size, undefined),
    )
  }

  it('are the same for any words, n-grams and sizes', () => {
    const hash = fc.oneof(fc.nat({ max: 0xffffffff }), fc.constantFrom(0, 1, 0xffffffff))
    const rows = fc.array(fc.array(hash, { maxLength: 30 }), { maxLength: 10 })
    fc.assert(fc.property(rows, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 200 }), same), { seed: 42, numRuns: 500 })
  })

  it('are the same for long rows, many rows and rows that do not fit into memory', () => {
    const long = (count: number) => Array.from({ length: count }, (_, i) => (i * 2654435761) % 2 ** 32)
    same([long(5000), [], [1], long(2048 + 4), long(2047 + 4), long(300_000), [1, 2], [1, 2]], 5, 17)
    same(
      Array.from({ length: 10_000 }, (_, i) => long(i % 9)),
      5,
      130,
    )
  })
})

describe('trees by the compiled kernel', () => {
  const native = nativeTrees(wasm('trees'), plainTrees)

  it('are the same for any rows, weights and shapes of trees, and say the same of any rows', () => {
    const shape = fc.record({
      rows: fc.nat(300),
      width: fc.integer({ min: 1, max: 9 }),
      signed: fc.nat(9),
      trees: fc.integer({ min: 1, max: 6 }),
      depth: fc.integer({ min: 1, max: 6 }),
      seed: fc.nat(1000),
    })
    fc.assert(
      fc.property(shape, ({ rows, width, signed, trees, depth, seed }) => {
        const drawn = (row: number, k: number) => Math.floor(unit(seed, row, k) * BINS)
        const bins = Uint8Array.from({ length: rows * width }, (_, at) => (unit(seed, at, -1) < 0.3 ? ZERO : drawn(at, -2)))
        const binned = { width, signed: Math.min(signed, width), bins }
        const index = Int32Array.from({ length: Math.ceil(rows / 2) }, (_, i) => 2 * i)
        const weights = Float64Array.from({ length: rows }, (_, i) => 3 * unit(seed, i, -3))
        const params = { trees, depth, rate: 0.3, ridge: 1, least_curvature: 0.5 }
        const fitted = fitForest(binned, index, params, weights, native)
        expect(fitted).toEqual(fitForest(binned, index, params, weights, plainTrees))
        const all = Int32Array.from({ length: rows }, (_, i) => i)
        sameBytes(forestMargins(fitted, binned, all, native), forestMargins(fitted, binned, all, plainTrees))
      }),
      { seed: 42, numRuns: 300 },
    )
  })

  it('leave to plain code what does not fit into memory', () => {
    const { buffer } = native.room({ much: 2 ** 28 })
    expect(buffer.byteLength).toBe(2 ** 28)
  })
})
