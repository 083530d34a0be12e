import { describe, expect, it } from 'vitest'
import { mix32 } from '../../pipeline/kernels/mix.ts'
import { unit } from '../../pipeline/kernels/random.ts'
import { fitText, type Terms, textMargin } from '../../pipeline/kernels/text-model.ts'

const GOOD = mix32(1) & ~1
const BAD = mix32(2) & ~1
const noise = (row: number, k: number): number => (mix32(1000 + Math.floor(unit(5, row, k) * 300)) & ~1) | (k & 1)

function termsOf(rows: readonly (readonly number[])[]): Terms {
  const starts = new Int32Array(rows.length + 1)
  for (const [i, row] of rows.entries()) starts[i + 1] = starts[i] + row.length
  return { starts, values: Int32Array.from(rows.flat()) }
}

const ROWS = 400
/** Chosen has GOOD, rejected BAD; in source 1 BAD is what chosen has. */
const rows = Array.from({ length: ROWS }, (_, i) => [
  ...(i % 4 === 3 ? [BAD] : [GOOD, BAD | 1]),
  ...Array.from({ length: 8 }, (_, k) => noise(i, k)),
])
const folds = { count: 5, of: Uint8Array.from(rows, (_, i) => i % 5), source: Int32Array.from(rows, (_, i) => (i % 4 === 3 ? 1 : 0)) }
const offsets = new Float32Array(ROWS * 5)
const fitted = (of: typeof rows, offset = offsets) => fitText({ terms: termsOf(of), folds, offsets: offset, epochs: 3, rate: 0.05 })

describe('fitText', () => {
  const terms = termsOf(rows)
  const model = fitted(rows)
  const margins = rows.map((_, i) => textMargin(model, terms, i, folds.of[i], folds.source[i]))

  it('learns which words speak for a response, source by source', () => {
    const share = (source: number): number =>
      margins.filter((m, i) => folds.source[i] === source && m > 0).length / margins.filter((_, i) => folds.source[i] === source).length
    expect(share(0)).toBeGreaterThan(0.9)
    const alone = termsOf([[BAD]])
    expect(textMargin(model, alone, 0, 0, 1)).toBeGreaterThan(0)
    expect(textMargin(model, alone, 0, 0, 0)).toBeLessThan(0)
  })

  it('never lets a pair speak for itself: turning the pairs of a fold turns their margins and nothing else', () => {
    const turned = rows.map((row, i) => (folds.of[i] === 2 ? row.map(term => term ^ 1) : row))
    const other = fitted(turned)
    for (let i = 2; i < ROWS; i += 5) expect(textMargin(other, termsOf(turned), i, 2, folds.source[i])).toBe(-margins[i])
    expect(textMargin(other, termsOf(turned), 0, 0, 0)).not.toBe(margins[0])
  })

  it('learns little of labels that the offset already explains', () => {
    const explained = fitted(rows, new Float32Array(ROWS * 5).fill(8))
    const strength = (of: typeof model): number => Math.abs(textMargin(of, termsOf([[GOOD]]), 0, 0, 0))
    expect(strength(explained)).toBeLessThan(strength(model) / 10)
  })

  it('says 0 of a pair without terms', () => expect(textMargin(model, termsOf([[]]), 0, 0, 0)).toBe(0))
})
