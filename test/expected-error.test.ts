/** What people say of the decisions of models, where the pairs they answered are no simple sample of them. */
import { describe, expect, it } from 'vitest'
import { type Batch, batchOf, utf8Of } from '../pipeline/batch.ts'
import { Draws } from '../pipeline/kernels/random.ts'
import { allocate } from '../pipeline/kernels/sampling.ts'
import { decided, expectedError, SAID } from '../pipeline/measures/expected-error.ts'
import { outcomes } from '../pipeline/pair.ts'

interface Pair {
  readonly outcome: 'keep' | 'flip'
  readonly right?: boolean
  readonly p?: number
  readonly inclusion?: number
  readonly stratum?: string
}

const rowsOf = (pairs: readonly Pair[]): Batch =>
  batchOf(decided, pairs.length, {
    ordinal: { values: Int32Array.from(pairs.keys()) },
    outcome: { values: Int32Array.from(pairs, ({ outcome }) => outcomes.indexOf(outcome)) },
    said: { values: Int32Array.from(pairs, ({ right }) => (right === undefined ? SAID.nothing : right ? SAID.right : SAID.wrong)) },
    alone: { values: Int32Array.from(pairs, ({ outcome }) => (outcome === 'flip' ? 1 : 0)) },
    p_mean: { values: Float32Array.from(pairs, ({ p = 0.9 }) => p) },
    audited: { values: Int32Array.from(pairs, ({ inclusion }) => (inclusion === undefined ? 0 : 1)) },
    inclusion_probability: { values: Float64Array.from(pairs, ({ inclusion = 0 }) => inclusion) },
    stratum: utf8Of(pairs.map(({ stratum = '' }) => stratum)),
  }) as unknown as Batch

interface Told {
  readonly expected_error: Readonly<
    Record<string, { readonly n: number; readonly error: number; readonly low: number; readonly high: number }>
  >
  readonly warnings?: readonly string[]
}
const toldOf = (pairs: readonly Pair[]) => {
  const { facts, state } = expectedError(0.5, rowsOf(pairs))
  return { ...(facts as unknown as Told), state }
}

it('of kept labels weighs audited pairs by what they stand for: small strata have a place each, and no more to say', () => {
  const sizes = [3000, 800, ...new Array<number>(40).fill(6)]
  const wrong = (stratum: number): number => (stratum === 0 ? 0.08 : stratum === 1 ? 0.2 : 0.6)
  const truth = sizes.reduce((sum, n, s) => sum + n * wrong(s), 0) / sizes.reduce((a, b) => a + b)
  const places = allocate(sizes, 100)
  const covered = Array.from({ length: 200 }, (_, seed) => {
    const draws = new Draws().start(seed, 1, 1)
    const pairs = places.flatMap((n, s) =>
      Array.from(
        { length: n },
        (): Pair => ({ outcome: 'keep', right: !draws.chance(wrong(s)), inclusion: n / sizes[s], stratum: `${s}` }),
      ),
    )
    const { low, high } = toldOf(pairs).expected_error.keep
    return low <= truth && truth <= high
  }).filter(Boolean).length
  expect(covered).toBeGreaterThan(180)
})

describe('of labels that models would turn', () => {
  /** Of 500 the lowest p_mean are nearly all rightly turned, the highest hardly any; `answered` says which people saw. */
  const flips = (answered: (i: number) => boolean): Pair[] => {
    const draws = new Draws().start(7, 1, 1)
    return Array.from({ length: 500 }, (_, i) => {
      const right = draws.chance(0.9 * (1 - i / 500))
      return { outcome: 'flip', p: (0.2 * i) / 500, ...(answered(i) ? { right } : {}) }
    })
  }

  it('answers on the most doubtful ones stand for these alone', () => {
    const truth = toldOf(flips(() => true)).expected_error.flip.error
    const asked = new Draws().start(8, 1, 1)
    const { expected_error, state } = toldOf(flips(i => i < 100 || asked.chance(0.1)))
    expect(truth).toBeGreaterThan(0.5)
    expect(expected_error.flip.n).toBeGreaterThan(120)
    expect(Math.abs(expected_error.flip.error - truth)).toBeLessThan(0.1)
    expect([expected_error.flip.low < truth, truth < expected_error.flip.high]).toEqual([true, true])
    expect(state).toEqual({ turns: 'none' })
  })

  it('answers on these alone turn none of the others', () => {
    const { expected_error, warnings, state } = toldOf(flips(i => i < 100))
    expect(state).toEqual({ turns: 'gold' })
    expect(warnings).toEqual([expect.stringContaining('too few kinds of the labels')])
    expect(expected_error.flip.high).toBeGreaterThan(0.7)
  })
})
