/** How the built-in models get better with more pairs: models of growing samples judge the pairs of one fold. */
import { agreementOf, type BuiltIn, type Examples, marginsOfParts, trainParts } from './built-in.ts'
import { mix32 } from './mix.ts'

export interface CurvePoint {
  /** That the models learnt from. */
  readonly pairs: number
  readonly text: Agreement
  readonly quality: Agreement
  readonly style: Agreement
}
type Agreement = ReturnType<typeof agreementOf>

/** Parts of the pairs outside the fold; what all of them teach, the trained models know already. */
const SHARES = [1 / 16, 1 / 8, 1 / 4, 1 / 2]
/** Fewer held-out pairs show nothing. */
const LEAST_HELD_OUT = 50
const HELD_OUT = 0

/** Each sample holds the smaller ones; the last point is that of the models trained on all. Empty where there are too few pairs. */
export function learningCurve(examples: Examples, trained: Omit<BuiltIn, 'stack'>): CurvePoint[] {
  const rows = Int32Array.from({ length: examples.rows }, (_, row) => row)
  const held = rows.filter(row => examples.folds.of[row] === HELD_OUT)
  if (held.length < LEAST_HELD_OUT) return []
  const heldOut = oneFold(examples, held, held.length)
  const points = SHARES.map(share => {
    const seen = rows.filter(row => examples.folds.of[row] !== HELD_OUT && mix32(row + 1) * 2 ** -32 < share)
    const models = trainParts(oneFold(examples, Int32Array.from([...held, ...seen]), held.length))
    return { pairs: seen.length, ...judged(models, heldOut) }
  })
  return [...points, { pairs: rows.length - held.length, ...judged(trained, heldOut) }]
}

function judged(models: Omit<BuiltIn, 'stack'>, held: Examples): Omit<CurvePoint, 'pairs'> {
  const { text, quality, text_style } = marginsOfParts(models, held)
  return { text: agreementOf(text), quality: agreementOf(quality), style: agreementOf(text_style) }
}

/** These rows, the first `held` of them in fold 0, which the only model does not see. */
function oneFold({ folds, terms, quality, style, style_odds }: Examples, rows: Int32Array, held: number): Examples {
  const starts = new Int32Array(rows.length + 1)
  rows.forEach((row, i) => {
    starts[i + 1] = starts[i] + terms.starts[row + 1] - terms.starts[row]
  })
  const values = new Int32Array(starts[rows.length])
  rows.forEach((row, i) => {
    values.set(terms.values.subarray(terms.starts[row], terms.starts[row + 1]), starts[i])
  })
  const picked = ({ width, values: from }: Examples['quality']): Examples['quality'] => {
    const to = new Float32Array(rows.length * width)
    rows.forEach((row, i) => {
      to.set(from.subarray(row * width, (row + 1) * width), i * width)
    })
    return { width, values: to }
  }
  return {
    rows: rows.length,
    folds: {
      count: 1,
      of: Uint8Array.from(rows, (_, i) => (i < held ? 0 : 1)),
      source: Int32Array.from(rows, row => folds.source[row]),
    },
    terms: { starts, values },
    quality: picked(quality),
    style: picked(style),
    style_odds: Float32Array.from(rows, row => style_odds[row]),
  }
}
