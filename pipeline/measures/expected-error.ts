/** How often the decisions of models are wrong, by what people said of a sample of them. */
import { wilson } from '../kernels/intervals.ts'
import { outcomes } from '../pair.ts'
import type { Json, Part } from '../stage.ts'

/** As few answers prove nothing against turning labels. */
const FEWEST_ANSWERS = 10

/**
 * By outcome the share of wrong decisions with its Wilson interval; state: whether models may turn labels. By row `ends` is the place of the
 * outcome in `outcomes`, and `right` 1 where people say that it is right.
 */
export function expectedError(min_flip_precision: number, ends: Int32Array, right: Int32Array): Part {
  const expected_error: Record<string, Json> = {}
  let may_flip = true
  for (const [end, outcome] of outcomes.entries()) {
    const n = ends.reduce((sum, e) => sum + (e === end ? 1 : 0), 0)
    if (n === 0) continue
    const rights = ends.reduce((sum, e, i) => sum + (e === end ? right[i] : 0), 0)
    const { low, high } = wilson(1 - rights / n, n)
    expected_error[outcome] = { n, error: rounded(1 - rights / n), low: rounded(low), high: rounded(high) }
    if (outcome === 'flip' && n >= FEWEST_ANSWERS && min_flip_precision > 0 && rights / n <= min_flip_precision) may_flip = false
  }
  if (ends.length === 0) return { state: { may_flip } }
  const warnings = may_flip
    ? {}
    : {
        warnings: [
          'people support too few of the labels that models would turn (min_flip_precision): models turned none, those pairs are in review',
        ],
      }
  return { facts: { answers: ends.length, expected_error, ...warnings }, state: { may_flip } }
}

const rounded = (share: number): number => Number(share.toFixed(4))
