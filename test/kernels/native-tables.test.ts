import fc from 'fast-check'
import { describe, it } from 'vitest'
import { mix32 } from '../../pipeline/kernels/mix.ts'
import { nativeTables } from '../../pipeline/kernels/native-tables.ts'
import { unit } from '../../pipeline/kernels/random.ts'
import { fitText } from '../../pipeline/kernels/text-model.ts'
import { plainTables, type TableSizes, type TextTables } from '../../pipeline/kernels/text-tables.ts'
import { sameBytes, wasm } from './native-texts.ts'

const native = (sizes: TableSizes): TextTables => nativeTables(wasm('tables'), sizes)

describe('tables of a text model in a compiled kernel', () => {
  it('learn the same as plain code from any pairs, folds and sources', () => {
    const shape = fc.record({
      lengths: fc.array(fc.nat(30), { maxLength: 40 }),
      folds: fc.integer({ min: 1, max: 13 }),
      sources: fc.integer({ min: 1, max: 3 }),
      seed: fc.nat(1000),
    })
    fc.assert(
      fc.property(shape, ({ lengths, folds: count, sources, seed }) => {
        const starts = new Int32Array(lengths.length + 1)
        for (const [i, length] of lengths.entries()) starts[i + 1] = starts[i] + length
        const drawn = (row: number, k: number, below: number): number => Math.floor(unit(seed, row, k) * below)
        const fit = {
          terms: { starts, values: Int32Array.from({ length: starts[lengths.length] }, (_, i) => mix32(drawn(i, -1, 50))) },
          folds: {
            count,
            of: Uint8Array.from(lengths, (_, i) => drawn(i, -2, count + 1)),
            source: Int32Array.from(lengths, (_, i) => drawn(i, -3, sources)),
          },
          offsets: Float32Array.from({ length: lengths.length * count }, (_, i) => 20 * unit(seed, i, -4) - 10),
          epochs: 2,
          rate: 0.3,
        }
        const [a, b] = [fitText(fit, native), fitText(fit, plainTables)]
        for (let fold = 0; fold < count; fold++) {
          sameBytes(a.shared[fold], b.shared[fold])
          sameBytes(a.own[fold], b.own[fold])
        }
      }),
      { seed: 42, numRuns: 200 },
    )
  })
})
