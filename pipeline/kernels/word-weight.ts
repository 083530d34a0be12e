/** How much of a word a token stands for, in scripts that put no spaces between words. */
import { classOf, IDEOGRAPH, pageOf, UNSPACED } from './characters.ts'

const decoder = new TextDecoder()

/** A word is 1, a Han or Hiragana character .6, a letter of Thai, Lao, Khmer or Myanmar .2 of the token bytes[begin .. end). */
function wordWeight(bytes: Uint8Array, begin: number, end: number): number {
  const point = decoder.decode(bytes.subarray(begin, end)).codePointAt(0)!
  const kind = classOf(pageOf(point >>> 8)[point & 255])
  return kind === IDEOGRAPH ? 0.6 : kind === UNSPACED ? 0.2 : 1
}

/** The weight of tokens from .. to). */
export function weightOfWords(bytes: Uint8Array, begins: Int32Array, ends: Int32Array, from: number, to: number): number {
  let weight = 0
  for (let i = from; i < to; i++) weight += wordWeight(bytes, begins[i], ends[i])
  return weight
}
