/** Logistic models of signed differences for every fold and source. */
import { type Differences, fitPairLogistic, type Weights } from './logistic.ts'

export interface Folds {
  readonly count: number
  /** The fold of each row: no model of a fold has seen its rows. */
  readonly of: Uint8Array
  readonly source: Int32Array
}

/** Weights of features as they are. One model a fold, which all sources share, and one a fold and source. Plain values: may be stored as JSON. */
export type FoldedLogistic = readonly {
  readonly shared: readonly number[]
  /** By source; a source without rows has the shared weights. */
  readonly own: Readonly<Record<string, readonly number[]>>
}[]

/** How much more strongly a source's weights are held to the shared ones than those to 0. */
const SOURCE_PULL = 10

/**
 * Fits every fold on the rows of the other folds, and every source there with a pull towards what all sources share; that is held to `centre`,
 * else to 0.
 */
export function crossFitLogistic(differences: Differences, folds: Folds, ridge: number, centre?: Weights): FoldedLogistic {
  return Array.from({ length: folds.count }, (_, fold) => {
    const outside = rowsOutside(folds, fold)
    const shared = fitPairLogistic(differences, outside.rows, ridge, undefined, centre, centre)
    const own: Record<string, number[]> = {}
    for (const [source, index] of outside.bySource)
      own[source] = plain(fitPairLogistic(differences, index, SOURCE_PULL * ridge, undefined, shared, shared))
    return { shared: plain(shared), own }
  })
}

const plain = ({ weights, sizes }: { weights: Float64Array; sizes: Float64Array }): number[] => Array.from(weights, (w, k) => w / sizes[k])

/** Rows of one source that a fold learns from, at most: a few dozen weights need no more, and large sources drown small ones less. */
const ROWS_PER_SOURCE = 5_000

/** Row numbers outside a fold, ascending, by source and all together. Of large sources every so manieth is taken. */
function rowsOutside(folds: Folds, fold: number): { rows: Int32Array; bySource: Map<number, Int32Array> } {
  const lists = new Map<number, number[]>()
  for (let row = 0; row < folds.of.length; row++) {
    if (folds.of[row] === fold) continue
    const list = lists.get(folds.source[row])
    if (list) list.push(row)
    else lists.set(folds.source[row], [row])
  }
  const bySource = new Map([...lists].map(([source, list]) => [source, thinned(list)]))
  const rows = Int32Array.from([...bySource.values()].flatMap(index => [...index])).sort()
  return { rows, bySource }
}

function thinned(rows: readonly number[]): Int32Array {
  const count = Math.min(rows.length, ROWS_PER_SOURCE)
  return Int32Array.from({ length: count }, (_, i) => rows[Math.floor((i * rows.length) / count)])
}

/** What the model of each row's fold and source says of it: the part of the margin that features from .. to) make. */
export function foldedMargins(model: FoldedLogistic, { width, values }: Differences, folds: Folds, from = 0, to = width): Float64Array {
  return Float64Array.from(folds.of, (fold, row) => {
    const { shared, own } = model[fold]
    const weights = own[folds.source[row]] ?? shared
    let margin = 0
    for (let k = from; k < to; k++) margin += weights[k] * values[row * width + k]
    return margin
  })
}
