import { expect, it } from 'vitest'
import { styleAuditor } from '../../pipeline/kernels/style-audit.ts'
import { CONTEXT } from '../../pipeline/kernels/style-differences.ts'
import { styleFeatures } from '../../pipeline/kernels/style-features.ts'
import { FOLDS } from '../../pipeline/kernels/style-model.ts'

const ROWS = 60
const signs = Float32Array.from({ length: ROWS }, (_, i) => (i % 3 === 0 ? -1 : 1))
const rows = {
  rows: ROWS,
  fold: Uint8Array.from({ length: ROWS }, (_, i) => i % FOLDS),
  differences: Float32Array.from({ length: ROWS * styleFeatures.length }, (_, at) => signs[Math.floor(at / styleFeatures.length)]),
  context: new Float32Array(ROWS * CONTEXT),
  longer: signs,
  more_markdown: new Float32Array(ROWS),
}
const audit = styleAuditor(rows, Int32Array.from(signs.keys()), new Float32Array(ROWS))

it('tells of pairs that all weigh nothing what it tells of pairs of no style', () => {
  expect(audit(new Float64Array(ROWS))).toMatchObject({
    ...{ linear_auc: 0.5, tree_auc: 0.5, unseen_auc: 0.5, mcfadden_r2: 0, longer: 0.5, more_markdown: 0.5 },
    intervals: { mcfadden_r2: [0, 0], longer: [0.5, 0.5] },
  })
})

it('gives a share with the interval of a share, and nothing of what no pair differs in', () => {
  const { longer, more_markdown, intervals } = audit()
  const half = 1.959963984540054 * Math.sqrt(((2 / 3) * (1 / 3)) / ROWS)
  expect([longer, more_markdown]).toEqual([2 / 3, 0.5])
  expect(intervals.longer![0]).toBeCloseTo(2 / 3 - half, 12)
  expect(intervals.longer![1]).toBeCloseTo(2 / 3 + half, 12)
  expect(intervals.more_markdown).toEqual([0.5, 0.5])
})
