import { describe, expect, it } from 'vitest'
import { stringAt, utf8Of } from '../../pipeline/batch.ts'
import { dictionaryOf, dictionaryOfLabels } from '../../pipeline/codecs/parquet-encodings.ts'

const textsOf = (rows: number, distinct: number) => utf8Of(Array.from({ length: rows }, (_, i) => `text ${i % distinct}`))

describe('dictionaries', () => {
  it('of texts name each once, in the order in which they appear', () => {
    const found = dictionaryOf(utf8Of(['b', 'a', 'b', 'b', 'a']), 5)!
    expect([[...found.first], [...found.places]]).toEqual([
      [0, 1],
      [0, 1, 0, 0, 1],
    ])
  })

  it('are left out where nothing repeats, or not among the first 1,024', () => {
    expect(dictionaryOf(textsOf(2000, 2000), 2000)).toBeUndefined()
    expect(dictionaryOf(textsOf(8000, 1024), 8000)).toBeUndefined()
    expect(dictionaryOf(textsOf(8000, 1023), 8000)?.first.length).toBe(1023)
  })

  it('of labels hold what those of their texts hold', () => {
    const labels = ['never', 'long label', 'x', 'y']
    const values = Uint8Array.of(3, 1, 3, 2, 1, 1, 3, 2, 2, 1)
    const texts = utf8Of(Array.from(values, v => labels[v]))
    const [byNumber, byText] = [dictionaryOfLabels(values, labels, 10)!, dictionaryOf(texts, 10)!]
    expect(byNumber.dictionary.places).toEqual(byText.places)
    const said = Array.from(byNumber.dictionary.first, i => stringAt(byNumber.texts, i))
    expect(said).toEqual(Array.from(byText.first, i => stringAt(texts, i)))
    expect(dictionaryOfLabels(Uint8Array.of(1, 2), labels, 2)).toBeUndefined()
  })
})
