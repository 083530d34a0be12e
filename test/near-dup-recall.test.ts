import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hash32 } from '../pipeline/kernels/random.ts'
import { GENEROUS, PAIR, run, words } from './near-dup-pairs.ts'

/** Word 5-grams as strings: the definition, slowly. */
function shinglesOf(text: string): Set<string> {
  const found = text.toLowerCase().match(/[a-z0-9]+/g) ?? []
  if (found.length < 5) return new Set([found.join(' ')])
  return new Set(found.slice(4).map((_, i) => found.slice(i, i + 5).join(' ')))
}

function jaccardOf(a: string, b: string): number {
  const [x, y] = [shinglesOf(a), shinglesOf(b)]
  const shared = [...x].filter(shingle => y.has(shingle)).length
  return shared / (x.size + y.size - shared)
}

interface Plain {
  readonly prompt: string
  readonly chosen: string
  readonly rejected: string
  readonly label_kind: 'human' | 'ai'
}

/** The survivor rule over all pairs of pairs. */
function expectedMatches(pairs: readonly Plain[], ids: readonly string[]): (readonly [string, number] | null)[] {
  const kind = (i: number) => (pairs[i].label_kind === 'human' ? 0 : 1)
  const order = pairs.map((_, i) => i).sort((i, j) => kind(i) - kind(j) || (ids[i] < ids[j] ? -1 : ids[i] > ids[j] ? 1 : i - j))
  const kept: number[] = []
  const matches: (readonly [string, number] | null)[] = pairs.map(() => null)
  for (const i of order) {
    const found = kept.map(k => {
      const prompt = jaccardOf(pairs[i].prompt, pairs[k].prompt)
      const straight = Math.min(prompt, jaccardOf(pairs[i].chosen, pairs[k].chosen), jaccardOf(pairs[i].rejected, pairs[k].rejected))
      const crossed = Math.min(prompt, jaccardOf(pairs[i].chosen, pairs[k].rejected), jaccardOf(pairs[i].rejected, pairs[k].chosen))
      return { k, straight, crossed }
    })
    const best = (of: 'straight' | 'crossed') =>
      found.filter(f => f[of] >= 0.6).sort((a, b) => b[of] - a[of] || order.indexOf(a.k) - order.indexOf(b.k))[0]
    if (best('straight')) matches[i] = [ids[best('straight').k], Math.fround(best('straight').straight)]
    else {
      if (best('crossed')) matches[i] = [ids[best('crossed').k], Math.fround(best('crossed').crossed)]
      kept.push(i)
    }
  }
  return matches
}

/** A text of one of few bases with few words changed, so that all degrees of similarity occur. */
function textOf(base: number, change: number, seed: number): string {
  const count = 20 + (hash32(seed, base, 1) % 40)
  return Array.from({ length: count }, (_, i) =>
    hash32(seed, change * 64 + i, 2) % 40 === 0 && change > 0 ? `v${change}` : `w${hash32(seed, base * 64 + i, 3) % 500}`,
  ).join(' ')
}

describe('against all pairs compared', () => {
  const field = fc.record({ base: fc.constantFrom(0, 0, 0, 1), change: fc.integer({ min: 0, max: 3 }) })
  const corpus = fc.record({
    seed: fc.nat(),
    pairs: fc.array(
      fc.record({
        prompt: fc.constantFrom(0, 1),
        chosen: field,
        rejected: field,
        label_kind: fc.constantFrom('human' as const, 'ai' as const),
      }),
      {
        minLength: 2,
        maxLength: 40,
        size: 'max',
      },
    ),
    batch_rows: fc.integer({ min: 1, max: 50 }),
    shuffle_seed: fc.nat(),
  })

  it('the same pairs survive, whatever the order and the cut', async () => {
    let matched = 0
    await fc.assert(
      fc.asyncProperty(corpus, async ({ seed, pairs, ...options }) => {
        const texts = pairs.map(({ prompt, chosen, rejected, label_kind }) => ({
          prompt: textOf(10 + prompt, 0, seed),
          chosen: textOf(chosen.base, chosen.change, seed),
          rejected: textOf(2 + rejected.base, rejected.change, seed),
          label_kind,
        }))
        const turned = texts.map((pair, i) =>
          hash32(seed, i, 9) % 4 === 0 ? { ...pair, chosen: pair.rejected, rejected: pair.chosen } : pair,
        )
        const { verdicts, ids } = await run(turned, { ...GENEROUS, threshold: 0.6, near_swapped: 'mark', no_signal: 'off' }, options)
        const expected = expectedMatches(turned, ids)
        matched += expected.filter(Boolean).length
        expect(verdicts.map(v => (v.add.duplicate_of ? [v.add.duplicate_of, v.add.jaccard] : null))).toEqual(expected)
      }),
      { seed: 42, numRuns: 60 },
    )
    expect(matched).toBeGreaterThan(300)
  })
})

describe('bounds', () => {
  it('hold for many copies of one pair', async () => {
    const pairs = Array.from({ length: 3000 }, (_, i) => ({ ...PAIR, prompt: i % 3 === 0 ? `${PAIR.prompt} ${i}` : PAIR.prompt }))
    const { reasons, facts } = await run(pairs)
    expect(reasons.filter(reason => reason === null)).toHaveLength(1)
    expect(facts.compared).toBeLessThanOrEqual(3000)
  })

  it('hold for one prompt shared by many pairs', async () => {
    const pairs = Array.from({ length: 2000 }, (_, i) => ({
      prompt: PAIR.prompt,
      chosen: words(`a${i}-`, 8),
      rejected: words(`b${i}-`, 8),
    }))
    const { reasons, facts } = await run(pairs)
    expect(reasons.every(reason => reason === null)).toBe(true)
    expect(facts.compared).toBe(0)
  })

  it('hold for the same short answers to many templated questions', async () => {
    const pairs = Array.from({ length: 2000 }, (_, i) => ({
      prompt: `${words('template', 30)} ${words(`q${i}-`, 20)}`,
      chosen: 'Yes',
      rejected: 'No',
    }))
    const { reasons, facts } = await run(pairs)
    expect(reasons.every(reason => reason === null)).toBe(true)
    expect(facts.compared).toBeLessThan(2000)
  })

  it('hold for a text of one repeated word', async () => {
    const chosen = 'ha '.repeat(300_000)
    const { reasons, of } = await run([
      { ...PAIR, chosen },
      { ...PAIR, chosen: `${chosen}ha` },
      { ...PAIR, chosen: 'ha ha ha ha' },
    ])
    expect(reasons.slice(0, 2).filter(Boolean)).toEqual(['near'])
    expect(of[2]).toBe(-1)
  })
})
