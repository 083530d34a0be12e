/** Finds fixed phrases among the words of a text. */
import { utf8Of } from '../batch.ts'
import { tokensOf } from './tokens.ts'

/** Phrases by the hash of their first word, each the hashes of the words after it. */
export type Phrases = ReadonlyMap<number, readonly Uint32Array[]>

/** Case and what separates the words do not count. */
export function phrasesOf(texts: readonly string[]): Phrases {
  const { hashes, starts } = tokensOf(utf8Of(texts))
  const phrases = new Map<number, Uint32Array[]>()
  for (let i = 0; i < texts.length; i++) {
    const first = hashes[starts[i]]
    const rest = hashes.slice(starts[i] + 1, starts[i + 1])
    phrases.set(first, [...(phrases.get(first) ?? []), rest])
  }
  return phrases
}

/** How many of words[from .. to) begin one of the phrases, which may go on until `end`. */
export function countPhrases(phrases: Phrases, words: Uint32Array, from: number, to: number, end = to): number {
  let count = 0
  for (let k = from; k < to; k++) {
    const rests = phrases.get(words[k])
    if (rests?.some(rest => k + rest.length < end && rest.every((word, j) => words[k + 1 + j] === word))) count++
  }
  return count
}
