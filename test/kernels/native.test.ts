import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8Of } from '../../pipeline/batch.ts'
import { bandKeysPlainly } from '../../pipeline/kernels/band-keys.ts'
import { familyOf } from '../../pipeline/kernels/minhash.ts'
import { mix32 } from '../../pipeline/kernels/mix.ts'
import { nativeBands } from '../../pipeline/kernels/native-bands.ts'
import { nativeSets } from '../../pipeline/kernels/native-sets.ts'
import { nativeSigner } from '../../pipeline/kernels/native-signatures.ts'
import { nativeTokeniser } from '../../pipeline/kernels/native-tokens.ts'
import { setColumn, setsOf } from '../../pipeline/kernels/sets.ts'
import { signatures } from '../../pipeline/kernels/signatures.ts'
import { type Tokens, tokensPlainly } from '../../pipeline/kernels/tokens.ts'
import type { Words } from '../../pipeline/kernels/words.ts'
import { sameBytes, text, wasm } from './native-texts.ts'

const sameTokens = (a: Tokens, b: Tokens) => {
  for (const name of ['starts', 'hashes', 'begins', 'ends'] as const) sameBytes(a[name], b[name])
}

describe('words by the compiled kernel', () => {
  const native = nativeTokeniser(wasm('tokens'), tokensPlainly)
  const same = (rows: string[]) => {
    const column = utf8Of(rows)
    sameTokens(native(column), tokensPlainly(column))
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
    for (const given of [column, view]) sameTokens(native(given), tokensPlainly(given))
  })

  it('are the same for rows without words beside a giant, and for a giant word', () => {
    const giant = 'The quick brown fox. '.repeat(14_000)
    for (const rows of [
      ['', giant],
      [giant, '', '!'],
      ['…', giant, ''],
    ])
      same(rows)
    // longer than any word that this process has read before: the first reading is no other than the second
    const column = utf8Of(['É'.repeat(300_000)])
    expect(tokensPlainly(column).hashes).toEqual(tokensPlainly(column).hashes)
  })

  it('have the places that are asked for after another column was read', () => {
    const fresh = nativeTokeniser(wasm('tokens'), tokensPlainly)
    const columns = ['one two', 'a longer, third one', '_x_ y'].map(row => utf8Of([row, '你好']))
    const read = columns.map(column => fresh(column))
    for (const i of [1, 0, 2]) expect(read[i]).toEqual(tokensPlainly(columns[i]))
    expect(fresh(columns[0])).toEqual(read[0])
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
    const words: Words = { hashes: Uint32Array.from(rows.flat()), starts, wordless: row => row, signs: () => 0 }
    const family = familyOf(7, 200)
    sameBytes(signatures(words, rows.length, ngram, family, size, native), signatures(words, rows.length, ngram, family, size, null))
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

describe('band keys by the compiled kernel', () => {
  const native = nativeBands(wasm('bands'))
  const field = (pairs: number, bands: number, rows: number, seed: number) => ({
    values: Int32Array.from({ length: pairs * bands * rows }, (_, i) => Math.imul(i + seed, 0x9e3779b1) ^ (i >> 3)),
    rows,
  })
  const same = (pairs: number, bands: number, rows: readonly number[], crossed: boolean) => {
    const straight = rows.map((n, k) => field(pairs, bands, n, k * 7))
    const responses = crossed ? ([field(pairs, bands, 3, 11), field(pairs, bands, 2, 13)] as const) : undefined
    const [fast, slow] = [native, bandKeysPlainly].map(keys => keys(pairs, bands, straight, responses))
    for (const half of ['hi', 'lo'] as const) sameBytes(fast[half], slow[half])
  }

  it('are the same for any fields', () => {
    const rows = fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 1, maxLength: 3 })
    fc.assert(fc.property(fc.nat({ max: 20 }), fc.integer({ min: 1, max: 40 }), rows, fc.boolean(), same), { seed: 42, numRuns: 300 })
  })

  it('are the same where they do not fit into memory at once', () => {
    same(1500, 17, [1], true)
    same(40, 1, [1000], false)
    same(500, 17, [], true)
  })
})

describe('sets by the compiled kernel', () => {
  const native = nativeSets(wasm('sets'))
  const same = (rows: number[][], ngram: number) => {
    const starts = new Int32Array(rows.length + 1)
    for (const [i, { length }] of rows.entries()) starts[i + 1] = starts[i] + length
    const words: Words = { hashes: Uint32Array.from(rows.flat()), starts, wordless: row => -row, signs: () => 0 }
    const [fast, slow] = [native, null].map(collector => setColumn(words, rows.length, ngram, collector))
    expect(fast.starts).toEqual(slow.starts)
    sameBytes(setsOf(fast).values, setsOf(slow).values)
  }
  const mixed = (count: number, of = count) => Array.from({ length: count }, (_, i) => mix32(i % of))

  it('are the same for any words and n-grams', () => {
    const hash = fc.oneof(fc.nat({ max: 0xffffffff }), fc.constantFrom(0, 1, 0xffffffff))
    const rows = fc.array(fc.array(hash, { maxLength: 40 }), { maxLength: 10 })
    fc.assert(fc.property(rows, fc.integer({ min: 1, max: 9 }), same), { seed: 42, numRuns: 1000 })
  })

  it('are the same for long rows, repeats, many rows and rows that do not fit into memory', () => {
    same([mixed(5000), mixed(65_536), [], mixed(65_537), mixed(70_000, 7), mixed(60_000, 3), new Array<number>(3000).fill(5), [1]], 5)
    same([mixed(65_536), mixed(1), mixed(2)], 1)
    same(
      Array.from({ length: 10_000 }, (_, i) => mixed(i % 9)),
      3,
    )
  })
})
