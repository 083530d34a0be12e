import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8Of } from '../../pipeline/batch.ts'
import { ORDERED } from '../../pipeline/kernels/style-counts.ts'
import { type StyleFeature, StyleReader, styleFeatures, writeFeatures } from '../../pipeline/kernels/style-features.ts'
import { DIGIT } from '../../pipeline/kernels/style-signs.ts'
import { tokensOf } from '../../pipeline/kernels/tokens.ts'

/** Features of one response of these turns, those that are 0 left out. */
function styleOf(...turns: string[]): Partial<Record<StyleFeature, number>> {
  const column = utf8Of(turns)
  const out = new Float32Array(styleFeatures.length)
  writeFeatures(new StyleReader().count(column, tokensOf(column), 0, turns.length), 0, out, 0)
  return Object.fromEntries(styleFeatures.flatMap((name, k) => (out[k] === 0 ? [] : [[name, out[k]]])))
}

const counts = (text: string, ...names: StyleFeature[]): (number | undefined)[] => names.map(name => styleOf(text)[name] ?? 0)

describe('StyleReader', () => {
  it.each([
    ['# One\n## Two\n###### Six\n####### seven\n#none\ntext # no', 3],
    ['  ## indented', 1],
    ['#', 1],
    ['```\n# a comment\n```\n# real', 1],
    ['```\n# never closed', 0],
  ])('counts headers of %j', (text, headers) => expect(counts(text, 'headers')).toEqual([headers]))

  it.each([
    ['1. a\n2) b\n 10. c\n1.5 no\n2024 no', 3, 0],
    ['- a\n* b\n  + c\n• d\n-no\n--- \n**bold** no', 0, 4],
    ['1、一\n2、二', 2, 0],
  ])('counts list items of %j', (text, ordered, unordered) =>
    expect(counts(text, 'ordered_items', 'unordered_items')).toEqual([ordered, unordered]),
  )

  it.each([
    ['**a** and **b c**', 2],
    ['***both***', 1],
    ['__a__ but snake__case__name', 1],
    ['**open only', 0],
    ['**not\nover lines**', 0],
    ['* item **x**', 1],
    ['*italic* _italic_', 0],
    ['`**no**` ```**code**```', 1],
  ])('counts bold spans of %j', (text, bold) => expect(counts(text, 'bold_spans')).toEqual([bold]))

  it.each([
    ['One. Two! Three? Four', 3],
    ['3.5 and v1.2.3 and e.g.this', 0],
    ['Really?! Wait... "Yes." (No.)', 4],
    ['你好。再见！好吗？', 3],
    ['नमस्ते। फिर मिलेंगे।', 2],
    ['هل تفهم؟ نعم.', 2],
    ['1. First.\n2. Second.', 2],
  ])('counts sentences of %j', (text, sentences) => expect(counts(text, 'sentences')).toEqual([sentences]))

  it('reads no list marker over the end of a text', () => {
    const column = utf8Of(['1', '、2'])
    const counts = new StyleReader().count(column, tokensOf(column), 0, 1)
    expect([counts[ORDERED], counts[DIGIT]]).toEqual([0, 1])
  })

  it('tells lines and paragraphs apart', () => expect(counts('a\nb\n\n\n  \r\nc\r\n', 'lines', 'paragraphs')).toEqual([3, 2]))

  it('takes code out of the rest', () => {
    const text = 'Look:\n```js\nconst größe = 1 // words, commas!\n```\nDone.'
    const found = styleOf(text)
    expect(found).toMatchObject({
      words: 2,
      code_blocks: 1,
      code_characters: 'js\nconst größe = 1 // words, commas!\n'.length,
      lines: 2,
      sentences: 1,
      colons: 1,
    })
    expect(found.commas).toBeUndefined()
    expect(found.exclamations).toBeUndefined()
    expect(found.characters).toBe('Look:\n\nDone.'.length)
  })

  it('counts characters, not bytes', () => expect(counts('größe 你好 🙂', 'characters', 'words')).toEqual([10, 3]))

  it.each([
    ['🙂🙂', 2],
    ['👨‍👩‍👧 is one', 1],
    ['👍🏽', 1],
    ['🇫🇷', 1],
    ['✅ ⭐ ☀️', 3],
    ['→ ™ © • 1️⃣', 0],
  ])('counts emoji of %j', (text, emoji) => expect(counts(text, 'emoji')).toEqual([emoji]))

  it.each([
    ['Sure! Here it is', 1],
    ['  **Certainly**, yes', 1],
    ['As an AI language model, I', 1],
    ['I’m sorry, but', 1],
    ['当然，可以', 1],
    ['It is sure to', 0],
    ['As an airline', 0],
    ['```\nsure\n```\nNo', 0],
  ])('sees the opener of %j', (text, opener) => expect(counts(text, 'opener')).toEqual([opener]))

  it('counts hedges, and none over the end of a text', () => {
    expect(counts('Perhaps it depends; maybe not. It might, however, work', 'hedges')).toEqual([5])
    expect(counts('可能会', 'hedges')).toEqual([1])
    expect(styleOf('that it', 'depends').hedges).toBeUndefined()
  })

  it('has a share of different words', () => expect(counts('A a B c', 'type_token_ratio')).toEqual([0.75]))

  it('adds up the turns of a response', () =>
    expect(styleOf('One, two.', '# Three')).toMatchObject({ words: 3, headers: 1, lines: 2, commas: 1 }))

  it.each(['', '   \n\n', '?!', '```'])('reads %j, which has no word', text => {
    expect(styleOf(text).words).toBeUndefined()
    expect(styleOf(text).type_token_ratio).toBeUndefined()
  })

  it('counts as regular expressions do', () => {
    const piece = fc.constantFrom(
      'word',
      '**',
      '\n',
      '\n\n',
      '# ',
      '- ',
      '1. ',
      '. ',
      '! ',
      '你',
      '。',
      '🙂',
      ', ',
      ': ',
      '`',
      '```',
      'É',
      ' ',
      '(',
      '"',
      '|',
      '7',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), pieces => {
        const text = pieces.join('')
        const prose = text.replace(/`{3,}[\s\S]*?(?:`{3,}|$)/g, '')
        const number = (pattern: RegExp): number => prose.match(pattern)?.length ?? 0
        const found = styleOf(text)
        expect([found.characters ?? 0, found.emoji ?? 0, found.quotes ?? 0, found.bars ?? 0, found.exclamations ?? 0]).toEqual([
          Array.from(prose).length,
          number(/🙂/gu),
          number(/"/g),
          number(/\|/g),
          number(/!/g),
        ])
      }),
      { seed: 42, numRuns: 500 },
    )
  })
})
