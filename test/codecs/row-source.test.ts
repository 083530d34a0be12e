import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nameOf, sameText, stringOf } from '../../pipeline/codecs/row-source.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = fc.string({ unit: 'grapheme', maxLength: 80 })

describe('names', () => {
  test('are the strings of their bytes, however many there are', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 50 }), texts => {
        for (const name of [...texts, ...texts]) expect(nameOf(bytesOf(name))).toBe(name)
      }),
      { seed: 42 },
    )
    const many = Array.from({ length: 5000 }, (_, i) => `name ${i % 2500}`)
    expect(many.map(name => nameOf(bytesOf(name)))).toEqual(many)
  })

  test('do not change with the bytes they were read from', () => {
    const bytes = bytesOf('user')
    expect(nameOf(bytes)).toBe('user')
    bytes[0] = 'U'.charCodeAt(0)
    expect([nameOf(bytes), nameOf(bytesOf('user'))]).toEqual(['User', 'user'])
  })
})

test('texts are the same as strings and as bytes', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      for (const x of [a, bytesOf(a)]) for (const y of [b, bytesOf(b)]) expect(sameText(x, y)).toBe(a === b)
      expect(sameText(bytesOf(a), a)).toBe(true)
      expect(stringOf(bytesOf(`\ufeff${a}`))).toBe(`\ufeff${a}`)
    }),
    { seed: 42 },
  )
})
