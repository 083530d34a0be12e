import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchOf, listOf, slice, stringAt, turnsOf, utf8Of } from '../../pipeline/batch.ts'
import { classOf, expansions, LETTER, MARK, pageOf, UNSPACED } from '../../pipeline/kernels/characters.ts'
import { rowStarts, tokensOf } from '../../pipeline/kernels/tokens.ts'

function wordsOf(text: string): string[] {
  const column = utf8Of([text])
  const tokens = tokensOf(column)
  return Array.from(tokens.hashes, (_, i) => Buffer.from(column.bytes.subarray(tokens.begins[i], tokens.ends[i])).toString())
}
const hashesOf = (text: string): number[] => Array.from(tokensOf(utf8Of([text])).hashes)

describe('words', () => {
  it.each([
    ['The cat, the_cat-2!', ['The', 'cat', 'the_cat', '2']],
    ['  3.14 ', ['3', '14']],
    ['naïve café', ['naïve', 'café']],
    ['e\u0301te\u0301 x', ['e\u0301te\u0301', 'x']],
    ['你好world世', ['你', '好', 'world', '世']],
    ['ひらカタカナ', ['ひ', 'ら', 'カタカナ']],
    ['한국어 문장', ['한국어', '문장']],
    ['ที่นี่', ['ที่', 'นี่']],
    ['સારું છે', ['સારું', 'છે']],
    ['𝒜b 𠀀𠀁', ['𝒜b', '𠀀', '𠀁']],
    ['👍🏽 …“”', []],
    ['\u0301\u0302', ['\u0301\u0302']],
    ['aé', ['aé']],
    ['ไa', ['ไ', 'a']],
    ['', []],
  ])('%s', (text, words) => expect(wordsOf(text)).toEqual(words))

  it('tells where the words of each row are', () => {
    const { starts, begins } = tokensOf(utf8Of(['a b', '', '!', 'é']))
    expect([...starts]).toEqual([0, 2, 2, 2, 3])
    expect([...begins]).toEqual([0, 2, 4])
  })
})

describe('case folding', () => {
  it.each([
    ['Straße', 'STRASSE'],
    ['Straẞe', 'strasse'],
    ['ſo', 'SO'],
    ['ΟΔΟΣ', 'οδος'],
    ['οδός', 'ΟΔΌΣ'],
    ['İ', 'i\u0307'],
    ['ﬁn', 'FIN'],
    ['ŉ', 'ʼN'],
    ['\u212a', 'k'],
    ['ΑΙ', 'ᾳ'],
    ['Ⅷ', 'ⅷ'],
    ['Ꭰ', 'ꭰ'],
    ['été', 'e\u0301te\u0301'],
    ['Việt Ấp', 'vie\u0323\u0302t a\u0302\u0301p'],
    ['ᾂ', '\u03b1\u0313\u0300\u0345'],
    ['ガス', '\u30ab\u3099ス'],
    ['й', 'и\u0306'],
    ['Å', '\u212b'],
  ])('%s = %s', (a, b) => expect(hashesOf(a)).toEqual(hashesOf(b)))

  it.each([
    ['ı', 'i'],
    ['a', 'á'],
    ['1', '2'],
    ['ab', 'ba'],
  ])('%s is not %s', (a, b) => expect(hashesOf(a)).not.toEqual(hashesOf(b)))

  it('expands to word characters only, so that folding first or last gives the same words', () => {
    for (let page = 0; page < 0x1100; page++) pageOf(page)
    expect(expansions.length).toBeGreaterThan(900)
    expect(expansions.length).toBeLessThan(2048)
    for (const folded of expansions)
      for (const point of folded) expect([LETTER, MARK, UNSPACED]).toContain(classOf(pageOf(point >> 8)[point & 255]))
  })
})

const REFERENCE =
  /[\p{Script=Han}\p{Script=Hiragana}]|(?=\p{L})[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]\p{M}*|(?:(?![\p{Script=Han}\p{Script=Hiragana}]|(?=\p{L})[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}])[\p{L}\p{M}\p{N}_])+/gu

const texts = fc.array(
  fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.constantFrom('你', 'ー', 'ท', 'ั', 'ß', 'İ', ' ', 'A')),
)

describe('for any text', () => {
  it('finds the words of the definition', () => {
    fc.assert(
      fc.property(texts, parts => {
        const text = parts.join('').toWellFormed()
        expect(wordsOf(text)).toEqual(text.match(REFERENCE) ?? [])
      }),
      { seed: 42, numRuns: 1000 },
    )
  })

  it('does not depend on how rows lie in a batch', () => {
    fc.assert(
      fc.property(fc.array(texts, { minLength: 3 }), rows => {
        const strings = rows.map(parts => parts.join('').toWellFormed())
        const content = utf8Of(strings)
        const turns = listOf(
          strings.map(() => 1),
          batchOf(turnsOf.list, strings.length, { role: { values: new Uint8Array(strings.length) }, content }),
        )
        const cut = slice(batchOf({ prompt: turnsOf }, strings.length, { prompt: turns }), 1, strings.length).columns.prompt
        const tokens = tokensOf(cut.items.columns.content)
        const starts = rowStarts(cut, tokens)
        for (let i = 1; i < strings.length; i++) {
          expect(stringAt(content, i)).toBe(strings[i])
          expect([...tokens.hashes.subarray(starts[i - 1], starts[i])]).toEqual(hashesOf(strings[i]))
        }
      }),
      { seed: 42 },
    )
  })
})
