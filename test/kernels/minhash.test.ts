import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bandKeys } from '../../pipeline/kernels/band-keys.ts'
import { bandingFor, expectedRecall, probability } from '../../pipeline/kernels/banding.ts'
import { agreement, EMPTY, familyOf, sign } from '../../pipeline/kernels/minhash.ts'
import { mix32 } from '../../pipeline/kernels/mix.ts'

const SIZE = 160
const family = familyOf(42, SIZE)

function signatureOf(shingles: Int32Array): Int32Array {
  const signature = new Int32Array(SIZE).fill(EMPTY)
  sign(family, shingles, signature, 0, SIZE)
  return signature
}

/** Two random sets of 200 that share `shared`; no two calls with different numbers share anything. */
function twoSets(number: number, shared: number): [Int32Array, Int32Array] {
  const at = (i: number) => mix32(number * 1000 + i)
  return [Int32Array.from({ length: 200 }, (_, i) => at(i)), Int32Array.from({ length: 200 }, (_, i) => at(i < shared ? i : i + 200))]
}

describe('the estimate of Jaccard similarity', () => {
  it.each([100, 150, 178, 190])('of 500 pairs of random sets that share %i of 200 is unbiased, with the variance of theory', shared => {
    const jaccard = shared / (400 - shared)
    const errors = Array.from({ length: 500 }, (_, t) => {
      const [a, b] = twoSets(t + shared * 500, shared).map(signatureOf)
      return agreement(a, 0, b, 0, SIZE) - jaccard
    })
    const bias = errors.reduce((sum, e) => sum + e, 0) / 500
    const variance = errors.reduce((sum, e) => sum + e * e, 0) / 500
    expect(Math.abs(bias)).toBeLessThan(0.003)
    // 500 draws by themselves scatter a variance by 6 %
    expect((variance * SIZE) / (jaccard * (1 - jaccard))).toBeGreaterThan(0.88)
    expect((variance * SIZE) / (jaccard * (1 - jaccard))).toBeLessThan(1.12)
  })

  it('has the variance of theory within 5 %, over all of them', () => {
    const ratios = [100, 130, 150, 165, 178, 185, 190].flatMap(shared =>
      Array.from({ length: 1000 }, (_, t) => {
        const jaccard = shared / (400 - shared)
        const [a, b] = twoSets(1e6 + t + shared * 1000, shared).map(signatureOf)
        return ((agreement(a, 0, b, 0, SIZE) - jaccard) ** 2 * SIZE) / (jaccard * (1 - jaccard))
      }),
    )
    const ratio = ratios.reduce((sum, r) => sum + r, 0) / ratios.length
    expect(ratio).toBeGreaterThan(0.95)
    expect(ratio).toBeLessThan(1.05)
  })
})

it('a signature is that of the set: order and repeats do not matter, a part at a time gives the same', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), fc.nat(), (values, cut) => {
      const whole = signatureOf(Int32Array.from(values))
      expect(signatureOf(Int32Array.from([...values, ...values].toReversed()))).toEqual(whole)
      const parts = new Int32Array(SIZE).fill(EMPTY)
      sign(family, Int32Array.from(values.slice(cut % values.length)), parts, 0, SIZE)
      sign(family, Int32Array.from(values.slice(0, cut % values.length)), parts, 0, SIZE)
      expect(parts).toEqual(whole)
    }),
    { seed: 42 },
  )
})

it('another seed draws other functions', () => expect(familyOf(43, SIZE).multipliers).not.toEqual(family.multipliers))

describe('banding', () => {
  it.each([
    [14, 8, 0.8, 0.924],
    [20, 8, 0.8, 0.975],
    [26, 11, 0.8, 0.9],
    [8, 16, 0.8, 0.204],
  ])('%i x %i finds a similarity of %f with probability %f', (bands, rows, jaccard, wanted) =>
    expect(probability(bands, rows, jaccard)).toBeCloseTo(wanted, 2),
  )

  it('is as selective as the wanted recall allows', () => {
    expect(bandingFor(0.8, 0.995)).toEqual({ bands: 13, rows: 6 })
    expect(expectedRecall({ bands: 13, rows: 6 }, 0.8)).toBeGreaterThanOrEqual(0.995)
    expect(expectedRecall({ bands: 16, rows: 7 }, 0.8)).toBeLessThan(0.995)
  })

  it('of a threshold of 1 needs one band, of a hopeless one does not exist', () => {
    expect(bandingFor(1, 0.99)).toEqual({ bands: 1, rows: 16 })
    expect(bandingFor(0.1, 0.999, 3)).toBeUndefined()
  })

  it('finds as many as the curve says', () => {
    const found = Array.from({ length: 400 }, (_, t) => {
      const [a, b] = twoSets(t, 171).map(set => ({ values: signatureOf(set).slice(0, 119), rows: 7 }))
      const [x, y] = [bandKeys(1, 17, [a]), bandKeys(1, 17, [b])]
      return x.hi.some((hi, i) => hi === y.hi[i] && x.lo[i] === y.lo[i]) ? 1 : 0
    }).reduce<number>((sum, n) => sum + n, 0)
    expect(found / 400).toBeCloseTo(probability(17, 7, 171 / 229), 1)
  })
})

describe('band keys', () => {
  const field = (seed: number) => ({ values: Int32Array.from({ length: 30 }, (_, i) => mix32(seed + i)), rows: 3 })
  const keys = (...parts: Parameters<typeof bandKeys>) => [...bandKeys(...parts).hi, ...bandKeys(...parts).lo]

  it('do not depend on the order of the responses, but on which field is which', () => {
    const straight = keys(2, 5, [field(1)], [field(100), field(200)])
    expect(keys(2, 5, [field(1)], [field(200), field(100)])).toEqual(straight)
    expect(keys(2, 5, [field(100)], [field(1), field(200)])).not.toEqual(straight)
  })

  it('differ between bands of equal values', () => expect(new Set(keys(1, 10, [{ values: new Int32Array(30), rows: 3 }])).size).toBe(20))

  it('tell two equal responses from two other equal ones', () => {
    const [a, b] = [keys(2, 5, [], [field(1), field(1)]), keys(2, 5, [], [field(2), field(2)])]
    expect(a.filter((key, i) => key === b[i])).toEqual([])
  })
})
