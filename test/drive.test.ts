import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Batch, batchOf, columnsOf, textsOf } from '../pipeline/batch.ts'
import { pairTexts } from '../pipeline/pair.ts'
import { defineMeasure, defineStage, type JudgedPairs } from '../pipeline/stage.ts'
import { driveStage } from './drive.ts'

const lengths = defineMeasure({
  name: 'lengths',
  version: 1,
  reads: { chosen: pairTexts.chosen },
  adds: () => ({ bytes: 'i32' }),
  open: () => batch => {
    const { offsets } = textsOf(columnsOf(batch, { chosen: pairTexts.chosen }).chosen, batch.rows)
    return { bytes: { values: Int32Array.from({ length: batch.rows }, (_, i) => offsets[i + 1] - offsets[i]) } }
  },
})

const reads = { ordinal: 'i32', bytes: 'i32' } as const

/** Drops pairs whose chosen response is as long as that of an earlier pair. */
const distinctLength = defineStage<{ least: number }>({
  name: 'distinct-length',
  doc: '',
  version: 1,
  params: z.strictObject({ least: z.number().default(2) }),
  measures: () => [lengths.with({})],
  reads: { bytes: 'i32', first: 'i32' },
  adds: { first: 'i32' },
  reasons: () => ({ short: 'review', same_length: 'drop' }),
  rounds: [
    {
      reads,
      emits: reads,
      returns: { first: 'i32' },
      partitions: () => 2,
      observe: () => batch => {
        const { ordinal, bytes } = columnsOf(batch, reads)
        return batchOf({ ...reads, partition: 'i32' }, batch.rows, {
          ordinal,
          bytes,
          partition: { values: bytes.values.map(n => n % 2) },
        }) as unknown as Batch
      },
      reduce: (_params, _context, rows) => {
        const { ordinal, bytes } = columnsOf(rows, reads)
        const first = bytes.values.map(n => Math.min(...ordinal.values.filter((_, k) => bytes.values[k] === n)))
        return {
          returns: batchOf({ ordinal: 'i32', first: 'i32' }, rows.rows, { ordinal, first: { values: first } }) as unknown as Batch,
          facts: rows.rows,
        }
      },
      combine: (_params, _context, parts) => ({ facts: parts.reduce((n, part) => n + (part.facts as number), 0) }),
    },
  ],
  judge:
    ({ least }) =>
    batch => {
      const { bytes, first } = columnsOf(batch, { bytes: 'i32', first: 'i32' })
      return { add: { first }, leave: Uint8Array.from(bytes.values, n => (n < least ? 1 : n === 3 ? 2 : 0)) }
    },
})

describe('driveStage', () => {
  const pairs = ['aa', 'bbb', 'c', 'ddd', 'ee'].map(chosen => ({ chosen }))

  it('measures, exchanges and judges', async () => {
    const { verdicts, summary } = await driveStage(distinctLength, {}, pairs)
    expect(verdicts.map(v => v.add.first)).toEqual([0, 1, 2, 1, 0])
    expect(verdicts.map(v => v.outcome)).toEqual(['stay', 'drop', 'review', 'drop', 'stay'])
    expect(verdicts[3].reason).toBe('same_length')
    expect(summary.facts).toBe(5)
  })

  it('gives the same for any cut and order', async () => {
    const whole = await driveStage(distinctLength, {}, pairs)
    for (const options of [{ batch_rows: 1 }, { batch_rows: 2, shuffle_seed: 1 }, { shuffle_seed: 2 }])
      expect((await driveStage(distinctLength, {}, pairs, options)).verdicts).toEqual(whole.verdicts)
  })

  it('observes nothing where a round is not needed', async () => {
    const fails = (): never => {
      throw new Error('observed')
    }
    const rounds = distinctLength.rounds!.map(round => ({ ...round, needed: ({ size }: JudgedPairs) => size > 0, observe: fails }))
    const { verdicts, summary } = await driveStage({ ...distinctLength, rounds }, {}, pairs)
    expect(verdicts.map(v => v.add.first)).toEqual([null, null, null, null, null])
    expect(summary.facts).toBe(0)
  })

  it('runs over no pairs', async () => expect((await driveStage(distinctLength, {}, [])).verdicts).toEqual([]))

  it('fails where a stage adds what it does not declare', async () => {
    const stage = { ...distinctLength, adds: { first: 'i32', other: 'u8' } as const }
    await expect(driveStage(stage, {}, pairs)).rejects.toThrow('declares columns first, other; gives first')
  })

  it('fails where a column holds other arrays than its type', async () => {
    for (const [values, name] of [
      [new Float64Array(5), 'Float64Array'],
      [[1, 2, 3, 4, 5] as never, 'Array'],
    ] as const) {
      const stage = { ...distinctLength, judge: () => () => ({ add: { first: { values } } }) }
      await expect(driveStage(stage, {}, pairs)).rejects.toThrow(`column first holds ${name}, expected Int32Array`)
    }
  })

  it('fails where a column is missing upstream', async () => {
    const stage = { ...distinctLength, reads: { prompt_cluster: 'id' } as const }
    await expect(driveStage(stage, {}, pairs)).rejects.toThrow('reads prompt_cluster, which nothing adds')
  })
})
