/** How the styles of a pair's two responses differ, and in what surroundings. */
import { controlled, place, styleFeatures } from './style-features.ts'

const WIDTH = styleFeatures.length

/** What does not change when a pair is turned: how long and how marked up both responses are together, as logarithms. */
export const CONTEXT = 2

const markdown = [place.headers, place.ordered_items, place.unordered_items, place.bold_spans]
const lengths = [place.characters, place.code_characters]

function sumOf(features: Float32Array, at: number, places: readonly number[]): number {
  let sum = 0
  for (let k = 0; k < places.length; k++) sum += features[at + places[k]]
  return sum
}

export interface StyleDifferences {
  /** (f_chosen - f_rejected) / (f_chosen + f_rejected + 1) of every feature (style control of LMArena). */
  readonly differences: Float32Array
  readonly context: Float32Array
  /** 1, 0 or -1: chosen has more characters, more headers, list items and bold spans, or fewer. */
  readonly longer: Float32Array
  readonly more_markdown: Float32Array
}

/** Of the rows named by `index`, in that order. */
export function styleDifferences(chosen: Float32Array, rejected: Float32Array, index: Int32Array): StyleDifferences {
  const differences = new Float32Array(index.length * WIDTH)
  const context = new Float32Array(index.length * CONTEXT)
  const longer = new Float32Array(index.length)
  const more_markdown = new Float32Array(index.length)
  for (let i = 0; i < index.length; i++) {
    const at = index[i] * WIDTH
    for (let k = 0; k < WIDTH; k++) {
      const a = chosen[at + k]
      const b = rejected[at + k]
      if (a !== b) differences[i * WIDTH + k] = (a - b) / (a + b + 1)
    }
    const more = sumOf(chosen, at, markdown)
    const less = sumOf(rejected, at, markdown)
    context[i * CONTEXT] = Math.log1p(chosen[at + place.words] + rejected[at + place.words])
    context[i * CONTEXT + 1] = Math.log1p(more + less)
    longer[i] = Math.sign(sumOf(chosen, at, lengths) - sumOf(rejected, at, lengths))
    more_markdown[i] = Math.sign(more - less)
  }
  return { differences, context, longer, more_markdown }
}

export const SIGNED = controlled.length
export const INPUTS = SIGNED + CONTEXT
