import { expect, it } from 'vitest'
import { batchOf, utf8Of } from '../pipeline/batch.ts'
import { Lengths } from '../pipeline/lengths.ts'
import { outcomes, sizeFacts } from '../pipeline/pair.ts'
import { splits } from '../pipeline/settle.ts'

type Row = readonly [source: string, prompt: number, chosen: number, rejected: number, outcome: string, split: string]

function lengthsOf(shards: readonly (readonly Row[])[], sources = 3): Lengths {
  const lengths = new Lengths(sources)
  for (const rows of shards) {
    const ints = (of: (row: Row) => number) => ({ values: Int32Array.from(rows, of) })
    const batch = batchOf({ ...sizeFacts, source: 'utf8' }, rows.length, {
      text_bytes: ints(([, prompt, chosen, rejected]) => prompt + chosen + rejected),
      chosen_bytes: ints(([, , chosen]) => chosen),
      rejected_bytes: ints(([, , , rejected]) => rejected),
      source: utf8Of(rows.map(([source]) => source)),
    })
    const places = (names: readonly string[], of: (row: Row) => string) => Uint8Array.from(rows, row => names.indexOf(of(row)))
    lengths.add(
      batch,
      places(outcomes, row => row[4]),
      places(splits, row => row[5]),
    )
  }
  return lengths
}

it('tells of kept pairs, and of the sides as they stand in train', () => {
  const lengths = lengthsOf([
    [
      ['a', 10, 1, 5, 'keep', 'train'],
      ['a', 10, 2, 6, 'keep', 'train'],
      ['b', 10, 100, 7, 'flip', 'train'],
      ['b', 10, 9, 9, 'drop', 'none'],
    ],
    [
      ['a', 10, 3, 7, 'keep', 'train'],
      ['a', 10, 4, 8, 'keep', 'train'],
      ['c', 10, 50, 60, 'keep', 'validation'],
    ],
  ])
  expect(lengths.ofPairs()).toEqual({ median: 18, p99: 110, max: 110 })
  expect(lengths.ofSides()).toEqual([
    ['a', { chosen: { quarter: 2, median: 3, three_quarters: 4 }, rejected: { quarter: 6, median: 7, three_quarters: 8 } }],
    ['b', { chosen: { quarter: 7, median: 7, three_quarters: 7 }, rejected: { quarter: 100, median: 100, three_quarters: 100 } }],
  ])
})

it('tells nothing where nothing was kept, or nothing has a text', () => {
  expect(lengthsOf([[['a', 1, 1, 1, 'drop', 'none']]]).ofPairs()).toBeUndefined()
  expect(lengthsOf([[['a', 1, 1, 1, 'drop', 'none']]]).ofSides()).toEqual([])
  expect(lengthsOf([[['a', 0, 0, 0, 'keep', 'train']]]).ofPairs()).toBeUndefined()
})

it('keeps ten binary digits of sides, and none where sources are beyond counting', () => {
  const row: Row = ['a', 0, 1023, 123_457, 'keep', 'train']
  expect(lengthsOf([[row]]).ofSides()[0][1]).toMatchObject({ chosen: { median: 1023 }, rejected: { median: 123_392 } })
  expect(lengthsOf([[row]], 1001).ofSides()).toEqual([])
  expect(lengthsOf([[row]], 1001).ofPairs()?.max).toBe(123_457)
})
