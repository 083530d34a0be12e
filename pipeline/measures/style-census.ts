/** How many pairs with a label each source has. */
import { type Batch, batchOf, columnsOf } from '../batch.ts'
import { sourceNumbers } from '../kernels/sources.ts'
import type { Round } from '../stage.ts'

const counted = { source: 'i32', pairs: 'f64' } as const

/** Counts the pairs of each source, to draw as many from small ones as from large ones. */
export const census: Round<unknown> = {
  reads: { source: 'utf8', tie: 'u8' },
  emits: counted,
  partitions: () => 1,
  observe:
    (_, { corpus }) =>
    batch => {
      const { source, tie } = columnsOf(batch, { source: 'utf8', tie: 'u8' })
      const pairs = new Float64Array(corpus.sources.length)
      const numbers = sourceNumbers(source, corpus.sources)
      for (let i = 0; i < numbers.length; i++) if (tie.values[i] === 0) pairs[numbers[i]]++
      const partition = { values: new Int32Array(pairs.length) }
      const emitted = { source: { values: Int32Array.from(pairs.keys()) }, pairs: { values: pairs }, partition }
      return batchOf({ ...counted, partition: 'i32' }, pairs.length, emitted) as Batch
    },
  reduce: (_, { corpus }, rows) => {
    const { source, pairs } = columnsOf(rows, counted)
    const total = new Array<number>(corpus.sources.length).fill(0)
    source.values.forEach((number, i) => {
      total[number] += pairs.values[i]
    })
    return { state: total }
  },
  combine: (_, { corpus }, parts) => {
    const total = new Array<number>(corpus.sources.length).fill(0)
    for (const { state } of parts) for (const [source, pairs] of (state as number[]).entries()) total[source] += pairs
    return { state: { pairs: total } }
  },
}
