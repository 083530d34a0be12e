/** Figures of the Python packages krippendorff 0.8.1 and statsmodels 0.15.0 on the same data; test/reference/agreement.py prints them. */
import { describe, expect, it } from 'vitest'
import { cohenKappa, fleissKappa, krippendorffAlpha, percentAgreement, ratingsOf } from '../../pipeline/kernels/agreement.ts'
import { wilson } from '../../pipeline/kernels/intervals.ts'

/** A row an annotator, a column a unit; null where there is no answer. */
const TABLE = [
  [0, 1, 2, 2, 1, 0, 3, 0, 1, null, 2, null],
  [0, 1, 2, 2, 1, 1, 3, 0, 1, 4, null, 2],
  [null, 2, 2, 2, 1, 2, 3, 1, 1, 4, 2, 2],
  [0, 1, 2, 2, 1, 3, 3, 0, 1, 4, 2, null],
]
const units = TABLE[0].map((_, u) => TABLE.flatMap(row => row[u] ?? []))

describe('Krippendorff', () => {
  it('has the figures of the package krippendorff', () => {
    expect(krippendorffAlpha(ratingsOf(units, 5))).toBeCloseTo(0.7551020408163266, 12)
    expect(krippendorffAlpha(ratingsOf(units, 5), 'ordinal')).toBeCloseTo(0.8089071287429701, 12)
  })

  it('is 1 where nobody ever differs, 0 or less where all differ, NaN where nobody can', () => {
    expect(
      krippendorffAlpha(
        ratingsOf(
          [
            [1, 1],
            [1, 1, 1],
          ],
          2,
        ),
      ),
    ).toBe(1)
    expect(
      krippendorffAlpha(
        ratingsOf(
          [
            [0, 1],
            [1, 0],
            [0, 1],
          ],
          2,
        ),
      ),
    ).toBeLessThanOrEqual(0)
    expect(krippendorffAlpha(ratingsOf([[0], [1], []], 2))).toBeNaN()
  })
})

describe('kappa', () => {
  it('of Fleiss has the figure of statsmodels (the table of his paper)', () => {
    const counts = [
      [0, 0, 0, 0, 14],
      [0, 2, 6, 4, 2],
      [0, 0, 3, 5, 6],
      [0, 3, 9, 2, 0],
      [2, 2, 8, 1, 1],
      [7, 7, 0, 0, 0],
      [3, 2, 6, 3, 0],
      [2, 5, 3, 2, 2],
      [6, 5, 2, 1, 0],
      [0, 2, 2, 3, 7],
    ]
    const table = counts.map(row => row.flatMap((n, c) => Array<number>(n).fill(c)))
    expect(fleissKappa(ratingsOf(table, 5))).toBeCloseTo(0.20993070442195522, 12)
    expect(() => fleissKappa(ratingsOf([[0, 1], [0]], 2))).toThrow('unit 1')
  })

  it('of Cohen has the figure of statsmodels', () => {
    const matrix = [
      [20, 5, 1],
      [10, 15, 3],
      [2, 1, 9],
    ]
    const pairs = matrix.flatMap((row, a) => row.flatMap((n, b) => Array.from({ length: n }, () => [a, b])))
    expect(
      cohenKappa(
        pairs.map(([a]) => a),
        pairs.map(([, b]) => b),
        3,
      ),
    ).toBeCloseTo(0.4776978417266186, 12)
    expect(cohenKappa([1, 1], [1, 1], 2)).toBe(1)
  })
})

it('percent agreement counts pairs of answers', () => {
  expect(
    percentAgreement(
      ratingsOf(
        [
          [0, 0, 1],
          [1, 1],
        ],
        2,
      ),
    ),
  ).toBeCloseTo(0.5, 12)
  expect(percentAgreement(ratingsOf([[0]], 2))).toBeNaN()
})

it.each([
  [0, 10, 0, 0.27753279986288926],
  [7, 10, 0.39677814746114537, 0.8922087325936989],
  [48, 50, 0.8653990931249297, 0.9889611156723802],
  [50, 50, 0.9286524008666412, 1],
])('Wilson of %d in %d has the figures of statsmodels', (x, n, low, high) => {
  expect(wilson(x / n, n).low).toBeCloseTo(low, 12)
  expect(wilson(x / n, n).high).toBeCloseTo(high, 12)
})
