/** A linear Bradley-Terry model over hashed terms, cross-fitted: each fold's weights come from the pairs of all other folds. */

import type { Folds } from './folded-logistic.ts'
import { mix32 } from './mix.ts'

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
  /** Of AdaGrad (Duchi et al. 2011). */
  readonly rate: number
}

const FIRST_SQUARE = 1e-3
const MOST_BITS = 18

/** The slot of a source's own weight of a term lies at slot ^ salt. */
const saltOf = (source: number, bits: number): number => mix32(source + 0x51ed27) >>> (32 - bits)

/** Terms of longer pairs weigh less, as in cosine-normalised text. */
const weightOf = (terms: number): number => 1 / Math.sqrt(terms + 1)

/** Bits of the table for so many terms in all: small corpora need no large one. */
const bitsFor = (terms: number): number => Math.min(MOST_BITS, Math.max(8, Math.ceil(Math.log2(terms + 1))))

/** Sees the rows in an order that depends on their number and the epoch alone; one row teaches the models of all folds but its own. */
export function fitText(fit: TextFit): TextModel {
  const { terms, folds, epochs } = fit
  const bits = bitsFor(terms.values.length)
  const [shared, own] = [new Learning(folds.count, bits), new Learning(folds.count, bits)]
  const rows = terms.starts.length - 1
  for (let epoch = 0; epoch < epochs; epoch++)
    for (const row of shuffledRows(rows, epoch)) {
      const slots = slotsOf(terms, row, bits)
      const salt = saltOf(folds.source[row], bits)
      const steps = stepsOf(fit, row, slots.length, shared.sums(slots, 0), own.sums(slots, salt))
      shared.descend(slots, 0, steps, fit.rate)
      own.descend(slots, salt, steps, fit.rate)
    }
  return { bits, shared: shared.tables(), own: own.tables() }
}

/** By fold; 0 for that of the row, which is not to learn from it. */
function stepsOf({ folds, offsets }: TextFit, row: number, terms: number, shared: Float64Array, own: Float64Array): Float64Array {
  const weight = weightOf(terms)
  return shared.map((sum, fold) =>
    fold === folds.of[row] ? 0 : weight / (1 + Math.exp((sum + own[fold]) * weight + offsets[row * folds.count + fold])),
  )
}

/** Weights and sums of squared slopes of every fold while they are learnt: those of one slot lie together, as each row touches all folds. */
class Learning {
  readonly #folds: number
  readonly #values: Float32Array

  constructor(folds: number, bits: number) {
    this.#folds = folds
    this.#values = new Float32Array(2 ** bits * folds * 2)
    for (let at = 1; at < this.#values.length; at += 2) this.#values[at] = FIRST_SQUARE
  }

  /** By fold, the weights of a row's slots. */
  sums(slots: Int32Array, salt: number): Float64Array {
    const [folds, values] = [this.#folds, this.#values]
    const sums = new Float64Array(folds)
    for (let k = 0; k < slots.length; k++) {
      const at = ((slots[k] >>> 1) ^ salt) * folds * 2
      const sign = slots[k] & 1 ? -1 : 1
      for (let fold = 0; fold < folds; fold++) sums[fold] += sign * values[at + 2 * fold]
    }
    return sums
  }

  descend(slots: Int32Array, salt: number, steps: Float64Array, rate: number): void {
    const [folds, values] = [this.#folds, this.#values]
    for (let k = 0; k < slots.length; k++) {
      const sign = slots[k] & 1 ? -1 : 1
      for (let fold = 0, at = ((slots[k] >>> 1) ^ salt) * folds * 2; fold < folds; fold++, at += 2) {
        const step = steps[fold]
        values[at + 1] += step * step
        values[at] += (sign * rate * step) / Math.sqrt(values[at + 1])
      }
    }
  }

  /** The weights, a table a fold. */
  tables(): Float32Array[] {
    const size = this.#values.length / this.#folds / 2
    return Array.from({ length: this.#folds }, (_, fold) =>
      Float32Array.from({ length: size }, (_, slot) => this.#values[(slot * this.#folds + fold) * 2]),
    )
  }
}

/** Row numbers in the order of a hash. */
export function shuffledRows(rows: number, epoch: number): Int32Array {
  const keys = new Float64Array(rows)
  for (let row = 0; row < rows; row++) keys[row] = mix32(mix32(row + 1) ^ mix32(epoch + 0x3c6ef3)) * 2 ** 20 + (row & 0xfffff)
  if (rows > 2 ** 20) return Int32Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b])
  keys.sort()
  return Int32Array.from(keys, key => key % 2 ** 20)
}

/** The slot of each term of a row, in the low bit whose side has it. */
function slotsOf({ starts, values }: Terms, row: number, bits: number): Int32Array {
  const slots = values.slice(starts[row], starts[row + 1])
  for (let k = 0; k < slots.length; k++) slots[k] = ((slots[k] >>> (32 - bits)) << 1) | (slots[k] & 1)
  return slots
}

function sumOf(model: TextModel, fold: number, salt: number, slots: Int32Array): number {
  const shared = model.shared[fold]
  const own = model.own[fold]
  let sum = 0
  for (let k = 0; k < slots.length; k++) {
    const slot = slots[k] >>> 1
    const weight = shared[slot] + own[slot ^ salt]
    sum += slots[k] & 1 ? -weight : weight
  }
  return sum * weightOf(slots.length)
}

/** The margin of one pair in the eyes of a fold's model. */
export const textMargin = (model: TextModel, terms: Terms, row: number, fold: number, source: number): number =>
  sumOf(model, fold, saltOf(source, model.bits), slotsOf(terms, row, model.bits))

/** One weight a slot: the mean over folds of what all sources share, and of a source's own where one is named. */
export function meanWeights({ bits, shared, own }: TextModel, source?: number): Float32Array {
  const salt = source === undefined ? 0 : saltOf(source, bits)
  return Float32Array.from({ length: 2 ** bits }, (_, slot) => {
    let sum = 0
    for (let fold = 0; fold < shared.length; fold++) sum += shared[fold][slot] + (source === undefined ? 0 : own[fold][slot ^ salt])
    return sum / shared.length
  })
}
