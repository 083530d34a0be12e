import { expect, it } from 'vitest'
import { isValid } from '../../pipeline/batch.ts'
import { recordedMargins } from '../../pipeline/kernels/recorded.ts'
import { pairsOf } from '../drive.ts'

it('gives margins by model, in whatever order rows name them, null where a score is missing', () => {
  const pairs = pairsOf([
    { scores: { a: [3, 1], b: [0.5, 0.25] } },
    { scores: { b: [1, 2], other: [9, 0], a: [1, 1] } },
    {},
    { scores: { a: [Number.NaN, 1], b: [Number.POSITIVE_INFINITY, 1] } },
  ])
  const columns = recordedMargins(pairs.columns.scores, 4, ['a', 'b'])
  const plain = columns.map(column => [0, 1, 2, 3].map(i => (isValid(column, i) ? column.values[i] : null)))
  expect(plain).toEqual([
    [2, 0, null, null],
    [0.25, -1, null, null],
  ])
})
