/** Band keys by the compiled kernel: the same as those of band-keys.ts, bit for bit. */
import type { BandKeys, FieldSignatures } from './band-keys.ts'
import { instantiate, layOut } from './native.ts'

const MOST_BANDS = 1 << 13
/** Values a band, over one or two fields; rows are 1,024 at most. */
const MOST_VALUES = 1 << 18

const sizes = { keys: (MOST_BANDS + 1) * 8, values: MOST_VALUES * 4 }

export type BandHasher = (
  pairs: number,
  bands: number,
  straight: readonly FieldSignatures[],
  responses?: readonly [FieldSignatures, FieldSignatures],
) => BandKeys

/** Makes a hasher of the compiled code. Its memory takes 1 MB a thread. */
export function nativeBands(wasm: Uint8Array<ArrayBuffer>): BandHasher {
  const { memory, base, call } = instantiate(wasm, layOut(0, sizes).end)
  const at = layOut(base, sizes)
  const numbers = new Int32Array(memory.buffer)

  /** Copies a field's values of bands [from, to) to an address and gives that after them and one band more. */
  function copy({ values, rows }: FieldSignatures, from: number, to: number, address: number): number {
    numbers.set(values.subarray(from * rows, to * rows), address >> 2)
    return address + (to - from + 1) * rows * 4
  }

  return (pairs, bands, straight, responses) => {
    const hi = new Int32Array(pairs * bands)
    const lo = new Int32Array(pairs * bands)
    const widest = Math.max(...straight.map(field => field.rows), responses ? responses[0].rows + responses[1].rows : 0)
    const step = Math.min(MOST_BANDS, Math.floor(MOST_VALUES / widest) - 1)
    for (let from = 0, to = 0; from < hi.length; from = to) {
      to = Math.min(hi.length, from + step)
      call.begin(at.keys, to - from, from % bands, bands)
      for (const field of straight) {
        copy(field, from, to, at.values)
        call.addField(at.keys, to - from, at.values, field.rows)
      }
      if (responses) {
        const [chosen, rejected] = responses
        const second = copy(chosen, from, to, at.values)
        copy(rejected, from, to, second)
        call.addResponses(at.keys, to - from, at.values, chosen.rows, second, rejected.rows)
      }
      for (let i = from, key = at.keys >> 2; i < to; i++, key += 2) {
        hi[i] = numbers[key]
        lo[i] = numbers[key + 1]
      }
    }
    return { hi, lo }
  }
}
