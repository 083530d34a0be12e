import fc from 'fast-check'
import { expect, it } from 'vitest'
import { WordMarks } from '../../pipeline/kernels/word-marks.ts'

it('keeps marks of hashes until it is cleared, as a map does', () => {
  const table = new WordMarks()
  const hash = fc.integer({ min: 0, max: 0xffffffff }).map(h => (h & 0xf000003f) >>> 0)
  const rounds = fc.array(fc.array(fc.tuple(hash, fc.constantFrom(1, 2, 4)), { maxLength: 60 }), { maxLength: 5 })
  fc.assert(
    fc.property(rounds, rounds => {
      for (const words of rounds) {
        const map = new Map<number, number>()
        table.clear(words.length)
        for (const [word, marks] of words) {
          expect(table.mark(word, marks)).toBe(map.get(word) ?? 0)
          map.set(word, (map.get(word) ?? 0) | marks)
        }
        for (const [word, marks] of map) expect(table.mark(word, 0)).toBe(marks)
      }
    }),
    { seed: 42 },
  )
})

it('makes room for many words and gives it back', () => {
  const table = new WordMarks()
  table.clear(1 << 20)
  for (let word = 0; word < 1 << 20; word++) table.mark(word, 1)
  expect(table.mark(99_999, 0)).toBe(1)
  table.clear(3)
  expect(table.mark(99_999, 0)).toBe(0)
  expect(table.mark(5, 2)).toBe(0)
})
