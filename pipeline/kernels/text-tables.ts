/** Weights of hashed terms while they are learnt, those of all folds at once: AdaGrad (Duchi et al. 2011, figure 1, diagonal) in float32. */
import { compiled } from './native.ts'
import { nativeTables } from './native-tables.ts'

export interface TextTables {
  /** The slots of the row at hand, in the low bit whose side has it: 1 = rejected. Has room for the longest row. */
  readonly slots: Int32Array
  /** By fold, what the first `count` slots weigh: shared[slot] + own[slot ^ salt] of each, less those of rejected. Valid until the next call. */
  sums(count: number, salt: number): Float32Array
  /** Moves both weights of the first `count` slots along `steps`, by fold. */
  descend(count: number, salt: number, steps: Float32Array): void
  /** The weights, a table a fold. */
  weights(): { readonly shared: Float32Array[]; readonly own: Float32Array[] }
}

export interface TableSizes {
  readonly folds: number
  /** Slots are numbers of so many bits. */
  readonly bits: number
  /** Slots of the longest row. */
  readonly most: number
  readonly rate: number
}

/** Added to the sums of squared slopes. */
export const FIRST_SQUARE = Math.fround(1e-3)
const { fround } = Math

/** Weights of the folds of a slot lie together, those of a row's slots far apart: a row touches all folds. */
export function plainTables({ folds, bits, most, rate: exact }: TableSizes): TextTables {
  const [slots, total, rate] = [new Int32Array(most), new Float32Array(folds), fround(exact)]
  const [shared, own] = [new Float32Array(2 ** bits * folds * 2), new Float32Array(2 ** bits * folds * 2)]
  return {
    slots,
    sums: (count, salt) => {
      total.fill(0)
      for (let k = 0; k < count; k++) {
        const [a, b] = [(slots[k] >>> 1) * folds * 2, ((slots[k] >>> 1) ^ salt) * folds * 2]
        const sign = slots[k] & 1 ? -1 : 1
        for (let fold = 0; fold < folds; fold++) total[fold] += sign * fround(shared[a + fold] + own[b + fold])
      }
      return total
    },
    descend: (count, salt, steps) => {
      for (let k = 0; k < count; k++) {
        const sign = slots[k] & 1 ? -1 : 1
        learn(shared, (slots[k] >>> 1) * folds * 2, folds, steps, sign * rate)
        learn(own, ((slots[k] >>> 1) ^ salt) * folds * 2, folds, steps, sign * rate)
      }
    },
    weights: () => ({ shared: byFold(shared, folds, folds), own: byFold(own, folds, folds) }),
  }
}

function learn(values: Float32Array, at: number, folds: number, steps: Float32Array, rate: number): void {
  for (let fold = 0; fold < folds; fold++) {
    const step = steps[fold]
    const square = at + folds + fold
    values[square] += fround(step * step)
    values[at + fold] += fround(fround(rate * step) / fround(Math.sqrt(fround(values[square] + FIRST_SQUARE))))
  }
}

/** A table a fold, of values that lie slot by slot: `room` weights each, of which the first `folds` count, then as many others. */
export function byFold(values: Float32Array, folds: number, room: number): Float32Array[] {
  return Array.from({ length: folds }, (_, fold) => {
    const table = new Float32Array(values.length / room / 2)
    for (let slot = 0; slot < table.length; slot++) table[slot] = values[slot * room * 2 + fold]
    return table
  })
}

const wasm = compiled('tables')
export const textTables = (sizes: TableSizes): TextTables => (wasm ? nativeTables(wasm, sizes) : plainTables(sizes))
