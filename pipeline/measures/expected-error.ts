/** How often the decisions of models are wrong, by what people said of a sample of them. */
import { wilson } from '../kernels/intervals.ts'
import { outcomes } from '../pair.ts'
import type { Json, Part } from '../stage.ts'

/** Fewer answers prove nothing of turned labels. */
const FEWEST_ANSWERS = 10

/** Labels that models may turn: all that they would; those alone that a model of gold is against; none. */
export type Turns = 'all' | 'gold' | 'none'

/**
 * By outcome the share of wrong decisions with its Wilson interval; state: which labels models may turn. By row `ends` is the place of the
 * outcome in `outcomes`, `right` 1 where people say that it is right, and `alone` 1 where models would turn the label without voters.
 */
export function expectedError(min_flip_precision: number, ends: Int32Array, right: Int32Array, alone: Int32Array): Part {
  const expected_error: Record<string, Json> = {}
  const turns = turnsBy(min_flip_precision, right, alone)
  for (const [end, outcome] of outcomes.entries()) {
    const n = ends.reduce((sum, e) => sum + (e === end ? 1 : 0), 0)
    if (n === 0) continue
    const rights = ends.reduce((sum, e, i) => sum + (e === end ? right[i] : 0), 0)
    const { low, high } = wilson(1 - rights / n, n)
    expected_error[outcome] = { n, error: rounded(1 - rights / n), low: rounded(low), high: rounded(high) }
  }
  if (ends.length === 0) return { state: { turns } }
  const warnings =
    turns !== 'none'
      ? {}
      : {
          warnings: [
            'people support too few of the labels that models would turn (min_flip_precision): models turned none, those pairs are in review',
          ],
        }
  return { facts: { answers: ends.length, expected_error, ...warnings }, state: { turns } }
}

function turnsBy(min_flip_precision: number, right: Int32Array, alone: Int32Array): Turns {
  if (min_flip_precision === 0) return 'all'
  const n = alone.reduce((sum, a) => sum + a, 0)
  if (n < FEWEST_ANSWERS) return 'gold'
  const rights = alone.reduce((sum, a, i) => sum + a * right[i], 0)
  return rights / n > min_flip_precision ? 'all' : 'none'
}

const rounded = (share: number): number => Number(share.toFixed(4))
