/** Tables of a text model in a compiled kernel's memory: the same as those of text-tables.ts, bit for bit. */
import { instantiate, layOut } from './native.ts'
import { byFold, FIRST_SQUARE, type TableSizes, type TextTables } from './text-tables.ts'

/** In a memory of their own: 33 MB for 5 folds of 18 bits. */
export function nativeTables(wasm: Uint8Array<ArrayBuffer>, { folds, bits, most, rate }: TableSizes): TextTables {
  const groups = Math.ceil(folds / 4)
  const table = 2 ** bits * groups * 32
  const sizes = { shared: table, own: table, slots: 4 * most, sums: 16 * groups, steps: 16 * groups }
  const { memory, base, call } = instantiate(wasm, layOut(0, sizes).end)
  const at = layOut(base, sizes)
  call.setUp(at.shared, at.own, groups)
  const floats = (from: number, length: number): Float32Array => new Float32Array(memory.buffer, from, length)
  const [total, along] = [floats(at.sums, folds), floats(at.steps, folds)]
  return {
    slots: new Int32Array(memory.buffer, at.slots, most),
    sums: (count, salt) => {
      call.sums(at.slots, at.slots + 4 * count, salt, at.sums)
      return total
    },
    descend: (count, salt, steps) => {
      along.set(steps)
      call.descend(at.slots, at.slots + 4 * count, salt, at.steps, rate, FIRST_SQUARE)
    },
    weights: () => ({
      shared: byFold(floats(at.shared, table / 4), folds, 4 * groups),
      own: byFold(floats(at.own, table / 4), folds, 4 * groups),
    }),
  }
}
