import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { batchOf, listOf, type Turns, turnsOf, utf8Of } from '../../pipeline/batch.ts'
import { bandKeysPlainly } from '../../pipeline/kernels/band-keys.ts'
import { BINS, ZERO } from '../../pipeline/kernels/binned.ts'
import { fitForest, forestMargins } from '../../pipeline/kernels/boosted-trees.ts'
import { familyOf } from '../../pipeline/kernels/minhash.ts'
import { mix32 } from '../../pipeline/kernels/mix.ts'
import { nativeBands } from '../../pipeline/kernels/native-bands.ts'
import { nativeQuality } from '../../pipeline/kernels/native-quality.ts'
import { nativeSets } from '../../pipeline/kernels/native-sets.ts'
import { nativeSigner } from '../../pipeline/kernels/native-signatures.ts'
import { nativeStyle } from '../../pipeline/kernels/native-style.ts'
import { nativeTerms } from '../../pipeline/kernels/native-terms.ts'
import { nativeTokeniser } from '../../pipeline/kernels/native-tokens.ts'
import { nativeTrees } from '../../pipeline/kernels/native-trees.ts'
import { qualityCounts } from '../../pipeline/kernels/quality-vectors.ts'
import { unit } from '../../pipeline/kernels/random.ts'
import { setColumn } from '../../pipeline/kernels/sets.ts'
import { signatures } from '../../pipeline/kernels/signatures.ts'
import { COUNTS } from '../../pipeline/kernels/style-counts.ts'
import { StyleReader } from '../../pipeline/kernels/style-features.ts'
import { termLists } from '../../pipeline/kernels/text-terms.ts'
import { tokensOf, tokensPlainly } from '../../pipeline/kernels/tokens.ts'
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

const turnsFrom = (responses: string[][]): Turns => {
  const content = utf8Of(responses.flat())
  const rows = responses.flat().length
  const items = batchOf(turnsOf.list, rows, { role: { values: new Uint8Array(rows).fill(2) }, content })
  return listOf(
    responses.map(turns => turns.length),
    items,
  )
}

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

describe('band keys by the compiled kernel', () => {
  const native = nativeBands(wasm('bands'))
  const field = (pairs: number, bands: number, rows: number, seed: number) => ({
    values: Int32Array.from({ length: pairs * bands * rows }, (_, i) => Math.imul(i + seed, 0x9e3779b1) ^ (i >> 3)),
    rows,
  })
  const same = (pairs: number, bands: number, rows: readonly number[], crossed: boolean) => {
    const straight = rows.map((n, k) => field(pairs, bands, n, k * 7))
    const responses = crossed ? ([field(pairs, bands, 3, 11), field(pairs, bands, 2, 13)] as const) : undefined
    expect(native(pairs, bands, straight, responses)).toEqual(bandKeysPlainly(pairs, bands, straight, responses))
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
    const words: Words = { hashes: Uint32Array.from(rows.flat()), starts, wordless: row => -row }
    expect(setColumn(words, rows.length, ngram, native)).toEqual(setColumn(words, rows.length, ngram, null))
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

describe('terms by the compiled kernel', () => {
  const native = nativeTerms(wasm('terms'))
  const wordsFrom = (rows: number[][]) => {
    const starts = new Int32Array(rows.length + 1)
    for (const [i, { length }] of rows.entries()) starts[i + 1] = starts[i] + length
    return { hashes: Uint32Array.from(rows.flat()), starts }
  }
  type Row = readonly [prompt: number[], chosen: number[], rejected: number[]]
  const same = (rows: readonly Row[], most: number) => {
    const sides = [0, 1, 2].map(side => wordsFrom(rows.map(row => row[side])))
    const [prompt, chosen, rejected] = sides
    const given = [prompt, chosen, rejected] as const
    expect(termLists(given, rows.length, most, native)).toEqual(termLists(given, rows.length, most, null))
  }

  it('are the same for any words and any number of terms', () => {
    const hash = fc.oneof(
      { weight: 4, arbitrary: fc.nat({ max: 40 }).map(mix32) },
      { weight: 1, arbitrary: fc.nat({ max: 0xffffffff }) },
      { weight: 1, arbitrary: fc.constantFrom(0, 1, 0x400, 0xffffffff) },
    )
    const words = fc.array(hash, { maxLength: 40 })
    fc.assert(fc.property(fc.array(fc.tuple(words, words, words), { maxLength: 8 }), fc.integer({ min: 1, max: 120 }), same), {
      seed: 42,
      numRuns: 500,
    })
  })

  it('are the same for many rows, long rows and rows that do not fit into memory', () => {
    const long = (count: number, from = 0) => Array.from({ length: count }, (_, i) => mix32(i + from))
    same(
      [
        [long(9), long(40_000), long(16_000, 30_000)],
        [[], [], []],
        [long(3), long(50_000), long(50_000, 9)],
        [[1], [1, 2], [2]],
      ],
      256,
    )
    same(new Array<Row>(9000).fill([long(3), long(4), long(4, 2)]), 5)
  })
})

describe('quality by the compiled kernel', () => {
  const native = nativeQuality(wasm('quality'))
  type Row = readonly [prompt: string[], chosen: string[], rejected: string[]]
  const same = (rows: readonly Row[]) => {
    const [prompt, chosen, rejected] = [0, 1, 2].map(side => turnsFrom(rows.map(row => row[side])))
    const texts = [prompt, chosen, rejected] as const
    sameBytes(qualityCounts(texts, rows.length, native), qualityCounts(texts, rows.length, null))
  }

  const piece = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom(' ', '\n', '\n\n', '\r\n', '\0', '\v', '(', ')', '[', ']', '{', '}', '<|', '<', '|', '\ufffd'),
    },
    { weight: 6, arbitrary: fc.constantFrom('water ', 'Water ', 'the ', 'Ada Lovelace ', ', Alan ', 'abcdefghi ', '12 ', '7', 'x') },
    { weight: 3, arbitrary: fc.constantFrom("I can't ", "I'm sorry", '抱歉', 'je suis désolé ', 'as an AI ', 'no puedo ') },
    { weight: 3, arbitrary: fc.constantFrom('\nHuman: ', '\nUser: ', 'Assistant:', '\n### Instruction', '```', '\n```js\n', '``', '###') },
    { weight: 3, arbitrary: fc.constantFrom('вода', 'ماء', 'પાણી', '水', 'みず', '물', '。', '？', '🙂', '«', 'ქართული', 'é') },
    { weight: 2, arbitrary: character },
  )
  const written = fc.array(piece, { maxLength: 50 }).map(parts => parts.join('').toWellFormed())

  it('is the same for any prompts and responses', () => {
    const turns = fc.array(written, { maxLength: 3 })
    const rows = fc.array(fc.tuple(turns, turns, turns), { maxLength: 6 })
    fc.assert(fc.property(rows, same), { seed: 42, numRuns: 1000 })
  })

  it('is the same for every character of the planes in use', () => {
    const points = Array.from({ length: 0x20000 }, (_, i) => i).filter(i => i < 0xd800 || i >= 0xe000)
    const texts = Array.from({ length: 64 }, (_, k) => points.filter(i => i % 64 === k).map(i => String.fromCodePoint(i)))
    same(texts.map((text, k): Row => [[text.join('')], [text.join(' ')], [texts[(k + 1) % 64].slice(0, 3 * k + 1).join('')]]))
  })

  it('is the same for many rows, many turns, long rows and rows that do not fit into memory', () => {
    const sentence = 'Tell Ada Lovelace of 12 rivers, I cannot say (why). 你好！\n'
    same(new Array<Row>(5000).fill([['why'], ['Because of Rain.'], ['no']]))
    same([[[sentence.repeat(900), 'and then?'], new Array<string>(3000).fill('# x\n'), [sentence.repeat(300)]]])
    same([
      [['a'], [sentence.repeat(5000)], ['b']],
      [['end'], ['a '.repeat(40_000)], ['a'.repeat(131_073)]],
      [[], [], ['c']],
    ])
    same([
      [['a'], ['\n-'.repeat(60_000)], ['x\n'.repeat(3000)]],
      [[], [], []],
    ])
  })
})

describe('style by the compiled kernel', () => {
  const native = nativeStyle(wasm('style'))
  const reader = new StyleReader()
  const same = (responses: string[][], leaves = 0) => {
    const turns = turnsFrom(responses)
    const { content } = turns.items.columns
    const tokens = tokensOf(content)
    const out = new Int32Array(responses.length * COUNTS)
    const left = native(turns, tokens, responses.length, out)
    expect(left.filter(Boolean)).toHaveLength(leaves)
    for (let i = 0; i < responses.length; i++) {
      if (left[i] === 1) continue
      expect([...out.subarray(i * COUNTS, (i + 1) * COUNTS)]).toEqual([
        ...reader.count(content, tokens, turns.starts[i], turns.starts[i + 1]),
      ])
    }
  }

  const piece = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom(' ', '\n', '\n\n', '\r\n', '\t', '. ', '.', '? ', '!" ', '1', '12. ', '3) ', '4、', '# ', '#'),
    },
    { weight: 6, arbitrary: fc.constantFrom('- ', '* ', '+', '• ', '*', '**', '***', '__', '_', '`', '``', '```', '````', '```js\n') },
    {
      weight: 4,
      arbitrary: fc.constantFrom('sure', 'as an ai', 'perhaps', 'it depends', 'in my', 'in my opinion', '可能', 'an', 'Word', 'x'),
    },
    {
      weight: 3,
      arbitrary: fc.constantFrom('👍', '🏽', '👨\u200d👩', '🇫🇷', '\u200d', '。', '！？', '，', '「', '｜', ',', ':', '(', ']', '|', '"'),
    },
    { weight: 2, arbitrary: character },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        'an ordinary run of words without any sign ',
        'ünïcödé wörds ',
        '一段没有任何标点的普通文字写得比较长',
        '한국어로쓴긴문장',
      ),
    },
  )
  const styled = fc.array(piece, { maxLength: 60 }).map(parts => parts.join('').toWellFormed())

  it('is the same for any responses', () => {
    const responses = fc.array(fc.array(styled, { maxLength: 3 }), { maxLength: 6 })
    fc.assert(
      fc.property(responses, given => same(given)),
      { seed: 42, numRuns: 1500 },
    )
  })

  it('is the same for every character of the planes in use', () => {
    const points = Array.from({ length: 0x20000 }, (_, i) => i).filter(i => i < 0xd800 || i >= 0xe000)
    same(
      Array.from({ length: 64 }, (_, k) => [
        points
          .filter(i => i % 64 === k)
          .map(i => `${String.fromCodePoint(i)} `)
          .join(''),
      ]),
    )
  })

  it('is the same for many rows, many turns, long rows and rows that do not fit into memory', () => {
    const sentence = 'The quick **brown** fox, you might say. 你好！ ```a b``` over! '
    same(new Array<string[]>(10_000).fill(['Sure. b c']))
    same([[sentence.repeat(3500)], [], new Array<string>(16_000).fill('# x'), ['a']])
    same([['a'], [sentence.repeat(5000)], ['a '.repeat(131_000), 'b'], ['a '.repeat(131_072)], ['end']], 2)
    same([new Array<string>(20_000).fill('')], 1)
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
