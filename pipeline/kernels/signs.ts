/** The signs of a short text: what its words leave out, which may turn its meaning (-2 and 2, C++ and C#, a < b and a > b, emoji). */
import type { Utf8 } from '../batch.ts'
import { mix32 } from './mix.ts'
import type { Tokens } from './tokens.ts'

/** Stands for a word. */
const WORD = '\u0000'
const WHITE_SPACE = /\s/

/** One way to write what may be written in several: full width, dashes and minus, quotation marks; nothing that is not seen. */
const spelling: readonly (readonly [RegExp, string])[] = [
  [/[\p{Cf}\p{Variation_Selector}`]/gu, ''],
  [/[、。]/g, ' '],
  [/[\u2010-\u2015\u2212]/g, '-'],
  [/[‘’‚‛“”„‟«»]/g, '"'],
]

/** What only sets words off: Markdown's items and headers, emphasis and quotation at the edge of words, and ends of sentences and clauses. */
const SET_OFF = [/^[ \t]*(?:[-*•]|#{1,6})\s/gm, /(?<!\S)[*"']+(?=[^\s*"'])|(?<=[^\s*"'])[*"']+(?!\S)/g, /(?<![.,:;?])[.,:;?]+(?!\S)/g]
/** Twice, as ("Yes".) takes. */
const passes = [...SET_OFF, ...SET_OFF]

const tellingSigns = (text: string): string =>
  passes.reduce(
    (signs, setOff) => signs.replace(setOff, ''),
    spelling.reduce((signs, [written, as]) => signs.replace(written, as), text.normalize('NFKC')),
  )

/** Hash of the signs of texts [from, to) of a column, and of the words they stand between; 0 without any. */
export function signsOf(column: Utf8, tokens: Tokens, from: number, to: number): number {
  let hash = 0
  for (let text = from; text < to; text++) hash = combine(hash, hashOf(tellingSigns(withoutWords(column, tokens, text))))
  return hash
}

/** Two hashes as one, in their order; 0 of two zeros. */
export const combine = (hash: number, next: number): number => (Math.imul(hash, 0x01000193) + next) | 0

const decoder = new TextDecoder()

/** A text with WORD for each of its words. */
function withoutWords({ bytes, offsets }: Utf8, { starts, begins, ends }: Tokens, text: number): string {
  let signs = ''
  let at = offsets[text]
  for (let word = starts[text]; word < starts[text + 1]; word++) {
    signs += decoder.decode(bytes.subarray(at, begins[word])) + WORD
    at = ends[word]
  }
  return signs + decoder.decode(bytes.subarray(at, offsets[text + 1]))
}

function hashOf(signs: string): number {
  let hash = 0
  let words = 0
  for (let i = 0; i < signs.length; i++) {
    if (signs[i] === WORD) words++
    else if (!WHITE_SPACE.test(signs[i])) hash = mix32(Math.imul(hash, 0x01000193) ^ mix32(signs.charCodeAt(i)) ^ words)
  }
  return hash
}
