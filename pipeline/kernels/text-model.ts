/** A linear Bradley-Terry model over hashed terms, cross-fitted: each fold's weights come from the pairs of all other folds. */

import type { Folds } from './folded-logistic.ts'
import { mix32 } from './mix.ts'
import { textTables } from './text-tables.ts'

/** Terms of each pair, as the measure text-terms gives them: row i's are values[starts[i] .. starts[i + 1]), the low bit = rejected's. */
export interface Terms {
  readonly starts: Int32Array
  readonly values: Int32Array
}

/** Weights of a hashed term are shared[fold][slot] + own[fold][slot ^ salt of the source] (Daumé 2007: features shared and of one domain). */
export interface TextModel {
  readonly bits: number
  readonly shared: readonly Float32Array[]
  readonly own: readonly Float32Array[]
}

export interface TextFit {
  readonly terms: Terms
  readonly folds: Folds
  /** What else speaks for the label in each fold's eyes (style): offsets[row * folds + fold]. */
  readonly offsets: Float32Array
  readonly epochs: number
  /** Of AdaGrad. */
  readonly rate: number
}

const MOST_BITS = 18

/** The slot of a source's own weight of a term lies at slot ^ salt. */
const saltOf = (source: number, bits: number): number => mix32(source + 0x51ed27) >>> (32 - bits)

/** Terms of longer pairs weigh less, as in cosine-normalised text. */
const weightOf = (terms: number): number => 1 / Math.sqrt(terms + 1)

/** Bits of the table for so many terms in all: small corpora need no large one. */
const bitsFor = (terms: number): number => Math.min(MOST_BITS, Math.max(8, Math.ceil(Math.log2(terms + 1))))

/** Sees the rows in an order that depends on their number and the epoch alone; one row teaches the models of all folds but its own. */
export function fitText({ terms, folds, offsets, epochs, rate }: TextFit, tablesOf = textTables): TextModel {
  const rows = terms.starts.length - 1
  const bits = bitsFor(terms.values.length)
  const tables = tablesOf({ folds: folds.count, bits, most: longest(terms), rate })
  const steps = new Float32Array(folds.count)
  for (let epoch = 0; epoch < epochs; epoch++)
    for (const row of shuffledRows(rows, epoch)) {
      const count = slotsOf(terms, row, bits, tables.slots)
      const salt = saltOf(folds.source[row], bits)
      stepsOf(tables.sums(count, salt), weightOf(count), offsets, row * folds.count, steps)
      if (folds.of[row] < folds.count) steps[folds.of[row]] = 0
      tables.descend(count, salt, steps)
    }
  return { bits, ...tables.weights() }
}

/** By fold, how far a label surprises its model. */
function stepsOf(sums: Float32Array, weight: number, offsets: Float32Array, from: number, steps: Float32Array): void {
  for (let fold = 0; fold < steps.length; fold++) steps[fold] = weight / (1 + Math.exp(sums[fold] * weight + offsets[from + fold]))
}

function longest({ starts }: Terms): number {
  let most = 0
  for (let row = 1; row < starts.length; row++) most = Math.max(most, starts[row] - starts[row - 1])
  return most
}

/** Row numbers in the order of a hash. */
export function shuffledRows(rows: number, epoch: number): Int32Array {
  const keys = new Float64Array(rows)
  for (let row = 0; row < rows; row++) keys[row] = mix32(mix32(row + 1) ^ mix32(epoch + 0x3c6ef3)) * 2 ** 20 + (row & 0xfffff)
  if (rows > 2 ** 20) return Int32Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b])
  keys.sort()
  return Int32Array.from(keys, key => key % 2 ** 20)
}

/** Writes the slot of each term of a row, in the low bit whose side has it; gives how many. */
function slotsOf({ starts, values }: Terms, row: number, bits: number, slots: Int32Array): number {
  const from = starts[row]
  const count = starts[row + 1] - from
  for (let k = 0; k < count; k++) slots[k] = ((values[from + k] >>> (32 - bits)) << 1) | (values[from + k] & 1)
  return count
}

/** Margins of all pairs, each in the eyes of its fold's model; fold by fold, so that the tables of one stay in the cache. */
export function textMargins(model: TextModel, terms: Terms, folds: Folds): Float64Array {
  const margins = new Float64Array(folds.of.length)
  for (let fold = 0; fold < folds.count; fold++)
    for (let row = 0; row < margins.length; row++)
      if (folds.of[row] === fold) margins[row] = textMargin(model, terms, row, fold, folds.source[row])
  return margins
}

/** The margin of one pair in the eyes of a fold's model. */
export function textMargin(model: TextModel, { starts, values }: Terms, row: number, fold: number, source: number): number {
  const shared = model.shared[fold]
  const own = model.own[fold]
  const salt = saltOf(source, model.bits)
  const shift = 32 - model.bits
  let sum = 0
  for (let k = starts[row]; k < starts[row + 1]; k++) {
    const slot = values[k] >>> shift
    const weight = shared[slot] + own[slot ^ salt]
    sum += values[k] & 1 ? -weight : weight
  }
  return sum * weightOf(starts[row + 1] - starts[row])
}

/** One weight a slot: the mean over folds of what all sources share, and of a source's own where one is named. */
export function meanWeights({ bits, shared, own }: TextModel, source?: number): Float32Array {
  const salt = source === undefined ? 0 : saltOf(source, bits)
  return Float32Array.from({ length: 2 ** bits }, (_, slot) => {
    let sum = 0
    for (let fold = 0; fold < shared.length; fold++) sum += shared[fold][slot] + (source === undefined ? 0 : own[fold][slot ^ salt])
    return sum / shared.length
  })
}
