import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BINS, ZERO } from '../../pipeline/kernels/binned.ts'
import { fitForest, forestMargins } from '../../pipeline/kernels/boosted-trees.ts'
import { mix32 } from '../../pipeline/kernels/mix.ts'
import { nativeQuality } from '../../pipeline/kernels/native-quality.ts'
import { nativeStyle } from '../../pipeline/kernels/native-style.ts'
import { nativeTerms } from '../../pipeline/kernels/native-terms.ts'
import { nativeTrees } from '../../pipeline/kernels/native-trees.ts'
import { qualityCounts } from '../../pipeline/kernels/quality-vectors.ts'
import { unit } from '../../pipeline/kernels/random.ts'
import { COUNTS } from '../../pipeline/kernels/style-counts.ts'
import { StyleReader } from '../../pipeline/kernels/style-features.ts'
import { termLists } from '../../pipeline/kernels/text-terms.ts'
import { tokensOf } from '../../pipeline/kernels/tokens.ts'
import { plainTrees } from '../../pipeline/kernels/tree-kernel.ts'
import { character, sameBytes, turnsFrom, wasm } from './native-texts.ts'

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
