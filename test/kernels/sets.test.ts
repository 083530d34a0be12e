import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { groupsOf, membersOf } from '../../pipeline/kernels/groups.ts'
import { jaccardAbove } from '../../pipeline/kernels/jaccard.ts'
import { prefixesOf } from '../../pipeline/kernels/prefixes.ts'
import type { Sets } from '../../pipeline/kernels/sets.ts'
import { shingle, sortDistinct, wordlessShingle } from '../../pipeline/kernels/shingles.ts'
import { UnionFind } from '../../pipeline/kernels/union-find.ts'

const shinglesOf = (words: number[], ngram: number): number[] => {
  const out = new Int32Array(words.length + 1)
  return [...out.subarray(0, shingle(Uint32Array.from(words), 0, words.length, ngram, out))]
}

describe('shingles', () => {
  it('are equal where and only where the words are', () => {
    const small = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(small, small, fc.integer({ min: 1, max: 6 }), (a, b, n) => {
        const grams = (words: number[]) =>
          words.length < n ? [words.join()] : words.slice(n - 1).map((_, i) => words.slice(i, i + n).join())
        const hashes = new Map([...grams(a), ...grams(b)].map((gram, i) => [gram, [...shinglesOf(a, n), ...shinglesOf(b, n)][i]]))
        expect([...grams(a), ...grams(b)].map(gram => hashes.get(gram))).toEqual([...shinglesOf(a, n), ...shinglesOf(b, n)])
        expect(new Set(hashes.values()).size).toBe(hashes.size)
      }),
      { seed: 42 },
    )
  })

  it('of a short text are one, and not that of a longer text', () => {
    expect(shinglesOf([7, 8], 5)).toHaveLength(1)
    expect(new Set([[7], [7, 8], [8, 7], [0, 7], [0, 0, 0, 0, 7]].flatMap(words => shinglesOf(words, 5))).size).toBe(5)
  })

  it('of a text without words are its bytes', () => {
    const bytes = Uint8Array.of(33, 33, 63)
    expect(wordlessShingle(bytes, 0, 1)).toBe(wordlessShingle(bytes, 1, 2))
    expect(
      new Set([wordlessShingle(bytes, 0, 0), wordlessShingle(bytes, 0, 1), wordlessShingle(bytes, 0, 2), wordlessShingle(bytes, 2, 3)])
        .size,
    ).toBe(4)
  })
})

const set = fc.uniqueArray(fc.integer({ min: -20, max: 20 }), { minLength: 1 }).map(values => Int32Array.from(values).sort())

function exactly(a: Int32Array, b: Int32Array): number {
  const shared = a.filter(value => b.includes(value)).length
  return shared / (a.length + b.length - shared)
}

describe('Jaccard similarity', () => {
  it('is exact where it reaches the threshold, -1 elsewhere', () => {
    fc.assert(
      fc.property(set, set, fc.constantFrom(0, 0.1, 0.25, 1 / 3, 0.5, 0.8, 0.9, 1), (a, b, threshold) => {
        const jaccard = exactly(a, b)
        expect(jaccardAbove(threshold, a, 0, a.length, b, 0, b.length)).toBe(jaccard >= threshold ? jaccard : -1)
      }),
      { seed: 42, numRuns: 2000 },
    )
  })

  it('includes the threshold itself', () =>
    expect(jaccardAbove(0.8, Int32Array.of(1, 2, 3, 4), 0, 4, Int32Array.of(1, 2, 3, 4, 5), 0, 5)).toBe(0.8))
})

it('distinct values are sorted', () => {
  const values = Int32Array.of(3, -1, 3, 2, -1, 99)
  expect([...values.subarray(0, sortDistinct(values, 5))]).toEqual([-1, 2, 3])
})

describe('prefixes', () => {
  const columnOf = (sets: Int32Array[]): Sets => {
    const starts = new Int32Array(sets.length + 1)
    for (const [i, { length }] of sets.entries()) starts[i + 1] = starts[i] + length
    return { starts, values: Int32Array.from(sets.flatMap(s => [...s])) }
  }

  it('of similar sets share a member, in one column or across two', () => {
    fc.assert(
      fc.property(
        fc.array(set, { minLength: 2, maxLength: 12 }),
        fc.array(set, { minLength: 12, maxLength: 12 }),
        fc.constantFrom(0.3, 0.5, 0.8, 1),
        (left, right, threshold) => {
          const columns = [left, right.slice(0, left.length)]
          const rows = Int32Array.from(left.keys())
          const prefixes = prefixesOf(columns.map(columnOf), rows, threshold)
          const prefix = (c: number, i: number) => [...prefixes[c].members.subarray(prefixes[c].starts[i], prefixes[c].starts[i + 1])]
          for (const [c, d] of [
            [0, 0],
            [0, 1],
            [1, 1],
          ])
            for (const i of rows)
              for (const j of rows) {
                if ((c === d && i === j) || exactly(columns[c][i], columns[d][j]) < threshold) continue
                expect(prefix(c, i).filter(member => prefix(d, j).includes(member)).length).toBeGreaterThan(0)
              }
        },
      ),
      { seed: 42 },
    )
  })
})

it('groups are the rows of equal keys', () => {
  const lane = fc.integer({ min: -2, max: 2 })
  fc.assert(
    fc.property(fc.array(fc.tuple(lane, lane)), keys => {
      const groups = groupsOf([Int32Array.from(keys, key => key[0]), Int32Array.from(keys, key => key[1])])
      const { starts, rows } = membersOf(groups)
      const found = Array.from({ length: groups.count }, (_, g) => [...rows.subarray(starts[g], starts[g + 1])])
      const firsts = keys.filter((key, i) => keys.findIndex(other => other.join() === key.join()) === i)
      const wanted = firsts.map(first => keys.flatMap((key, i) => (key.join() === first.join() ? [i] : [])))
      expect(found.map(String).toSorted()).toEqual(wanted.map(String).toSorted())
    }),
    { seed: 42 },
  )
})

it('components are named by their smallest member, in any order of unions', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 19 }), fc.integer({ min: 0, max: 19 }))), edges => {
      const of = Array.from({ length: 20 }, (_, i) => i)
      for (const _ of edges) for (const [a, b] of edges) of[a] = of[b] = Math.min(of[a], of[b])
      const sets = new UnionFind(20)
      for (const [a, b] of edges) sets.union(a, b)
      expect(of.map((_, i) => sets.find(i))).toEqual(of)
    }),
    { seed: 42 },
  )
})
