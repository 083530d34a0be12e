import { expect, it } from 'vitest'
import { utf8Of } from '../../pipeline/batch.ts'
import { countPhrases, phrasesOf } from '../../pipeline/kernels/phrases.ts'
import { tokensOf } from '../../pipeline/kernels/tokens.ts'

const phrases = phrasesOf(["I can't", 'I cannot', 'no'])
const { hashes, starts } = tokensOf(utf8Of(["No, I can’t! i CANNOT; can't I?", 'I', "can't"]))

it('finds phrases whatever the case and the marks between words', () => expect(countPhrases(phrases, hashes, 0, starts[1])).toBe(3))

it('does not read on into the next row', () => {
  expect(countPhrases(phrases, hashes, starts[1], starts[2])).toBe(0)
  expect(countPhrases(phrases, hashes, starts[1], starts[2], starts[3])).toBe(1)
})
